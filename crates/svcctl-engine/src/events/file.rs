//! The file of events: appended whole lines, and made anew when it is full.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// When the file is put aside for a new one.
pub(super) const FILE_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// How much is read at once while the end of the last whole line is looked for.
const TAIL_BYTES: u64 = 64 * 1024;

/// Where the file before this one is kept.
pub(super) fn previous(path: &Path) -> PathBuf {
    path.with_extension("1.ndjson")
}

/// The file that is appended to.
#[derive(Debug)]
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
    /// How long it is; always the end of a line.
    length: u64,
    max: u64,
}

impl EventFile {
    /// Opens or makes it. What a power loss left of a line is cut off.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path, max: u64) -> io::Result<Self> {
        let mut file = svcctl_os::files::open_private(path)?;
        let found = file.metadata()?.len();
        let length = end_of_last_line(&mut file, found)?;
        if length < found {
            file.set_len(length)?;
        }
        Ok(Self { path: path.to_owned(), file, length, max })
    }

    /// Appends whole lines; all of them or none.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(more) > self.max {
            fs::rename(&self.path, previous(&self.path))?;
            *self = Self::open(&self.path, self.max)?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = self.file.write_all(lines) {
            // A line that is there in part would spoil the next one; where even this fails, the next opening cuts it.
            drop(self.file.set_len(self.length));
            return Err(error);
        }
        self.length += more;
        Ok(())
    }
}

fn end_of_last_line(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 {
        let begin = end.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        let mut tail = Vec::new();
        (&*file).take(end - begin).read_to_end(&mut tail)?;
        if let Some(at) = memchr::memrchr(b'\n', &tail) {
            return Ok(begin + u64::try_from(at).unwrap_or(0) + 1);
        }
        end = begin;
    }
    Ok(0)
}
