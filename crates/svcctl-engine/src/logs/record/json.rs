//! Takes one JSON object on one line apart, without copying and without allocating.
//!
//! It is strict (RFC 8259), because what it accepts is copied as it is into records that others must be able to read:
//! lone surrogates, repeated keys and nesting beyond [`DEPTH_MAX`] are refused, and the line then is plain text.

use super::escape::hex4;
use std::ops::Range;

/// The deepest nesting that is followed.
const DEPTH_MAX: u32 = 64;
/// The most fields that an object on a line may have; repeated keys are looked for by comparing all.
const FIELDS_MAX: usize = 128;

/// Shorter numbers without an exponent are within what every reader of JSON can hold.
const NUMBER_SAFE_BYTES: usize = 300;

/// What kind of value a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string, its quotes included.
    Text,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// One field of the object: where its key (without quotes) and its value stand in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The key, still escaped.
    pub(crate) key: Range<usize>,
    /// The value as it is written.
    pub(crate) value: Range<usize>,
    /// What it is.
    pub(crate) kind: Kind,
    /// The object around it, if that was unfolded.
    pub(crate) within: Option<Wrapper>,
}

/// An object whose fields count as the line's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// `labels`, as ECS has it: its fields are labels.
    Labels,
    /// `fields`, as Rust's tracing has it: with the message among them.
    Fields,
}

/// Fills `fields` with those of the object that `line` is; false if it is anything else.
pub(crate) fn scan(line: &[u8], fields: &mut Vec<Field>) -> bool {
    fields.clear();
    let mut scanner = Scanner { line, at: 0 };
    scanner.top(fields).is_some() && std::str::from_utf8(line).is_ok() && !repeats(line, fields)
}

/// Whether a key occurs twice.
fn repeats(line: &[u8], fields: &[Field]) -> bool {
    fields.iter().enumerate().any(|(at, field)| {
        fields[..at].iter().any(|other| line[other.key.clone()] == line[field.key.clone()])
    })
}

fn has_exponent(number: &[u8]) -> bool {
    memchr::memchr2(b'e', b'E', number).is_some()
}

/// Whether the number can be held by a double; many readers refuse one that cannot.
fn is_finite(number: &[u8]) -> bool {
    std::str::from_utf8(number).is_ok_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite))
}

struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn top(&mut self, fields: &mut Vec<Field>) -> Option<()> {
        self.skip_space();
        self.object(0, Some((fields, None)))?;
        self.skip_space();
        (self.at == self.line.len()).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// An object; with `found`, its fields are noted there.
    fn object(&mut self, depth: u32, mut found: Option<(&mut Vec<Field>, Option<Wrapper>)>) -> Option<()> {
        self.take(b'{')?;
        self.skip_space();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            let quoted = self.string()?;
            let key = quoted.start + 1..quoted.end - 1;
            self.skip_space();
            self.take(b':')?;
            self.skip_space();
            match &mut found {
                Some((fields, within)) => self.field(key, fields, *within)?,
                None => {
                    self.value(depth + 1)?;
                }
            }
            self.skip_space();
            if self.take(b'}').is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn field(&mut self, key: Range<usize>, fields: &mut Vec<Field>, within: Option<Wrapper>) -> Option<()> {
        let wrapper = match &self.line[key.clone()] {
            b"labels" => Some(Wrapper::Labels),
            b"fields" => Some(Wrapper::Fields),
            _ => None,
        };
        if within.is_none() && wrapper.is_some() && self.peek() == Some(b'{') {
            return self.object(1, Some((fields, wrapper)));
        }
        let start = self.at;
        let kind = self.value(1)?;
        if fields.len() == FIELDS_MAX {
            return None;
        }
        fields.push(Field { key, value: start..self.at, kind, within });
        Some(())
    }

    fn value(&mut self, depth: u32) -> Option<Kind> {
        match self.peek()? {
            _ if depth > DEPTH_MAX => None,
            b'"' => self.string().map(|_| Kind::Text),
            b'{' => self.object(depth, None).map(|()| Kind::Object),
            b'[' => self.array(depth).map(|()| Kind::Array),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number().map(|()| Kind::Number),
        }
    }

    fn array(&mut self, depth: u32) -> Option<()> {
        self.take(b'[')?;
        self.skip_space();
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            self.value(depth + 1)?;
            self.skip_space();
            if self.take(b']').is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<Kind> {
        self.line[self.at..].starts_with(word).then(|| self.at += word.len())?;
        Some(Kind::Word)
    }

    /// A string; gives where it stands, its quotes included.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(start..self.at);
                }
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let rest = &self.line[self.at..];
        let taken = match rest.get(1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => match hex4(rest.get(2..6))? {
                0xD800..0xDC00 => {
                    let low = (rest.get(6..8)? == br"\u").then(|| hex4(rest.get(8..12)))??;
                    (0xDC00..0xE000).contains(&low).then_some(12)?
                }
                0xDC00..0xE000 => return None,
                _ => 6,
            },
            _ => return None,
        };
        self.at += taken;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = &self.line[start..self.at];
        (number.len() < NUMBER_SAFE_BYTES && !has_exponent(number) || is_finite(number)).then_some(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(line: &str) -> Option<Vec<(String, String, Kind)>> {
        let mut fields = Vec::new();
        let text = |range: &Range<usize>| line[range.clone()].to_owned();
        scan(line.as_bytes(), &mut fields)
            .then(|| fields.iter().map(|f| (text(&f.key), text(&f.value), f.kind)).collect())
    }

    #[test]
    fn takes_an_object_apart() {
        let line = concat!(r#" {"a":"x\n","b": -1.5e+3 ,"c":[1,{"d":null}],"e":{},"f":true}"#, "\t");
        let found = scanned(line).expect("an object");
        let shown: Vec<_> = found.iter().map(|(key, value, _)| format!("{key}={value}")).collect();
        assert_eq!(shown, [r#"a="x\n""#, "b=-1.5e+3", r#"c=[1,{"d":null}]"#, "e={}", "f=true"]);
        assert_eq!(found[2].2, Kind::Array);
    }

    #[test]
    fn labels_and_fields_are_unfolded_once() {
        let found = scanned(r#"{"labels":{"a":1,"labels":{"x":2}},"fields":{"message":"m"},"b":2}"#);
        let keys: Vec<_> = found.expect("an object").into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, ["a", "labels", "message", "b"]);
    }

    #[test]
    fn refuses_what_is_not_one_object() {
        for line in [
            "",
            "{",
            "{}x",
            "[]",
            "{a:1}",
            r#"{"a":}"#,
            r#"{"a":01}"#,
            r#"{"a":1,}"#,
            r#"{"a":.5}"#,
            r#"{"a":"\q"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00"}"#,
            r#"{"a":"\ud800\u0041"}"#,
            r#"{"a":nul}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"labels":{"a":2}}"#,
            r#"{"a":+1}"#,
            r#"{"a":1e}"#,
            r#"{"a":1e999}"#,
        ] {
            assert_eq!(scanned(line), None, "{line}");
        }
        let mut fields = Vec::new();
        assert!(!scan(b"{\"a\":\"\xff\"}", &mut fields), "not UTF-8");
    }

    #[test]
    fn depth_and_number_of_fields_are_limited() {
        let nested = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(scanned(&nested(64)).is_some());
        assert!(scanned(&nested(65)).is_none());
        let wide = |count: usize| {
            let fields: Vec<_> = (0..count).map(|number| format!(r#""k{number}":0"#)).collect();
            format!("{{{}}}", fields.join(","))
        };
        assert!(scanned(&wide(FIELDS_MAX)).is_some());
        assert!(scanned(&wide(FIELDS_MAX + 1)).is_none());
    }

    #[test]
    fn accepts_only_what_serde_json_accepts() {
        let mut rng = svcctl_core::rng::Rng::new(11);
        let parts = [
            "{",
            "}",
            "\"a\"",
            ":",
            ",",
            "1",
            "-",
            ".5",
            "e9",
            "[",
            "]",
            "null",
            " ",
            "\"\\u12\"",
            "\"\\n\"",
        ];
        let mut accepted = 0;
        for _ in 0..200_000 {
            let count = rng.below(9);
            let line: String =
                (0..count).map(|_| parts[usize::try_from(rng.below(15)).expect("small")]).collect();
            let line = format!("{{\"k\":{line}}}");
            if scanned(&line).is_some() {
                accepted += 1;
                assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
            }
        }
        assert!(accepted > 100, "the test reaches what it tests: {accepted}");
    }
}
