//! Text of programs and people, so that it cannot drive a terminal; and sizes for people.

use std::borrow::Cow;

/// The size of a kibibyte.
const KIBI: u64 = 1_024;

/// Whether a character could steer a terminal: a control character, or one that turns the direction of writing.
fn steers(character: char) -> bool {
    let turns =
        matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// `text` with what could steer a terminal escaped: `\n`, `\u{1b}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// A size for people: `612 B`, `4.2 KiB`, `118 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut unit = KIBI;
    for name in ["KiB", "MiB", "GiB", "TiB"] {
        let tenths = bytes.saturating_mul(10) / unit;
        if bytes >= unit && (bytes / KIBI < unit || name == "TiB") {
            return if tenths < 100 {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            } else {
                format!("{} {name}", tenths / 10)
            };
        }
        unit = unit.saturating_mul(KIBI);
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc ž"), "a\\u{1b}[31mb\\nc ž");
        assert_eq!(printable("plain"), "plain");
    }

    #[test]
    fn sizes_have_a_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (4_300, "4.1 KiB"),
            (123_000_000, "117 MiB"),
            (5 << 30, "5.0 GiB"),
            (3 << 50, "3072 TiB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }
}
