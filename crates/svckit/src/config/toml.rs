//! TOML to a tree with places.
//!
//! Dates and times, which the tree has no kind for, become texts as they are written in RFC 3339.

use super::document::{DOCUMENT_MAX_DEPTH, Limits, Read};
use super::error::Fault;
use super::places::{Entry, Parts, Spot};
use serde_json::{Map, Number, Value};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

/// Reads a text, which is one document.
pub(super) fn read(text: &str) -> Result<Read, Fault> {
    let (table, errors) = DeTable::parse_recoverable(text);
    // The later ones may only follow from the first.
    let first = errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start));
    if let Some(error) = first {
        return Err(Fault { bytes: error.span(), message: in_our_words(error.message()) });
    }
    let mut limits = Limits::default();
    let (value, parts) = mapping(table.get_ref(), 1, &mut limits)?;
    let start = text.len() - text.trim_start().len();
    Ok(Read { value, root: Spot { bytes: start..text.len(), parts }, part: 0..text.len() })
}

fn in_our_words(message: &str) -> String {
    match message {
        "duplicate key" => "this key stands here twice".to_owned(),
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            format!("this is nested deeper than {DOCUMENT_MAX_DEPTH} levels")
        }
        other => other.to_owned(),
    }
}

fn value(value: &Spanned<DeValue<'_>>, depth: usize, limits: &mut Limits) -> Result<(Value, Spot), Fault> {
    let bytes = value.span();
    let inner = value.get_ref();
    limits.count(&bytes, depth + usize::from(inner.is_table() || inner.is_array()))?;
    let (value, parts) = match inner {
        DeValue::String(text) => (Value::from(text.as_ref()), Parts::Scalar),
        DeValue::Integer(number) => (integer(number, &bytes)?, Parts::Scalar),
        DeValue::Float(number) => (float(number.as_str(), &bytes)?, Parts::Scalar),
        DeValue::Boolean(flag) => (Value::Bool(*flag), Parts::Scalar),
        DeValue::Datetime(time) => (Value::String(time.to_string()), Parts::Scalar),
        DeValue::Array(items) => list(items, depth + 1, limits)?,
        DeValue::Table(table) => mapping(table, depth + 1, limits)?,
    };
    Ok((value, Spot { bytes, parts }))
}

fn integer(number: &DeInteger<'_>, bytes: &Range<usize>) -> Result<Value, Fault> {
    let (digits, radix) = (number.as_str(), number.radix());
    i64::from_str_radix(digits, radix)
        .map(Value::from)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Value::from))
        .map_err(|_| Fault::at(bytes.clone(), "this number is too large"))
}

fn float(digits: &str, bytes: &Range<usize>) -> Result<Value, Fault> {
    let number = digits.parse().ok().and_then(Number::from_f64);
    number
        .map(Value::Number)
        .ok_or_else(|| Fault::at(bytes.clone(), "infinite numbers and not-a-number are not taken"))
}

fn list(items: &DeArray<'_>, depth: usize, limits: &mut Limits) -> Result<(Value, Parts), Fault> {
    let (mut values, mut spots) = (Vec::new(), Vec::new());
    for item in items {
        let (item, spot) = value(item, depth, limits)?;
        values.push(item);
        spots.push(spot);
    }
    Ok((Value::Array(values), Parts::List(spots)))
}

fn mapping(table: &DeTable<'_>, depth: usize, limits: &mut Limits) -> Result<(Value, Parts), Fault> {
    let (mut map, mut entries) = (Map::new(), Vec::new());
    for (key, item) in table {
        let (item, spot) = value(item, depth, limits)?;
        let (key, key_bytes) = (key.get_ref().to_string(), key.span());
        map.insert(key.clone(), item);
        entries.push(Entry { key, key_bytes, value: spot });
    }
    Ok((Value::Object(map), Parts::Mapping(entries)))
}

#[cfg(test)]
mod tests {
    use super::super::{Document, DocumentFormat};
    use serde_json::{Value, json};

    fn parse(text: &str) -> Result<Value, String> {
        let document = Document::parse(text, DocumentFormat::Toml);
        document.map(|document| document.value).map_err(|error| error.to_string())
    }

    #[test]
    fn tables_dotted_keys_and_dates_become_one_tree() {
        let text = "name = 'web'\nrestart.limit.count = 0x1f\nat = 1979-05-27T07:32:00Z\nday = 1979-05-27\n\
            [[stop.steps]]\nsignal = \"TERM\"\n[[stop.steps]]\nkill = 'tree'\n[restart.backoff]\nfactor = 1.5\n";
        let tree = json!({"name": "web", "restart": {"limit": {"count": 31}, "backoff": {"factor": 1.5}},
            "at": "1979-05-27T07:32:00Z", "day": "1979-05-27",
            "stop": {"steps": [{"signal": "TERM"}, {"kill": "tree"}]}});
        assert_eq!(parse(text), Ok(tree));
        assert_eq!(parse(""), Ok(json!({})));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let texts = [
            "a = ",
            "a = 1\na = 2",
            "[a]\n[a]",
            "a = [inf]",
            "a = 99999999999999999999",
            "a = \"x\ny\"\n",
            "# ü\nb = q\r\nc = r",
        ];
        let expected = [
            "line 1, column 5: string values must be quoted, expected literal string",
            "line 2, column 1: this key stands here twice",
            "line 2, column 2: this key stands here twice",
            "line 1, column 6: infinite numbers and not-a-number are not taken",
            "line 1, column 5: this number is too large",
            "line 1, column 7: invalid basic string, expected `\"`",
            "line 2, column 5: string values must be quoted, expected literal string",
        ];
        let problems = texts.map(|text| parse(text).unwrap_err().split_off("read the document at ".len()));
        assert_eq!(problems, expected);
    }

    #[test]
    fn no_depth_of_a_text_ends_the_program() {
        let keys = vec!["a"; 400_000].join(".");
        for text in [format!("{keys} = 1"), format!("[{keys}]"), format!("a = {}", "[".repeat(400_000))] {
            assert!(parse(&text).unwrap_err().contains("nested deeper than 32 levels"));
        }
        assert!(parse(&format!("{} = 1", vec!["a"; 32].join("."))).is_ok());
        assert!(parse(&format!("{} = 1", vec!["a"; 33].join("."))).is_err());
        assert!(parse(&format!("a = [{}]", "1,".repeat(60_000))).unwrap_err().contains("too many parts"));
    }
}
