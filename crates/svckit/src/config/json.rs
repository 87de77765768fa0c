//! JSON to a tree with places.
//!
//! `serde_json` knows no places, but hands out parts of its input as they stand there: each level of the text is taken
//! apart into such parts, and a part's address says where it is. So a text is read once a level, of which there are at
//! most [`super::DOCUMENT_MAX_DEPTH`].

use super::document::{DOCUMENTS_MAX, Limits, Read};
use super::error::Fault;
use super::lines::Lines;
use super::places::{Entry, Parts, Spot};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Range;

/// Reads a text that is one document.
pub(super) fn read(text: &str) -> Result<Read, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::at(0..0, "there is nothing in it; an empty document of JSON is {}"));
    }
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| explain_better(text, 0, &error))?;
    Reader::new(text).document(raw, 0..text.len())
}

/// Reads a text of documents one after the other.
pub(super) fn read_all(text: &str) -> Result<Vec<Read>, Fault> {
    let mut reader = Reader::new(text);
    let mut reads = Vec::new();
    let mut parts = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut from = 0;
    while let Some(raw) = parts.next() {
        let raw = raw.map_err(|error| explain_better(text, from, &error))?;
        let bytes = reader.bytes_of(raw.get());
        if reads.len() == DOCUMENTS_MAX {
            return Err(Fault::at(bytes, format!("more than {DOCUMENTS_MAX} documents are not taken")));
        }
        let to = parts.byte_offset();
        reads.push(reader.document(raw, from..to)?);
        from = to;
    }
    Ok(reads)
}

struct Reader<'t> {
    text: &'t str,
    limits: Limits,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, limits: Limits::default() }
    }

    fn document(&mut self, raw: &RawValue, part: Range<usize>) -> Result<Read, Fault> {
        let (value, root) = self.value(raw, 0)?;
        Ok(Read { value, root, part })
    }

    /// Where a part of the text stands in it.
    fn bytes_of(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        start..start + part.len()
    }

    fn value(&mut self, raw: &RawValue, depth: usize) -> Result<(Value, Spot), Fault> {
        let bytes = self.bytes_of(raw.get());
        let is_nested = raw.get().starts_with(['{', '[']);
        self.limits.count(&bytes, depth + usize::from(is_nested))?;
        let wrong = |error| explain(self.text, bytes.start, &error);
        let (value, parts) = if raw.get().starts_with('{') {
            let members: Members<'_> = serde_json::from_str(raw.get()).map_err(wrong)?;
            self.mapping(members, depth + 1)?
        } else if raw.get().starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(wrong)?;
            self.list(items, depth + 1)?
        } else {
            (serde_json::from_str(raw.get()).map_err(wrong)?, Parts::Scalar)
        };
        Ok((value, Spot { bytes, parts }))
    }

    fn list(&mut self, items: Vec<&RawValue>, depth: usize) -> Result<(Value, Parts), Fault> {
        let (mut values, mut spots) = (Vec::new(), Vec::new());
        for item in items {
            let (value, spot) = self.value(item, depth)?;
            values.push(value);
            spots.push(spot);
        }
        Ok((Value::Array(values), Parts::List(spots)))
    }

    fn mapping(&mut self, members: Members<'_>, depth: usize) -> Result<(Value, Parts), Fault> {
        let (mut map, mut entries) = (Map::new(), Vec::new());
        for (raw, value) in members.0 {
            let key_bytes = self.bytes_of(raw.get());
            let key: String = serde_json::from_str(raw.get())
                .map_err(|error| explain(self.text, key_bytes.start, &error))?;
            let (value, spot) = self.value(value, depth)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(Fault::at(key_bytes, format!("the key {key:?} stands here twice")));
            }
            entries.push(Entry { key, key_bytes, value: spot });
        }
        Ok((Value::Object(map), Parts::Mapping(entries)))
    }
}

/// An object's members as they stand in the text, also those that stand there twice.
struct Members<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// Explains `error`, which skipping over `text` came to behind `from`: reading what is there says more.
fn explain_better(text: &str, from: usize, error: &serde_json::Error) -> Fault {
    match Value::deserialize(&mut serde_json::Deserializer::from_str(&text[from..])) {
        Ok(_) => explain(text, 0, error),
        Err(better) => explain(text, from, &better),
    }
}

/// What `serde_json` says of the part of `text` that begins at `start`.
fn explain(text: &str, start: usize, error: &serde_json::Error) -> Fault {
    let part = &text[start..];
    let line = Lines::of(part).start_of(error.line() as u64);
    // Its columns are bytes from 1, and 0 for the line feed before.
    let at = part.floor_char_boundary((line + error.column()).saturating_sub(1).min(part.len()));
    let suffix = format!(" at line {}, column {}", error.line(), error.column());
    // The parser's other form of the same.
    let short = suffix.replace(", column", " column");
    let message = error.to_string().replacen(&suffix, "", 1).replacen(&short, "", 1);
    let message = message.replacen("EOF while parsing", "the text ends within", 1);
    Fault::at(start + at..start + at, message)
}

#[cfg(test)]
mod tests {
    use super::super::{Document, DocumentFormat, ParseError};
    use serde_json::json;

    fn problem(text: &str) -> String {
        let error = Document::parse(text, DocumentFormat::Json).unwrap_err();
        assert_eq!(
            Document::parse_all(text, DocumentFormat::Json).err().as_ref().or(Some(&error)),
            Some(&error)
        );
        error.to_string().split_off("read the document at ".len())
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let texts = [
            "{\"a\": 1,}",
            "{\n  \"é\": x\n}",
            "{\"a\": 1e999}",
            "{\"a\": {\"b\": 1, \"b\": 2}}",
            "{\"a\": \"x\ny\"}",
            "{\"a\": [1, 2",
            "{\"a\": 1 \"b\": 2}",
            "",
        ];
        let expected = [
            "line 1, column 9: trailing comma",
            "line 2, column 8: expected value",
            "line 1, column 11: number out of range",
            "line 1, column 16: the key \"b\" stands here twice",
            "line 1, column 9: control character (\\u0000-\\u001F) found while parsing a string",
            "line 1, column 11: the text ends within a list",
            "line 1, column 9: expected `,` or `}`",
            "line 1, column 1: there is nothing in it; an empty document of JSON is {}",
        ];
        assert_eq!(texts.map(problem), expected);
    }

    #[test]
    fn all_of_json_is_taken_and_documents_may_follow_each_other() {
        let text = "{\n\t\"a\\u0041\":\t\"\\ud83d\\ude00\\/\"\n}\n{\"b\": -0.5} [null]";
        let documents = Document::parse_all(text, DocumentFormat::Json).unwrap();
        let values: Vec<_> = documents.iter().map(|document| &document.value).collect();
        assert_eq!(values, [&json!({"aA": "😀/"}), &json!({"b": -0.5}), &json!([null])]);
        assert_eq!(documents[1].source().trim(), "{\"b\": -0.5}");
        assert!(Document::parse(text, DocumentFormat::Json).is_err());
        assert_eq!(Document::parse_all(" \n", DocumentFormat::Json).unwrap().len(), 0);
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let parse = |text: &str| Document::parse(text, DocumentFormat::Json).map(|document| document.value);
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(super::super::DOCUMENT_MAX_DEPTH)).is_ok());
        for text in [nested(33), nested(500_000), format!("[{}1]", "1,".repeat(200_000))] {
            assert!(matches!(parse(&text), Err(ParseError::At { .. })));
        }
    }
}
