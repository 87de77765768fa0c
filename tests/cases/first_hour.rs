//! A person's first hour: what they type, the mistakes they make, and what svcctl answers.
//!
//! The session stands in `transcripts/first_hour.txt`. `SVCCTL_TRANSCRIPT=write` writes it anew from what is printed; it is
//! then to be read by a person, line by line, before it is kept.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use svcctl_tests::console;
use svcctl_tests::shell::Shell;

fn transcript(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts").join(name)
}

fn play(name: &str) {
    let path = transcript(name);
    let text = std::fs::read_to_string(&path).expect("a transcript");
    let mut turns = console::parse(&text);
    let shell = Shell::new();
    let write = std::env::var_os("SVCCTL_TRANSCRIPT").is_some();
    let mut wrong = Vec::new();
    for turn in &mut turns {
        let before = turn.mistake.then(|| shell.fingerprint());
        let (code, printed) = shell.run(&turn.command);
        if let Some(before) = before {
            let after = shell.fingerprint();
            if before != after {
                wrong.push(format!(
                    "line {}: `{}` changed something:\nbefore {before}\nafter {after}",
                    turn.line, turn.command
                ));
            }
            if code == 0 {
                wrong.push(format!(
                    "line {}: `{}` is a mistake and was answered with exit 0",
                    turn.line, turn.command
                ));
            }
        }
        if write {
            turn.code = code;
            turn.output =
                shell.normal(&printed).trim_end().lines().map(|line| line.trim_end().to_owned()).collect();
            continue;
        }
        if code != turn.code {
            wrong.push(format!(
                "line {}: `{}` ended with {code}, not {}\n{printed}",
                turn.line, turn.command, turn.code
            ));
        }
        if let Some(difference) = console::difference(&turn.output, &shell.normal(&printed)) {
            wrong.push(format!("line {}: `{}`\n{difference}", turn.line, turn.command));
        }
    }
    if write {
        std::fs::write(&path, console::render(&turns)).expect("the transcript can be written");
    }
    assert!(wrong.is_empty(), "{}: {} differences\n\n{}", path.display(), wrong.len(), wrong.join("\n\n"));
}

#[test]
fn the_first_hour_goes_as_it_is_written_down() {
    play("first_hour.txt");
}
