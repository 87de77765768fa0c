//! Where the keys and values of a document stand.
//!
//! A tree of places runs beside the tree of values. A path such as `restart.steps[0].kill` is looked up by walking what
//! there is: a key that has dots or brackets itself is found, since the longest match counts. What is not there is shown
//! at the nearest thing around it that is.

use std::ops::Range;

/// What of an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The key: it is unknown, or should not be there.
    Key,
    /// The value: it is not what it should be.
    Value,
}

/// What stands at a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// The key that was asked for.
    Key,
    /// The value that was asked for.
    Value,
    /// What was asked for is not there; this is the nearest thing around it.
    Parent,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1.
    pub column: u64,
    /// How many characters it takes in this line, at least 1.
    pub len_chars: u64,
    /// The bytes of the text it takes; more than one line of them where a value has more.
    pub bytes: Range<usize>,
    /// What stands there.
    pub of: Of,
}

/// Where a value stands, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Its bytes; empty where a key has no value written.
    pub(super) bytes: Range<usize>,
    pub(super) parts: Parts,
}

/// What is in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    Scalar,
    List(Vec<Spot>),
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_bytes: Range<usize>,
    pub(super) value: Spot,
}

/// How far a path could be walked.
pub(super) struct Found<'s> {
    /// The key of what was found; none for the whole document and for what is in a list.
    pub(super) key: Option<&'s Range<usize>>,
    pub(super) value: &'s Spot,
    /// Whether it is what was asked for, or a parent of it.
    pub(super) whole: bool,
    /// How much of the path is left.
    left: usize,
}

impl Spot {
    /// Walks `path` as far as it goes.
    pub(super) fn find(&self, path: &str) -> Found<'_> {
        let here = Found { key: None, value: self, whole: path.is_empty(), left: path.len() };
        walk(here, path)
    }
}

fn walk<'s>(here: Found<'s>, path: &str) -> Found<'s> {
    if path.is_empty() {
        return here;
    }
    match &here.value.parts {
        Parts::Scalar => here,
        Parts::List(items) => {
            let Some((number, rest)) = path.strip_prefix('[').and_then(|path| path.split_once(']')) else {
                return here;
            };
            let Some(item) = number.parse().ok().and_then(|number: usize| items.get(number)) else {
                return here;
            };
            step(here, None, item, rest)
        }
        Parts::Mapping(entries) => in_mapping(here, entries, path),
    }
}

/// Tries the keys that `path` begins with, the longest first.
fn in_mapping<'s>(mut best: Found<'s>, entries: &'s [Entry], path: &str) -> Found<'s> {
    let fits = |entry: &&Entry| {
        path.strip_prefix(entry.key.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let mut candidates: Vec<&Entry> = entries.iter().filter(fits).collect();
    candidates.sort_by_key(|entry| std::cmp::Reverse(entry.key.len()));
    for entry in candidates {
        let found = step(best, Some(&entry.key_bytes), &entry.value, &path[entry.key.len()..]);
        if found.whole {
            return found;
        }
        best = found;
    }
    best
}

/// Goes into `value`, and says what of `best` and what lies there is nearer to the end of the path.
fn step<'s>(best: Found<'s>, key: Option<&'s Range<usize>>, value: &'s Spot, rest: &str) -> Found<'s> {
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let found = walk(Found { key, value, whole: rest.is_empty(), left: rest.len() }, rest);
    if found.left < best.left { found } else { best }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(at: usize) -> Spot {
        Spot { bytes: at..at + 1, parts: Parts::Scalar }
    }

    fn mapping(at: usize, entries: Vec<(&str, Spot)>) -> Spot {
        let entry = |(key, value): (&str, Spot)| {
            let key_bytes = value.bytes.start + 100..value.bytes.start + 101;
            Entry { key: key.to_owned(), key_bytes, value }
        };
        Spot { bytes: at..at + 1, parts: Parts::Mapping(entries.into_iter().map(entry).collect()) }
    }

    fn tree() -> Spot {
        let steps = Spot {
            bytes: 20..21,
            parts: Parts::List(vec![scalar(21), mapping(22, vec![("kill", scalar(23))])]),
        };
        mapping(
            0,
            vec![
                ("a", mapping(1, vec![("b", scalar(2)), ("b.c", mapping(3, vec![("d", scalar(4))]))])),
                ("a.b", mapping(5, vec![("x", scalar(6))])),
                ("steps", steps),
                ("steps[0]", scalar(30)),
                ("é", scalar(40)),
            ],
        )
    }

    fn at(path: &str) -> (usize, bool) {
        let tree = tree();
        let found = tree.find(path);
        (found.value.bytes.start, found.whole)
    }

    #[test]
    fn the_longest_key_that_leads_to_the_end_is_taken() {
        assert_eq!(at(""), (0, true));
        assert_eq!(at("a"), (1, true));
        assert_eq!(at("a.b"), (5, true));
        assert_eq!(at("a.b.x"), (6, true));
        assert_eq!(at("a.b.c.d"), (4, true));
        assert_eq!(at("steps[1].kill"), (23, true));
        assert_eq!(at("steps[0]"), (30, true));
        assert_eq!(at("é"), (40, true));
    }

    #[test]
    fn what_is_not_there_is_near_its_parent() {
        assert_eq!(at("nothing"), (0, false));
        assert_eq!(at("a.z"), (1, false));
        assert_eq!(at("a.b.c.z"), (3, false));
        assert_eq!(at("steps[1].z"), (22, false));
        assert_eq!(at("steps[7].z"), (20, false));
        assert_eq!(at("steps[x"), (20, false));
        assert_eq!(at("steps.x"), (20, false));
        assert_eq!(at("ab"), (0, false));
    }
}
