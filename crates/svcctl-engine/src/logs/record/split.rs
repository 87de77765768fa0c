//! Where one record's source ends: at a newline, at the limit, or at the end of the stream.
//!
//! The answer depends only on the bytes from the record's beginning, and on at most [`LINE_MAX_BYTES`] + 1 of them, so
//! it is the same however the bytes were cut into reads. Recovery counts on that.

/// The longest line that becomes one record; a longer one is split.
pub(crate) const LINE_MAX_BYTES: usize = 64 * 1024;

/// The source of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// How many bytes are its content.
    pub(crate) content: usize,
    /// How many bytes it takes, the newline included.
    pub(crate) taken: usize,
    /// Whether the line goes on in the next record.
    pub(crate) partial: bool,
}

/// The first piece of `data`; `None` if more bytes must come first. `ended` says that none will.
pub(crate) fn next_piece(data: &[u8], ended: bool) -> Option<Piece> {
    let window = &data[..data.len().min(LINE_MAX_BYTES + 1)];
    if let Some(at) = memchr::memchr(b'\n', window) {
        return Some(Piece { content: at, taken: at + 1, partial: false });
    }
    if data.len() > LINE_MAX_BYTES {
        let cut = cut_before(data, LINE_MAX_BYTES);
        return Some(Piece { content: cut, taken: cut, partial: true });
    }
    (ended && !data.is_empty()).then_some(Piece { content: data.len(), taken: data.len(), partial: false })
}

/// How many bytes of `data` the first `records` pieces take, where `data` are all the bytes of a batch.
pub(crate) fn advance(data: &[u8], records: u64) -> usize {
    let mut at = 0;
    for _ in 0..records {
        let Some(piece) = next_piece(&data[at..], true) else { break };
        at += piece.taken;
    }
    at
}

/// The greatest cut at or below `limit` that does not part the bytes of one UTF-8 character.
fn cut_before(data: &[u8], limit: usize) -> usize {
    let continues = |byte: u8| byte & 0xC0 == 0x80;
    (limit - 3..=limit).rev().find(|&cut| !continues(data[cut])).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_blank_lines_and_a_last_line_without_newline() {
        assert_eq!(next_piece(b"ab\ncd", false), Some(Piece { content: 2, taken: 3, partial: false }));
        assert_eq!(next_piece(b"\nx", false), Some(Piece { content: 0, taken: 1, partial: false }));
        assert_eq!(next_piece(b"cd", false), None);
        assert_eq!(next_piece(b"cd", true), Some(Piece { content: 2, taken: 2, partial: false }));
        assert_eq!(next_piece(b"", true), None);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole() {
        let mut line = vec![b'x'; LINE_MAX_BYTES];
        assert_eq!(next_piece(&line, false), None);
        line.push(b'\n');
        let whole = Piece { content: LINE_MAX_BYTES, taken: LINE_MAX_BYTES + 1, partial: false };
        assert_eq!(next_piece(&line, false), Some(whole));
        line.insert(0, b'x');
        let first = Piece { content: LINE_MAX_BYTES, taken: LINE_MAX_BYTES, partial: true };
        assert_eq!(next_piece(&line, false), Some(first));
    }

    #[test]
    fn a_split_never_parts_a_character() {
        let line = "ž".repeat(LINE_MAX_BYTES);
        let shifted = format!("x{line}");
        for text in [line, shifted] {
            let piece = next_piece(text.as_bytes(), false).expect("too long");
            assert!(piece.partial);
            assert!(text.is_char_boundary(piece.content));
            assert!(piece.content + 4 > LINE_MAX_BYTES);
        }
    }

    #[test]
    fn bytes_that_are_no_characters_are_split_at_the_limit() {
        let piece = next_piece(&vec![0x80; LINE_MAX_BYTES + 9], false).expect("too long");
        assert_eq!(piece.content, LINE_MAX_BYTES);
    }

    #[test]
    fn advancing_over_a_batch_gives_what_splitting_gave() {
        let mut data = vec![b'y'; LINE_MAX_BYTES + 10];
        data.extend_from_slice(b"\n\nlast");
        let mut at = 0;
        for records in 1..=4 {
            at += next_piece(&data[at..], true).expect("a piece").taken;
            assert_eq!(advance(&data, records), at);
            assert_eq!(advance(&data[..at], records), at, "bounded by the batch's end");
        }
        assert_eq!(at, data.len());
    }
}
