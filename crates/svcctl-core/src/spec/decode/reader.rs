//! The walk over a document: typed reading of values that notes what is wrong and goes on.

use super::super::duration;
use super::super::keys::{self, Key};
use super::super::nearest::nearest;
use super::super::problem::{Problem, Which};
use super::super::template::Template;
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest text of a specification, in bytes: what Linux takes as one argument (`MAX_ARG_STRLEN`, less its NUL).
const TEXT_MAX_BYTES: usize = 131_071;

/// What has been found wrong so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

/// A mapping at its place.
pub(super) struct Section<'v> {
    pub(super) at: String,
    pub(super) map: &'v Map<String, Value>,
}

/// The path of `key` in the mapping at `at`.
pub(super) fn child(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

impl Reader {
    /// Notes a problem.
    pub(super) fn problem(&mut self, at: &str, message: &str) {
        self.problems.push(Problem { path: at.to_owned(), which: Which::Value, message: message.to_owned() });
    }

    /// Notes a problem with a key itself.
    pub(super) fn key_problem(&mut self, at: &str, message: &str) {
        self.problems.push(Problem { path: at.to_owned(), which: Which::Key, message: message.to_owned() });
    }

    /// Notes that something else was expected than what stands there.
    pub(super) fn mismatch(&mut self, at: &str, expected: &str, value: &Value) {
        let found = match value {
            Value::Null => "nothing; give it a value or leave the key out",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        self.problem(at, &format!("must be {expected}, and is {found}"));
    }

    /// A mapping.
    pub(super) fn section<'v>(&mut self, at: &str, value: &'v Value) -> Option<Section<'v>> {
        let Value::Object(map) = value else {
            self.mismatch(at, "a mapping of keys to values", value);
            return None;
        };
        Some(Section { at: at.to_owned(), map })
    }

    /// Refuses the keys of `section` that are neither known nor planned, and the planned ones by their own message.
    pub(super) fn keys(&mut self, section: &Section<'_>, known: &[Key], later: &[&str]) {
        self.keys_but(section, known, later, &[]);
    }

    /// The same without the keys `but`, of which the caller speaks.
    pub(super) fn keys_but(&mut self, section: &Section<'_>, known: &[Key], later: &[&str], but: &[&str]) {
        let known = keys::names(known);
        for key in section.map.keys().map(String::as_str) {
            let path = child(&section.at, key);
            if known.contains(&key) || but.contains(&key) {
            } else if later.contains(&key) {
                self.key_problem(&path, "is not yet supported by this version");
            } else {
                let near = nearest(key, known.iter().chain(later).copied());
                let hint = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
                self.key_problem(&path, &format!("unknown key{hint}"));
            }
        }
    }

    /// Notes that something of the full format has no effect yet.
    pub(super) fn not_yet(&mut self, at: &str, what_is: &str) {
        self.problem(at, &format!("{what_is} not yet supported by this version"));
    }

    /// A key that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &str, &Value) -> Option<T>,
    ) -> Option<T> {
        let value = section.map.get(key)?;
        read(self, &child(&section.at, key), value)
    }

    /// A key that must be there; `what` says what is missing otherwise.
    pub(super) fn required<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        what: &str,
        read: impl FnOnce(&mut Self, &str, &Value) -> Option<T>,
    ) -> Option<T> {
        if !section.map.contains_key(key) {
            self.problem(&child(&section.at, key), &format!("is missing; give {what}"));
        }
        self.optional(section, key, read)
    }

    /// A text without NUL bytes and without placeholders.
    pub(super) fn text(&mut self, at: &str, value: &Value) -> Option<String> {
        let template = self.template(at, value)?;
        let meant = template.as_literal();
        if meant.is_none() {
            let message = "takes no placeholders; where a dollar before a brace is meant, write `$$`";
            self.problem(at, message);
        }
        meant
    }

    /// A text in which placeholders may stand.
    pub(super) fn template(&mut self, at: &str, value: &Value) -> Option<Template> {
        let text = self.raw_text(at, value)?;
        Template::parse(text).map_err(|error| self.problem(at, &error.to_string())).ok()
    }

    /// A text as it stands, without NUL bytes.
    pub(super) fn raw_text<'v>(&mut self, at: &str, value: &'v Value) -> Option<&'v str> {
        let Value::String(text) = value else {
            match value {
                Value::Number(_) | Value::Bool(_) => {
                    self.problem(at, &format!("must be a text; write \"{value}\""));
                }
                Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    self.mismatch(at, "a text", value);
                }
            }
            return None;
        };
        if text.contains('\0') {
            self.problem(at, "must not contain a NUL byte");
            return None;
        }
        if text.len() > TEXT_MAX_BYTES {
            self.problem(at, &format!("is longer than {TEXT_MAX_BYTES} bytes"));
            return None;
        }
        Some(text)
    }

    /// True or false.
    pub(super) fn boolean(&mut self, at: &str, value: &Value) -> Option<bool> {
        let flag = value.as_bool();
        if flag.is_none() {
            self.mismatch(at, "true or false", value);
        }
        flag
    }

    /// A whole number in a range.
    pub(super) fn integer(
        &mut self,
        at: &str,
        value: &Value,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = value.as_i64().filter(|number| range.contains(number));
        if number.is_none() {
            self.problem(at, &format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A number with at most three decimals, in thousandths.
    pub(super) fn permille(&mut self, at: &str, value: &Value, low: u32, high: u32) -> Option<u32> {
        let scaled = value.as_f64().map(|number| number * 1_000.0);
        let within = scaled.filter(|s| *s >= f64::from(low) && *s <= f64::from(high));
        let Some(scaled) = within else {
            let (low, high) = (f64::from(low) / 1_000.0, f64::from(high) / 1_000.0);
            self.problem(at, &format!("must be a number from {low} to {high}"));
            return None;
        };
        let rounded = scaled.round();
        if (rounded - scaled).abs() > 1e-6 {
            self.problem(at, "has more than three decimals");
            return None;
        }
        // The range above ends far below u32::MAX, and the decimals have just been rounded away.
        format!("{rounded:.0}").parse().ok()
    }

    /// A duration longer than nothing.
    pub(super) fn duration(&mut self, at: &str, value: &Value) -> Option<Duration> {
        let Value::String(text) = value else {
            match value {
                Value::Number(number) => {
                    self.problem(
                        at,
                        &format!(
                            "has no unit; write \"{number}s\" for seconds, \"{number}ms\" for milliseconds"
                        ),
                    );
                }
                Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    self.mismatch(at, "a duration such as \"30s\"", value);
                }
            }
            return None;
        };
        match duration::parse(text) {
            Ok(Duration::ZERO) => {
                self.problem(at, "must be longer than nothing");
                None
            }
            Ok(duration) => Some(duration),
            Err(error) => {
                self.problem(at, &error.to_string());
                None
            }
        }
    }

    /// One of a few words; those of `later` are refused as not yet supported.
    pub(super) fn choice<T: Clone>(
        &mut self,
        at: &str,
        value: &Value,
        known: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        let word = self.text(at, value)?;
        if let Some((_, chosen)) = known.iter().find(|(name, _)| *name == word) {
            return Some(chosen.clone());
        }
        if later.contains(&word.as_str()) {
            self.not_yet(at, &format!("`{word}` is"));
            return None;
        }
        let words: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = nearest(&word, words.iter().copied())
            .map_or_else(|| format!("one of {}", words.join(", ")), |near| format!("did you mean `{near}`?"));
        self.problem(at, &format!("unknown value {word:?}; {hint}"));
        None
    }

    /// The one of `keys` that stands in `section`; each one after the first is refused.
    pub(super) fn only_one<'k>(&mut self, section: &Section<'_>, keys: &[&'k str]) -> Option<&'k str> {
        let mut found = section.map.keys().filter_map(|key| keys.iter().find(|known| *known == key));
        let first = found.next()?;
        for other in found {
            self.key_problem(&child(&section.at, other), &format!("excludes `{first}`; keep one of them"));
        }
        Some(first)
    }

    /// A list of at most `most` items; those that are wrong are noted and left out.
    pub(super) fn list<T>(
        &mut self,
        at: &str,
        value: &Value,
        most: usize,
        mut read: impl FnMut(&mut Self, &str, &Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(items) = value else {
            self.mismatch(at, "a list", value);
            return None;
        };
        if items.len() > most {
            self.problem(at, &format!("has more than {most} entries"));
            return None;
        }
        let read_all = items.iter().enumerate();
        Some(read_all.filter_map(|(index, item)| read(self, &format!("{at}[{index}]"), item)).collect())
    }
}

/// Puts problems in the order of the places in `document` that they are about; what is missing comes last in its mapping.
pub(super) fn in_document_order(document: &Value, problems: &mut [Problem]) {
    problems.sort_by_cached_key(|problem| place(document, &problem.path));
}

/// The index at each level of the way along `path`.
fn place(document: &Value, path: &str) -> Vec<usize> {
    let (mut here, mut rest, mut place) = (document, path, Vec::new());
    while !rest.is_empty() {
        let step = match here {
            Value::Object(map) => {
                // A key may hold dots and brackets itself; the longest that fits is the one.
                let fits = |key: &str| {
                    rest.strip_prefix(key)
                        .is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
                };
                let keys = map.iter().enumerate().filter(|(_, (key, _))| fits(key));
                keys.max_by_key(|(_, (key, _))| key.len())
                    .map(|(at, (key, value))| (at, value, &rest[key.len()..]))
            }
            Value::Array(items) => rest.strip_prefix('[').and_then(|rest| {
                let (index, after) = rest.split_once(']')?;
                let index = index.parse().ok()?;
                Some((index, items.get(index)?, after))
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        let Some((at, value, after)) = step else {
            place.push(usize::MAX);
            return place;
        };
        place.push(at);
        (here, rest) = (value, after.strip_prefix('.').unwrap_or(after));
    }
    place
}
