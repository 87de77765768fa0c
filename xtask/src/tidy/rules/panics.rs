//! Outside tests nothing is unwrapped, and an `expect` says why it cannot fail.

use crate::tidy::Problem;
use crate::tidy::source::Source;

/// A proof has at least so many words; "failed" is none.
const PROOF_MIN_WORDS: usize = 3;

/// No `unwrap` outside tests.
pub(super) fn no_unwrap(source: &Source) -> Vec<Problem> {
    let calls = source.tokens.calls.iter().filter(|call| call.name == "unwrap" && !source.is_test(call.line));
    calls.map(|call| source.problem(call.line, "unwrap outside a test")).collect()
}

/// The message of an `expect` outside tests is a text that proves why it holds.
pub(super) fn expect_proves(source: &Source) -> Vec<Problem> {
    let calls = source.tokens.calls.iter().filter(|call| call.name == "expect" && !source.is_test(call.line));
    let unproved = calls.filter(|call| {
        let is_text = call.arguments.trim_start().starts_with('"');
        !is_text || call.arguments.split_whitespace().count() < PROOF_MIN_WORDS
    });
    unproved
        .map(|call| source.problem(call.line, "an expect whose message does not say why it cannot fail"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn unwraps_are_found_outside_tests() {
        let text = "fn a() { m!(b.unwrap()); }";
        assert_eq!(problems(no_unwrap, "crates/a/src/b.rs", text), 1);
        assert_eq!(problems(no_unwrap, "crates/a/tests/b.rs", text), 0);
        assert_eq!(problems(no_unwrap, "crates/a/benches/b.rs", text), 0);
        assert_eq!(problems(no_unwrap, "crates/a/src/b.rs", "fn a() { b.unwrap_or(1); unwrap(); }"), 0);
    }

    #[test]
    fn only_the_tests_of_a_file_are_excepted() {
        let text = "#[cfg(test)]\nmod tests {\n fn a() { b.unwrap(); }\n}\nfn c() {\n d.unwrap();\n}";
        assert_eq!(problems(no_unwrap, "crates/a/src/b.rs", text), 1);
        let text = "#[test]\nfn a() { b.unwrap(); }\n#[cfg(test)]\nuse c;\nfn d() { e.unwrap(); }";
        assert_eq!(problems(no_unwrap, "crates/a/src/b.rs", text), 1);
    }

    #[test]
    fn an_expect_needs_a_proof() {
        let file = "crates/a/src/b.rs";
        assert_eq!(problems(expect_proves, file, r#"fn a() { b.expect("the line above pushed it"); }"#), 0);
        assert_eq!(problems(expect_proves, file, r#"fn a() { b.expect("failed"); }"#), 1);
        assert_eq!(problems(expect_proves, file, "fn a() { b.expect(message); }"), 1);
    }
}
