//! Text to a tree of values.
//!
//! Invariants: a key stands once in its mapping; only `true` and `false` are booleans (`no` is a word, and Norway's
//! code); an alias costs what it expands to, so a small text cannot become a large tree. Merge keys (`<<`) and tags
//! are refused: a reader of the file should see what is in it.

use serde_json::Value;
use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{AliasLimits, DuplicateKeyPolicy, MergeKeyPolicy};

/// The longest text of a document, in bytes.
pub const DOCUMENT_MAX_BYTES: usize = 1024 * 1024;
/// How deep mappings and lists may be nested.
pub const DOCUMENT_MAX_DEPTH: usize = 32;
/// How many values a document may have, those that aliases expand to included.
pub const DOCUMENT_MAX_NODES: usize = 50_000;
/// How many parser events aliases may be replayed as.
const REPLAYED_MAX_EVENTS: usize = 10_000;

/// Why a text is not a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is longer than [`DOCUMENT_MAX_BYTES`].
    #[error("read the document: it has {0} bytes, and at most {DOCUMENT_MAX_BYTES} are taken")]
    TooLong(usize),
    /// Something in it is not YAML, or not what is taken here.
    #[error("read the document at line {line}, column {column}: {message}")]
    At {
        /// The line, from 1.
        line: u64,
        /// The character in the line, from 1.
        column: u64,
        /// What is wrong there.
        message: String,
    },
    /// The same, where no place is known.
    #[error("read the document: {0}")]
    Whole(String),
}

/// Reads one document. An empty text is `Value::Null`.
///
/// # Errors
/// [`ParseError`] says what is wrong, and where.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    if text.len() > DOCUMENT_MAX_BYTES {
        return Err(ParseError::TooLong(text.len()));
    }
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| explain(&error))
}

fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_depth: DOCUMENT_MAX_DEPTH,
        max_nodes: DOCUMENT_MAX_NODES,
        max_total_scalar_bytes: DOCUMENT_MAX_BYTES,
        max_documents: 1,
    };
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = REPLAYED_MAX_EVENTS;
    serde_saphyr::options! {
        budget: budget,
        alias_limits: aliases,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn explain(error: &Error) -> ParseError {
    let error = error.without_snippet();
    let message = in_our_words(error).unwrap_or_else(|| error.to_string());
    let Some(place) = error.location() else { return ParseError::Whole(message) };
    // The parser's own text ends with the place, which stands in front here.
    let suffix = format!(" at line {}, column {}", place.line(), place.column());
    ParseError::At { line: place.line(), column: place.column(), message: message.replacen(&suffix, "", 1) }
}

/// The parser's words where they are for people; ours where they speak of its options.
fn in_our_words(error: &Error) -> Option<String> {
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            Some(format!("the key {key:?} stands here twice"))
        }
        Error::DuplicateMappingKey { key: None, .. } => Some("this key stands here twice".to_owned()),
        Error::NonFiniteFloat { .. } => Some("infinite numbers and not-a-number are not taken".to_owned()),
        Error::MergeKeyNotAllowed { .. } => {
            Some("merge keys (<<) are not taken; write the keys out".to_owned())
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => Some("aliases expand to too much".to_owned()),
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            Some("a second document begins here, and one is taken".to_owned())
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            Some(format!("this is nested deeper than {DOCUMENT_MAX_DEPTH} levels"))
        }
        Error::Budget { .. } => Some("the document has too many parts".to_owned()),
        // The parser's errors are not ours to match exhaustively; its other texts are good as they are.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fmt::Write as _;

    fn problem(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn yaml_and_json_give_the_same_tree() {
        let yaml = "name: web\nexec: [/bin/sh, -c, 'exit 1']\nautostart: no\nrestart:\n  limit: {count: 3}\n";
        let tree = json!({"name": "web", "exec": ["/bin/sh", "-c", "exit 1"], "autostart": "no",
            "restart": {"limit": {"count": 3}}});
        assert_eq!(parse(yaml), Ok(tree.clone()));
        assert_eq!(parse(&tree.to_string()), Ok(tree));
    }

    #[test]
    fn scalars_are_what_people_take_them_for() {
        let tree =
            parse("a: 1\nb: 1.5\nc: true\nd: off\ne: 12:30\nf: '1'\ng: ~\nh: 1e3x\ni: 010\nj: 5s\n").unwrap();
        let expected = json!({"a": 1, "b": 1.5, "c": true, "d": "off", "e": "12:30", "f": "1", "g": null,
            "h": "1e3x", "i": "010", "j": "5s"});
        assert_eq!(tree, expected);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let texts = [
            "a: 1\nb: [1, 2\nc: 3\n",
            "a: 1\nb: 2\na: 3\n",
            "a: .nan\n",
            "a: !secret x\n",
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "a: 1\n---\nb: 2\n",
            "a: *nobody\n",
            "a:\n\t- b\n",
            "{\"a\": 1,\n \"a\": 2}\n",
        ];
        let problems = texts.map(|text| problem(text).split_off("read the document at ".len()));
        let expected = [
            "line 3, column 2: illegal placement of ':' indicator",
            "line 3, column 1: the key \"a\" stands here twice",
            "line 1, column 4: infinite numbers and not-a-number are not taken",
            "line 1, column 12: unsupported tag `!secret`",
            "line 3, column 3: merge keys (<<) are not taken; write the keys out",
            "line 2, column 1: a second document begins here, and one is taken",
            "line 1, column 4: alias references unknown anchor",
            "line 2, column 2: tabs disallowed within this context (block indentation)",
            "line 2, column 2: the key \"a\" stands here twice",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_small_text_cannot_become_a_large_tree() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        assert!(problem(&text).contains("alias"), "{}", problem(&text));
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(matches!(parse(&deep), Err(ParseError::At { .. } | ParseError::Whole(_))));
        assert_eq!(
            parse(&"#".repeat(DOCUMENT_MAX_BYTES + 1)),
            Err(ParseError::TooLong(DOCUMENT_MAX_BYTES + 1))
        );
    }
}
