//! YAML to a tree with places.
//!
//! Invariants: a key stands once in its mapping; only `true` and `false` are booleans (`no` is a word, and Norway's
//! code); an alias costs what it expands to, so a small text cannot become a large tree.

use super::document::{DOCUMENT_MAX_BYTES, DOCUMENT_MAX_DEPTH, DOCUMENT_MAX_NODES, DOCUMENTS_MAX, Read};
use super::error::Fault;
use super::lines::Lines;
use super::places::{Entry, Parts, Spot};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{AliasLimits, DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Error, Location, Spanned};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// How many parser events aliases may be replayed as.
const REPLAYED_MAX_EVENTS: usize = 10_000;

/// Reads a text that is one document.
pub(super) fn read(lines: &Lines) -> Result<Read, Fault> {
    let text = lines.text();
    let node =
        serde_saphyr::from_str_with_options(text, options(1)).map_err(|error| explain(lines, &error))?;
    document(text, node, 0..text.len())
}

/// Reads a text of documents with `---` between them.
pub(super) fn read_all(lines: &Lines) -> Result<Vec<Read>, Fault> {
    let text = lines.text();
    let nodes: Vec<Node> = serde_saphyr::from_multiple_with_options(text, options(DOCUMENTS_MAX))
        .map_err(|error| explain(lines, &error))?;
    let mut parts = parts(text);
    let mut reads = Vec::new();
    for node in nodes {
        let start = node.spot.bytes.start;
        let part = parts.find(|part| start < part.end).unwrap_or(0..text.len());
        reads.push(document(text, node, part)?);
    }
    Ok(reads)
}

fn document(text: &str, node: Node, part: Range<usize>) -> Result<Read, Fault> {
    let Node { value, mut spot } = node;
    no_key_twice(&value, &spot)?;
    extend(text, &mut spot);
    Ok(Read { value, root: spot, part })
}

/// Refuses keys that are the same text: the parser compares them by kind too, so that `1` and `"1"` are two to it.
fn no_key_twice(value: &Value, spot: &Spot) -> Result<(), Fault> {
    match (value, &spot.parts) {
        (Value::Array(values), Parts::List(spots)) => {
            values.iter().zip(spots).try_for_each(|(value, spot)| no_key_twice(value, spot))
        }
        (Value::Object(map), Parts::Mapping(entries)) if map.len() == entries.len() => {
            map.values().zip(entries).try_for_each(|(value, entry)| no_key_twice(value, &entry.value))
        }
        (_, Parts::Mapping(entries)) => {
            let mut seen = BTreeSet::new();
            let again = entries.iter().find(|entry| !seen.insert(&entry.key));
            again.map_or(Ok(()), |entry| {
                Err(Fault::at(entry.key_bytes.clone(), format!("the key {:?} stands here twice", entry.key)))
            })
        }
        (_, Parts::Scalar | Parts::List(_)) => Ok(()),
    }
}

/// The parts of a text that `---` divides. The mark stands at the beginning of a line, where nothing else may.
fn parts(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let is_mark = |at: usize| {
        let line = &text[at..];
        line.strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let start = from?;
        let mut feeds = text[start..].match_indices('\n').map(|(feed, _)| start + feed + 1);
        let next = feeds.find(|at| is_mark(*at));
        from = next;
        Some(start..next.unwrap_or(text.len()))
    })
}

fn options(documents: usize) -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_depth: DOCUMENT_MAX_DEPTH,
        max_nodes: DOCUMENT_MAX_NODES,
        max_total_scalar_bytes: DOCUMENT_MAX_BYTES,
        max_documents: documents,
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

/// A value and its place, as far as the parser tells: of a list or mapping it tells the beginning.
struct Node {
    value: Value,
    spot: Spot,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = Spanned::<Tree>::deserialize(deserializer)?;
        let bytes = bytes_of(tree.referenced).unwrap_or_default();
        Ok(Self { value: tree.value.value, spot: Spot { bytes, parts: tree.value.parts } })
    }
}

/// The inside of a [`Node`].
struct Tree {
    value: Value,
    parts: Parts,
}

impl Tree {
    fn scalar(value: impl Into<Value>) -> Self {
        Self { value: value.into(), parts: Parts::Scalar }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grow)
    }
}

struct Grow;

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, a list or a mapping")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::scalar(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::scalar(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::scalar(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::scalar(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::scalar(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::scalar(text))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let (mut values, mut spots) = (Vec::new(), Vec::new());
        while let Some(Node { value, spot }) = seq.next_element()? {
            values.push(value);
            spots.push(spot);
        }
        Ok(Tree { value: Value::Array(values), parts: Parts::List(spots) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let (mut map, mut entries) = (Map::new(), Vec::new());
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let Node { value, spot } = access.next_value()?;
            let key_bytes = bytes_of(key.referenced).unwrap_or_default();
            let key = key.value;
            map.insert(key.clone(), value);
            entries.push(Entry { key, key_bytes, value: spot });
        }
        Ok(Tree { value: Value::Object(map), parts: Parts::Mapping(entries) })
    }
}

fn bytes_of(place: Location) -> Option<Range<usize>> {
    let span = place.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    Some(start..start + usize::try_from(span.byte_len()?).ok()?)
}

/// Gives lists and mappings, of which the beginning is known, their end.
fn extend(text: &str, spot: &mut Spot) {
    let mut last = spot.bytes.end.max(spot.bytes.start);
    let is_alias = text[spot.bytes.start..].starts_with('*');
    match &mut spot.parts {
        Parts::Scalar => return,
        Parts::List(items) => {
            for item in items {
                extend(text, item);
                last = last.max(item.bytes.end);
            }
        }
        Parts::Mapping(entries) => {
            for entry in entries {
                extend(text, &mut entry.value);
                last = last.max(entry.value.bytes.end).max(entry.key_bytes.end);
            }
        }
    }
    if !is_alias {
        let is_flow = text[spot.bytes.start..].starts_with(['{', '[']);
        spot.bytes.end = if is_flow { closing(text, last) } else { last };
    }
}

/// The end of the flow collection whose last part ends at `from`: up to its bracket there is nothing but blanks, commas
/// and comments.
fn closing(text: &str, from: usize) -> usize {
    let mut rest = text[from..].char_indices();
    while let Some((at, character)) = rest.next() {
        match character {
            '}' | ']' => return from + at + 1,
            '#' => drop(rest.find(|(_, character)| *character == '\n')),
            _ => {}
        }
    }
    text.len()
}

fn explain(lines: &Lines, error: &Error) -> Fault {
    let error = error.without_snippet();
    let message = in_our_words(error).unwrap_or_else(|| error.to_string());
    let Some(place) = error.location() else { return Fault { bytes: None, message } };
    // The parser's own text ends with the place, which stands in front here.
    let suffix = format!(" at line {}, column {}", place.line(), place.column());
    // Of some places only the line and the column are known.
    let start = || lines.offset(place.line(), place.column());
    let bytes = bytes_of(place).unwrap_or_else(|| start()..start());
    Fault::at(bytes, message.replacen(&suffix, "", 1))
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
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Some("an alias must not stand within what it names".to_owned())
        }
        Error::NullIntoString { .. } | Error::Unexpected { expected: "string scalar", .. } => {
            Some("a key must be a text".to_owned())
        }
        Error::Budget { breach: BudgetBreach::Documents { documents }, .. } if *documents > 2 => {
            Some(format!("more than {DOCUMENTS_MAX} documents are not taken"))
        }
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
    use super::super::{DOCUMENT_MAX_BYTES, ParseError, parse};
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
