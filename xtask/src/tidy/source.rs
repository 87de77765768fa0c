//! One Rust file, ready to be held against the rules.

use super::Problem;
use super::tokens::Tokens;
use proc_macro2::TokenStream;
use std::str::FromStr;

/// One Rust file.
pub(super) struct Source {
    /// Its name from the root, with `/`.
    pub(super) file: String,
    /// Its lines.
    pub(super) lines: Vec<String>,
    /// Whether the whole file is compiled for tests alone.
    pub(super) test_file: bool,
    /// Its code.
    pub(super) tokens: Tokens,
}

/// A file that cannot be read as Rust.
pub(super) struct NotRust {
    /// Where.
    pub(super) line: usize,
}

impl Source {
    /// Reads `text` as the file `file`.
    ///
    /// # Errors
    /// It is not made of Rust's tokens.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, NotRust> {
        let stream =
            TokenStream::from_str(text).map_err(|error| NotRust { line: error.span().start().line })?;
        let lines = text.lines().map(str::to_owned).collect();
        let test_file = file.split('/').any(|part| part == "tests" || part == "benches");
        Ok(Self { file: file.to_owned(), lines, test_file, tokens: Tokens::read(stream) })
    }

    /// Whether `file` belongs to a module that this file declares for tests alone.
    pub(super) fn declares_for_tests(&self, file: &str) -> bool {
        let (directory, name) = self.file.rsplit_once('/').unwrap_or(("", &self.file));
        let place = match name {
            "mod.rs" | "lib.rs" | "main.rs" => format!("{directory}/"),
            name => format!("{directory}/{}/", name.trim_end_matches(".rs")),
        };
        let beside = file.strip_prefix(directory).map(|rest| rest.trim_start_matches('/'));
        let below = file.strip_prefix(&place).and_then(|rest| rest.trim_end_matches(".rs").split('/').next());
        self.tokens.test_modules.iter().any(|module| match &module.path {
            Some(path) => beside == Some(path),
            None => below == Some(&module.name),
        })
    }

    /// The crate of the product that it belongs to, if any.
    pub(super) fn product_crate(&self) -> Option<&str> {
        self.file.strip_prefix("crates/").and_then(|rest| rest.split('/').next())
    }

    /// Its name without directories.
    pub(super) fn base_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }

    /// Whether `line` is compiled for tests alone.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.test_file || self.tokens.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// A broken rule.
    pub(super) fn problem(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line, what: what.into() }
    }

    /// The comment right above `line`, or at its end; code between the two is skipped up to `code_lines` lines.
    pub(super) fn comment_above(&self, line: usize, code_lines: usize) -> String {
        let own = self.lines.get(line - 1).and_then(|text| text.split_once("//")).map(|(_, comment)| comment);
        let above = self.lines[..line - 1].iter().rev();
        let is_comment = |text: &&String| text.trim_start().starts_with("//");
        let code = above.clone().take(code_lines).take_while(|text| !is_comment(text)).count();
        let comment = above.skip(code).take_while(is_comment).map(String::as_str);
        own.into_iter().chain(comment).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &str, text: &str) -> Source {
        let Ok(source) = Source::parse(file, text) else { panic!("{text:?} is not Rust") };
        source
    }

    #[test]
    fn a_module_for_tests_alone_is_known_by_its_declaration() {
        let text = "#[cfg(test)]\nmod faults;\nmod real;\n#[cfg(test)]\nmod tests { }";
        let parent = source("crates/a/src/b/mod.rs", text);
        assert!(parent.declares_for_tests("crates/a/src/b/faults.rs"));
        assert!(parent.declares_for_tests("crates/a/src/b/faults/c.rs"));
        assert!(!parent.declares_for_tests("crates/a/src/b/real.rs"));
        assert!(!parent.declares_for_tests("crates/a/src/faults.rs"));
        let parent = source("crates/a/src/b.rs", text);
        assert!(parent.declares_for_tests("crates/a/src/b/faults.rs"));
        assert!(!parent.declares_for_tests("crates/a/src/faults.rs"));
        let parent = source("crates/a/src/b.rs", "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod tests;");
        assert!(parent.declares_for_tests("crates/a/src/b_tests.rs"));
        assert!(!parent.declares_for_tests("crates/a/src/b/tests.rs"));
    }

    #[test]
    fn the_lines_of_tests_are_known() {
        let source =
            source("crates/a/src/b.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n fn c() {}\n}\nfn d() {}");
        assert_eq!([1, 2, 4, 5, 6].map(|line| source.is_test(line)), [false, true, true, true, false]);
    }
}
