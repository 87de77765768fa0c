//! Rules about lines of text, in every file that is not binary.

use super::Problem;

/// The longest source file or script, in lines.
const FILE_MAX_LINES: usize = 500;

/// Files whose text others wrote.
const FOREIGN: [&str; 3] = ["Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT"];

/// What a line may not have. The words are put together so that this file has none of them.
const REFUSED: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "open work belongs into an issue"),
    (concat!("FIX", "ME"), "open work belongs into an issue"),
    (concat!("XX", "X"), "open work belongs into an issue"),
    (concat!("Svc", "ctl"), "the product is written svcctl"),
    (concat!("Svc", "Ctl"), "the product is written svcctl"),
    (concat!("Svc", "kit"), "the library is written svckit"),
    (concat!("Svc", "Kit"), "the library is written svckit"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tmp/tar", "get"), "a path of one machine"),
];

/// The lines of `file` that break a rule.
pub(super) fn check(file: &str, text: &str) -> Vec<Problem> {
    if FOREIGN.contains(&file) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut say = |line, what: String| problems.push(Problem { file: file.to_owned(), line, what });
    for (index, line) in text.split_terminator('\n').enumerate() {
        for what in check_line(line) {
            say(index + 1, what);
        }
    }
    let count = text.lines().count();
    if is_program(file) && count > FILE_MAX_LINES {
        say(count, format!("the file has {count} lines; {FILE_MAX_LINES} is the most"));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        say(count, "the last line has no end".to_owned());
    }
    problems
}

fn check_line(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    if line.ends_with([' ', '\t', '\r']) {
        found.push("space at the end of a line".to_owned());
    }
    if line.contains('\t') {
        found.push("a tab".to_owned());
    }
    for (word, why) in REFUSED {
        if has_word(line, word) {
            found.push(format!("{word:?}: {why}"));
        }
    }
    found
}

/// Whether `word` stands in `line` with no letter, digit or dot before it, so that the middle of a longer word or
/// path is not taken for it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || character == '.')
    })
}

fn is_program(file: &str) -> bool {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension);
    matches!(extension, Some("rs" | "sh" | "py")) || file.starts_with(".ci/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(file: &str, text: &str) -> usize {
        check(file, text).len()
    }

    #[test]
    fn clean_lines_pass() {
        assert_eq!(
            problems("README.md", "svcctl keeps it running.\nSVCCTL_ROOT, src/root/mod.rs, usr/local\n"),
            0
        );
        assert_eq!(problems("empty", ""), 0);
    }

    #[test]
    fn refused_words_are_found() {
        for (word, _) in REFUSED {
            assert_eq!(problems("a.md", &format!("a {word} b\n")), 1, "{word}");
        }
    }

    #[test]
    fn spaces_tabs_and_a_missing_end_are_found() {
        assert_eq!(problems("a.md", "text \n"), 1);
        assert_eq!(problems("a.md", "text\r\n"), 1);
        assert_eq!(problems("a.md", "a\tb\n"), 1);
        assert_eq!(problems("a.md", "text"), 1);
    }

    #[test]
    fn long_programs_are_found_and_long_documents_are_not() {
        let (fits, long) = ("line\n".repeat(FILE_MAX_LINES), "line\n".repeat(FILE_MAX_LINES + 1));
        assert_eq!(problems("a.rs", &fits), 0);
        assert_eq!(problems("a.rs", &long), 1);
        assert_eq!(problems(".ci/run", &long), 1);
        assert_eq!(problems("a.md", &long), 0);
    }
}
