//! Bytes of a text to lines and columns.
//!
//! Lines end with a line feed, a carriage return before it belonging to the end; columns are characters from 1.

use std::ops::Range;
use std::sync::Arc;

/// A text whose positions are looked up. A clone shares it.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    text: Arc<str>,
    /// Where each line begins.
    starts: Arc<[usize]>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text: Arc::from(text), starts: std::iter::once(0).chain(feeds).collect() }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The line and column, both from 1, of the byte at `offset`. A place past the end is the end; one within a
    /// character is the character.
    pub(super) fn position(&self, offset: usize) -> (u64, u64) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let column = self.text[self.starts[line - 1]..offset].chars().count() + 1;
        (line as u64, column as u64)
    }

    /// The byte at `column` of line `number`, both from 1, or at the nearest place to it that is there.
    pub(super) fn offset(&self, number: u64, column: u64) -> usize {
        let Some(line) = self.line(number) else { return self.text.len() };
        let before = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        let within = line.char_indices().nth(before).map_or(line.len(), |(at, _)| at);
        self.start_of(number) + within
    }

    /// How many characters of `bytes` are in the line where they begin.
    pub(super) fn length_in_line(&self, bytes: &Range<usize>) -> u64 {
        let start = self.text.floor_char_boundary(bytes.start);
        let end = self.text.ceil_char_boundary(bytes.end).max(start);
        let line = self.text[start..end].split('\n').next().unwrap_or_default();
        line.trim_end().chars().count() as u64
    }

    /// The text of line `number` (from 1) without its end, if the text has so many.
    pub(super) fn line(&self, number: u64) -> Option<&str> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        let start = *self.starts.get(index)?;
        let line = match self.starts.get(index + 1) {
            Some(next) => &self.text[start..next - 1],
            None => &self.text[start..],
        };
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// The byte where line `number` (from 1) begins; the end of the text if it has fewer.
    pub(super) fn start_of(&self, number: u64) -> usize {
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_carriage_returns_end_lines() {
        let text = "añb: 1\r\n  漢: x\r\n";
        let lines = Lines::of(text);
        assert_eq!(lines.position(0), (1, 1));
        assert_eq!(lines.position(text.find('b').unwrap()), (1, 3));
        assert_eq!(lines.position(text.find('x').unwrap()), (2, 6));
        assert_eq!(lines.position(text.len() + 9), (3, 1));
        assert_eq!(lines.line(1), Some("añb: 1"));
        assert_eq!(lines.line(2), Some("  漢: x"));
        assert_eq!((lines.line(3), lines.line(4), lines.line(0)), (Some(""), None, None));
        assert_eq!(lines.length_in_line(&(0..text.len())), 6);
        assert_eq!((lines.start_of(2), lines.start_of(99)), (text.find("  ").unwrap(), text.len()));
        assert_eq!(lines.offset(2, 6), text.find('x').unwrap());
        assert_eq!((lines.offset(1, 99), lines.offset(9, 1)), ("añb: 1".len(), text.len()));
    }
}
