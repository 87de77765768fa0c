//! Sessions at a terminal as text: commands and what they print, in a document that people read and a test runs.
//!
//! ```text
//! $ svcctl status web
//! web
//!       state: RUNNING since …
//! [exit 0]
//! ```
//!
//! A line that begins with `$ ` is a command for `/bin/sh`, and with `> ` its next line. What follows is what it prints,
//! standard output before standard error; `…` stands for anything within a line, a line of `…` alone for any number of lines.
//! `[exit N]` says the exit code; where it is absent, it is 0. A command `$! ` is a mistake: it must change nothing.
//! A line that begins with `# ` before a command is a remark.

use std::fmt::Write as _;

/// One command of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The remark before it, line by line.
    pub remark: Vec<String>,
    /// What is typed; several lines where it goes on.
    pub command: String,
    /// Whether it is a mistake, after which all is as it was.
    pub mistake: bool,
    /// What it prints.
    pub output: Vec<String>,
    /// Its exit code.
    pub code: i32,
    /// The line in the document, from 1.
    pub line: usize,
}

/// Reads a session.
pub fn parse(text: &str) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut remark = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let typed = line.strip_prefix("$ ").map(|typed| (typed, false));
        let typed = typed.or_else(|| line.strip_prefix("$! ").map(|typed| (typed, true)));
        if let Some((typed, mistake)) = typed {
            turns.push(Turn {
                remark: std::mem::take(&mut remark),
                command: typed.to_owned(),
                mistake,
                line: index + 1,
                ..Turn::default()
            });
            continue;
        }
        if let Some(said) = line.strip_prefix("# ") {
            remark.push(said.to_owned());
            continue;
        }
        let Some(turn) = turns.last_mut() else { continue };
        let code = line.strip_prefix("[exit ").and_then(|rest| rest.strip_suffix(']'));
        if let Some(more) = line.strip_prefix("> ").filter(|_| turn.output.is_empty()) {
            let _ = write!(turn.command, "\n{more}");
        } else if line == ">" && turn.output.is_empty() {
            turn.command.push('\n');
        } else if let Some(code) = code.and_then(|code| code.parse().ok()) {
            turn.code = code;
        } else if remark.is_empty() {
            turn.output.push(line.to_owned());
        }
    }
    for turn in &mut turns {
        while turn.output.last().is_some_and(String::is_empty) {
            turn.output.pop();
        }
    }
    turns
}

/// Writes a session; [`parse`] reads it again.
pub fn render(turns: &[Turn]) -> String {
    let mut text = String::new();
    for turn in turns {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in &turn.remark {
            let _ = writeln!(text, "# {line}");
        }
        let prompt = if turn.mistake { "$!" } else { "$" };
        let _ = writeln!(text, "{prompt} {}", turn.command.replace('\n', "\n> "));
        for line in &turn.output {
            let _ = writeln!(text, "{line}");
        }
        if turn.code != 0 {
            let _ = writeln!(text, "[exit {}]", turn.code);
        }
    }
    text
}

/// What differs between what was expected and what was printed; `None` if it fits.
pub fn difference(expected: &[String], printed: &str) -> Option<String> {
    let printed: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
    if fits(expected, &printed) {
        return None;
    }
    Some(format!("expected:\n{}\nprinted:\n{}", expected.join("\n"), printed.join("\n")))
}

fn fits(expected: &[String], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((pattern, rest)), _) if pattern.trim() == "…" => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        (None, Some(_)) | (Some(_), None) => false,
        (Some((pattern, rest)), Some((line, others))) => {
            line_fits(pattern.trim_end(), line) && fits(rest, others)
        }
    }
}

fn line_fits(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once('…') else { return pattern == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    if after.is_empty() {
        return true;
    }
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|at| line_fits(after, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_session_is_read_and_written() {
        let text = "# a remark\n$ one\n> two\nsaid\n[exit 3]\n\n$! wrong\nno …\n[exit 2]\n";
        let turns = parse(text);
        assert_eq!(turns.len(), 2);
        assert_eq!((turns[0].command.as_str(), turns[0].code, turns[0].mistake), ("one\ntwo", 3, false));
        assert_eq!((turns[1].output.clone(), turns[1].code, turns[1].mistake), (lines("no …"), 2, true));
        assert_eq!(render(&turns), text);
    }

    #[test]
    fn dots_stand_for_anything() {
        assert_eq!(difference(&lines("a … c\n…\nend"), "a b c\nx\ny\nend\n"), None);
        assert_eq!(difference(&lines("…"), ""), None);
        assert_eq!(difference(&lines("a…b…c"), "a1b2b3c\n"), None);
        assert!(difference(&lines("a"), "b").is_some());
        assert!(difference(&lines("a"), "a\nb").is_some());
        assert!(difference(&lines("a\nb"), "a").is_some());
    }
}
