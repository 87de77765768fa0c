//! The guide: every command in it is run, in the order of the page, and prints what the page says.
//!
//! A block of the kind `console` is a session (see `svcctl_tests::console`); all blocks of a page are one. Commands that
//! cannot be run here (of other systems, or of the tools that are left behind) stand in tables or in `text` blocks.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use svcctl_tests::console::{self, Turn};
use svcctl_tests::shell::Shell;

const LANGUAGES: [&str; 2] = ["en", "zh"];

fn guide(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide").join(language).join("src")
}

/// The pages of a language, as its table of contents names them.
fn pages(language: &str) -> Vec<String> {
    let summary = std::fs::read_to_string(guide(language).join("SUMMARY.md")).expect("a table of contents");
    let targets = summary.lines().filter_map(|line| line.split_once("](")?.1.split_once(')'));
    targets.map(|(target, _)| target.trim_start_matches("./").to_owned()).collect()
}

fn text(language: &str, page: &str) -> String {
    let path = guide(language).join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The session of a page: its `console` blocks, one after the other, with their lines where they stand.
fn session(text: &str) -> Vec<Turn> {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line.trim_end() == "```console";
            kept.push('\n');
            continue;
        }
        if inside {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    console::parse(&kept)
}

fn play(language: &str, page: &str) -> Vec<String> {
    let shell = Shell::new();
    let mut wrong = Vec::new();
    for turn in session(&text(language, page)) {
        let (code, printed) = shell.run(&turn.command);
        let at = format!("{language}/{page}:{}: `{}`", turn.line, turn.command);
        if code != turn.code {
            wrong.push(format!("{at} ended with {code}, not {}\n{printed}", turn.code));
        } else if let Some(difference) = console::difference(&turn.output, &shell.normal(&printed)) {
            wrong.push(format!("{at}\n{difference}"));
        }
    }
    wrong
}

fn play_all(language: &str) {
    let wrong: Vec<String> = pages(language).iter().flat_map(|page| play(language, page)).collect();
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn the_english_guide_is_true() {
    play_all("en");
}

/// What is true of the one is true of the other.
#[test]
fn both_languages_have_the_same_pages_and_sessions() {
    assert_eq!(pages("en"), pages("zh"));
    for page in pages("en") {
        let said = |language| {
            let turns = session(&text(language, &page)).into_iter();
            turns.map(|turn| (turn.command, turn.output, turn.code)).collect::<Vec<_>>()
        };
        assert_eq!(said("en"), said("zh"), "{page}");
    }
}

#[test]
fn every_page_is_reached_and_every_link_leads_somewhere() {
    for language in LANGUAGES {
        let listed = pages(language);
        for entry in std::fs::read_dir(guide(language)).expect("a directory").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_page = Path::new(&name).extension().is_some_and(|ending| ending == "md");
            assert!(
                !is_page || name == "SUMMARY.md" || listed.contains(&name),
                "{language}/{name} is in no list"
            );
        }
        for page in &listed {
            for (at, _) in text(language, page).match_indices("](") {
                let rest = &text(language, page)[at + 2..];
                let Some((target, _)) = rest.split_once(')') else { continue };
                let file = target.split('#').next().unwrap_or_default();
                if file.is_empty() || target.contains("://") {
                    continue;
                }
                assert!(guide(language).join(file).exists(), "{language}/{page} links to {target}");
            }
        }
    }
}
