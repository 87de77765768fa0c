//! What a program writes, as lines: bounded however much and whatever it is.

/// The longest line; a longer one becomes several.
const LINE_MAX_BYTES: usize = 8 * 1024;
/// How much of the last line is told as the reason of a failure, in characters.
const LAST_MAX: usize = 200;

/// The lines of one stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes bytes; gives each line that they complete to `line`.
    pub(super) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut piece = piece;
            loop {
                let room = LINE_MAX_BYTES - self.partial.len();
                let (now, rest) = piece.split_at(piece.len().min(room));
                self.partial.extend_from_slice(now);
                let whole = self.partial.ends_with(b"\n");
                if whole || self.partial.len() == LINE_MAX_BYTES {
                    line(trimmed(&self.partial));
                    self.partial.clear();
                }
                piece = rest;
                if piece.is_empty() {
                    break;
                }
            }
        }
    }

    /// The stream is at its end: gives what was no whole line to `line`.
    pub(super) fn end(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            line(trimmed(&self.partial));
            self.partial = Vec::new();
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line as the reason of a failure: cut, and nothing in it that a terminal would obey; `None` for a blank one.
pub(super) fn as_reason(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let mut shown = String::new();
    for character in text.chars().take(LAST_MAX) {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if text.chars().nth(LAST_MAX).is_some() {
        shown.push('…');
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, |line| all.push(line.to_vec()));
        }
        lines.end(|line| all.push(line.to_vec()));
        all
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let expected: [&[u8]; 4] = [b"ab", b"", b"c", b"d"];
        assert_eq!(read(&[b"ab\n\nc\r\nd"]), expected);
        assert_eq!(read(&[b"a", b"b", b"\n\nc\r", b"\n", b"d"]), expected);
        let long = vec![b'x'; LINE_MAX_BYTES * 2 + 1];
        let sizes: Vec<usize> = read(&[&long]).iter().map(Vec::len).collect();
        assert_eq!(sizes, [LINE_MAX_BYTES, LINE_MAX_BYTES, 1]);
    }

    #[test]
    fn a_reason_is_short_and_harmless() {
        assert_eq!(as_reason(b" \t"), None);
        assert_eq!(as_reason(b"a\x1b[31m\xff"), Some("a\\u{1b}[31m\u{fffd}".to_owned()));
        let long = as_reason(&vec![b'x'; 1000]).unwrap();
        assert_eq!(long.chars().count(), LAST_MAX + 1);
    }
}
