//! Reading a service's log: the last lines, and what came after a place that was read before.
//!
//! Only whole records are given; a torn tail is not there yet. A [`Cursor`] names a place in a file by the file's
//! number (inode), so it holds while the engine is replaced, and is known to mean nothing once the file is another.

use super::paths::CURRENT;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The most bytes of records that one call of [`after`] gives, unless a single record is longer.
pub const READ_MAX_BYTES: usize = 1024 * 1024;
/// How much is read at once while looking backwards.
const BLOCK_BYTES: u64 = 64 * 1024;

/// A place in a log. As text: two hexadecimal numbers with a dash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    file: u64,
    position: u64,
}

/// A text is no cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a place in a log: take the `id` of an event of this log")]
pub struct CursorError(String);

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read the log {}: {source}", path.display())]
pub struct ReadError {
    path: PathBuf,
    source: io::Error,
}

/// Records, and the place behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Whole records, each with its newline.
    pub bytes: Vec<u8>,
    /// Where to go on.
    pub cursor: Cursor,
}

impl Records {
    /// The records one by one, without newlines.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
    }

    /// The records one by one, without newlines, each with the place behind it.
    pub fn iter_placed(&self) -> impl Iterator<Item = (Cursor, &[u8])> {
        let mut place = Cursor { position: self.cursor.position - self.bytes.len() as u64, ..self.cursor };
        self.iter().map(move |record| {
            place.position += record.len() as u64 + 1;
            (place, record)
        })
    }
}

impl Records {
    /// These records without those behind `end`. True when `end` is reached, or is in a file that is there no more.
    pub fn cut_at(&mut self, end: Cursor) -> bool {
        if self.cursor.file != end.file {
            return true;
        }
        let excess = self.cursor.position.saturating_sub(end.position);
        let kept = self.bytes.len().saturating_sub(usize::try_from(excess).unwrap_or(usize::MAX));
        self.bytes.truncate(kept);
        self.cursor.position = self.cursor.position.min(end.position);
        self.cursor.position == end.position
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.file, self.position)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let number = |part: &str| {
            let plain = part.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u64::from_str_radix(part, 16).ok()).flatten()
        };
        text.split_once('-')
            .and_then(|(file, position)| Some(Self { file: number(file)?, position: number(position)? }))
            .ok_or_else(|| CursorError(text.to_owned()))
    }
}

/// The place before the last `lines` records of the log in `folder` (`LOGS/NAME`), found from the end, without reading
/// what is before. A log that does not exist has no records.
///
/// # Errors
/// The file cannot be read.
pub fn tail(folder: &Path, lines: usize) -> Result<Cursor, ReadError> {
    window(folder, lines).map(|(begin, _)| begin)
}

/// The places before and behind the last `lines` records, as they are now, however fast the log grows.
///
/// # Errors
/// The file cannot be read.
pub fn window(folder: &Path, lines: usize) -> Result<(Cursor, Cursor), ReadError> {
    with_file(folder, |file, id| {
        let end = last_newline_before(file, file.metadata()?.len(), 1)?;
        // One newline more than lines: the one that ends the record before.
        let begin = if lines == 0 { end } else { last_newline_before(file, end, lines as u64 + 1)? };
        Ok((Cursor { file: id, position: begin }, Cursor { file: id, position: end }))
    })
    .map(Option::unwrap_or_default)
}

/// The records behind `cursor`, at most [`READ_MAX_BYTES`] of them; none if there are none yet. The default cursor is
/// the beginning; so is one into a file that is there no more, or has become shorter.
///
/// # Errors
/// The file cannot be read.
pub fn after(folder: &Path, cursor: Cursor) -> Result<Records, ReadError> {
    with_file(folder, |file, id| {
        let length = file.metadata()?.len();
        let valid = cursor.file == id && cursor.position <= length;
        let position = if valid { cursor.position } else { 0 };
        let bytes = read_lines(file, position)?;
        let cursor = Cursor { file: id, position: position + bytes.len() as u64 };
        Ok(Records { bytes, cursor })
    })
    .map(|found| found.unwrap_or(Records { bytes: Vec::new(), cursor }))
}

/// Calls `read` with the log; `None` if there is none.
fn with_file<T>(
    folder: &Path,
    read: impl FnOnce(&mut File, u64) -> io::Result<T>,
) -> Result<Option<T>, ReadError> {
    let path = folder.join(CURRENT);
    let result = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.and_then(|mut file| {
            let id = svcctl_os::stream::file_id(&file)?;
            read(&mut file, id)
        }),
    };
    result.map(Some).map_err(|source| ReadError { path, source })
}

