//! Any bytes as the inside of a JSON string, and back.
//!
//! Valid UTF-8 stays as it is, but for what JSON demands. Other bytes are kept too: such a message has every backslash
//! doubled and each byte that is no character as `\xNN`, and the record says so by a label, so that [`unmark`] gives
//! the very bytes back.

/// How many bytes are looked at in one step; fewer than a byte can count.
const STEP: usize = 32;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` as the inside of a JSON string. Gives whether they had to be marked (were not UTF-8).
pub(crate) fn write_escaped(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let special = any(bytes, is_special);
    let high = !bytes.is_ascii();
    if high && std::str::from_utf8(bytes).is_err() {
        write_marked(out, bytes);
        return true;
    }
    if special {
        write_specials(out, bytes);
    } else {
        out.extend_from_slice(bytes);
    }
    false
}

/// Whether `test` holds for any byte. Without branches within a step, so that the compiler makes SIMD of it.
fn any(bytes: &[u8], test: impl Fn(u8) -> bool) -> bool {
    let count = |step: &[u8]| step.iter().map(|&byte| u8::from(test(byte))).fold(0, u8::wrapping_add);
    let (steps, rest) = bytes.as_chunks::<STEP>();
    steps.iter().any(|step| count(step) > 0) || count(rest) > 0
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

/// Appends UTF-8 with what JSON demands escaped.
fn write_specials(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if is_special(byte) {
            out.extend_from_slice(&bytes[from..at]);
            write_special(out, byte);
            from = at + 1;
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

fn write_special(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(br#"\""#),
        b'\\' => out.extend_from_slice(br"\\"),
        b'\n' => out.extend_from_slice(br"\n"),
        b'\r' => out.extend_from_slice(br"\r"),
        b'\t' => out.extend_from_slice(br"\t"),
        _ => {
            out.extend_from_slice(br"\u00");
            write_hex(out, byte);
        }
    }
}

fn write_hex(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Appends bytes that are not UTF-8. Each backslash of the mark is itself escaped for JSON.
fn write_marked(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'\\' => out.extend_from_slice(br"\\\\"),
                _ if is_special(byte) => write_special(out, byte),
                _ => out.push(byte),
            }
        }
        for &byte in chunk.invalid() {
            out.extend_from_slice(br"\\x");
            write_hex(out, byte);
        }
    }
}

/// Appends what the inside of a valid JSON string stands for.
pub(crate) fn unescape(out: &mut Vec<u8>, inside: &[u8]) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (character, taken) = unescape_one(&rest[at..]);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(at + taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The character that an escape stands for, and the length of the escape.
fn unescape_one(escape: &[u8]) -> (char, usize) {
    match escape.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => unescape_unicode(escape),
        Some(&other) => (char::from(other), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn unescape_unicode(escape: &[u8]) -> (char, usize) {
    let first = hex4(escape.get(2..6));
    let second = if escape.get(6..8) == Some(br"\u") { hex4(escape.get(8..12)) } else { None };
    match (first, second) {
        (Some(high @ 0xD800..0xDC00), Some(low @ 0xDC00..0xE000)) => {
            let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        (first, _) => (first.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

/// The number of four hexadecimal digits.
pub(crate) fn hex4(digits: Option<&[u8]>) -> Option<u32> {
    digits?.iter().try_fold(0, |code, &digit| Some(code * 16 + char::from(digit).to_digit(16)?))
}

/// Appends the bytes that a marked text stands for.
pub(crate) fn unmark(out: &mut Vec<u8>, marked: &[u8]) {
    let mut rest = marked;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let byte = hex2(rest.get(at + 2..at + 4)).filter(|_| rest.get(at + 1) == Some(&b'x'));
        out.push(byte.unwrap_or(b'\\'));
        let taken = if byte.is_some() { 4 } else { 2 };
        rest = rest.get(at + taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn hex2(digits: Option<&[u8]>) -> Option<u8> {
    digits?
        .iter()
        .try_fold(0, |code, &digit| Some(code * 16 + u8::try_from(char::from(digit).to_digit(16)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(bytes: &[u8]) -> (String, bool) {
        let mut out = Vec::new();
        let marked = write_escaped(&mut out, bytes);
        (String::from_utf8(out).expect("JSON is UTF-8"), marked)
    }

    fn back(bytes: &[u8]) -> Vec<u8> {
        let (text, marked) = escaped(bytes);
        let parsed: String = serde_json::from_str(&format!("\"{text}\"")).expect("a JSON string");
        let mut plain = Vec::new();
        unescape(&mut plain, text.as_bytes());
        assert_eq!(plain, parsed.as_bytes(), "serde_json reads what we read");
        if !marked {
            return plain;
        }
        let mut original = Vec::new();
        unmark(&mut original, &plain);
        original
    }

    #[test]
    fn text_stays_text_and_control_characters_are_escaped() {
        assert_eq!(escaped("plain žluťoučký 🦀".as_bytes()), ("plain žluťoučký 🦀".into(), false));
        assert_eq!(escaped(b"a\"b\\c\td\r\x1b[0m"), (r#"a\"b\\c\td\r\u001b[0m"#.into(), false));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_marked() {
        assert_eq!(escaped(b"a\xffb\\c"), (r"a\\xffb\\\\c".into(), true));
    }

    #[test]
    fn every_byte_sequence_comes_back() {
        let mut rng = svcctl_core::rng::Rng::new(7);
        let alphabet = [b'a', b'\\', b'"', b'x', b'f', 0, 0x1f, 0x7f, 0x80, 0xc5, 0xbe, 0xff, b'\n', b'u'];
        for length in 0..600 {
            let bytes: Vec<u8> = (0..length % 70).map(|_| alphabet[pick(&mut rng)]).collect();
            assert_eq!(back(&bytes), bytes, "{bytes:?}");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(back(&all), all);
    }

    fn pick(rng: &mut svcctl_core::rng::Rng) -> usize {
        usize::try_from(rng.below(14)).expect("small")
    }

    #[test]
    fn surrogate_pairs_are_one_character() {
        let mut out = Vec::new();
        unescape(&mut out, br"\ud83e\udd80 \u017e \/ \b");
        assert_eq!(out, "🦀 ž / \u{8}".as_bytes());
    }
}