/// The position behind the `nth` newline (from 1) before `end`, counted backwards; 0 if there are fewer.
fn last_newline_before(file: &mut File, end: u64, nth: u64) -> io::Result<u64> {
    let mut block = Vec::new();
    let mut at = end;
    let mut left = nth;
    while at > 0 {
        let start = at.saturating_sub(BLOCK_BYTES);
        block.clear();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(at - start).read_to_end(&mut block)?;
        for found in memchr::memrchr_iter(b'\n', &block) {
            left -= 1;
            if left == 0 {
                return Ok(start + found as u64 + 1);
            }
        }
        at = start;
    }
    Ok(0)
}

/// Whole lines from `position`; at least one if there is one.
fn read_lines(file: &mut File, position: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(position))?;
    let mut bytes = Vec::new();
    loop {
        let count = file.by_ref().take(READ_MAX_BYTES as u64).read_to_end(&mut bytes)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            bytes.truncate(at + 1);
            return Ok(bytes);
        }
        if count == 0 {
            return Ok(Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn folder(content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join(CURRENT), content).expect("write");
        folder
    }

    fn last(content: &str, lines: usize) -> String {
        let folder = folder(content);
        let cursor = tail(folder.path(), lines).expect("tail");
        String::from_utf8(after(folder.path(), cursor).expect("read").bytes).expect("text")
    }

    #[test]
    fn the_last_lines_without_a_torn_tail() {
        let content = "one\ntwo\nthree\nto";
        assert_eq!(last(content, 0), "");
        assert_eq!(last(content, 1), "three\n");
        assert_eq!(last(content, 2), "two\nthree\n");
        assert_eq!(last(content, 3), "one\ntwo\nthree\n");
        assert_eq!(last(content, 99), "one\ntwo\nthree\n");
        assert_eq!(last("torn", 3), "");
        assert_eq!(last("", 3), "");
    }

    #[test]
    fn a_window_does_not_grow_with_the_log() {
        use std::io::Write as _;
        let folder = folder("one\ntwo\nthree\n");
        let (begin, end) = window(folder.path(), 2).expect("window");
        let mut file = File::options().append(true).open(folder.path().join(CURRENT)).expect("open");
        file.write_all(b"four\n").expect("write");
        let mut records = after(folder.path(), begin).expect("read");
        assert!(records.cut_at(end));
        assert_eq!((records.bytes.as_slice(), records.cursor), (b"two\nthree\n".as_slice(), end));
    }

    #[test]
    fn no_log_has_no_records() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(tail(folder.path(), 5).expect("tail"), Cursor::default());
        assert_eq!(after(folder.path(), Cursor::default()).expect("read"), Records::default());
    }

    #[test]
    fn reads_on_across_blocks_and_limits() {
        let mut content = String::new();
        for number in 0..200_000 {
            writeln!(content, "line {number}").expect("text");
        }
        let folder = folder(&content);
        let mut cursor = tail(folder.path(), 150_000).expect("tail");
        let mut lines = Vec::new();
        loop {
            let records = after(folder.path(), cursor).expect("read");
            if records.bytes.is_empty() {
                break;
            }
            assert!(records.bytes.len() <= READ_MAX_BYTES);
            lines.extend(records.iter().map(<[u8]>::to_vec));
            cursor = records.cursor.to_string().parse().expect("a cursor's text is a cursor");
        }
        assert_eq!(lines.len(), 150_000);
        assert_eq!(lines[0], b"line 50000");
        assert_eq!(lines[149_999], b"line 199999");
    }

    #[test]
    fn a_record_beyond_the_limit_is_given_whole() {
        let long = format!("{}\nnext\n", "x".repeat(READ_MAX_BYTES + 10));
        let folder = folder(&long);
        let records = after(folder.path(), Cursor::default()).expect("read");
        assert_eq!(records.iter().next().map(<[u8]>::len), Some(READ_MAX_BYTES + 10));
    }

    #[test]
    fn another_file_is_read_from_its_beginning() {
        let folder = folder("one\ntwo\n");
        let end = tail(folder.path(), 0).expect("tail");
        std::fs::rename(folder.path().join(CURRENT), folder.path().join("old")).expect("rename");
        std::fs::write(folder.path().join(CURRENT), "new\n").expect("write");
        assert_eq!(after(folder.path(), end).expect("read").bytes, b"new\n");
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "-", "1", "1-", "x-1", "1-2-3", "+1-2", "1-99999999999999999"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
