//! Everything the capture does to files and pipes, one system call each.
//!
//! That it is in one place lets a test end the world before any of these calls, or in the middle of one, and see
//! whether every line is still recorded once.

use std::fs::File;
use std::io;
use std::path::Path;
use svcctl_os::stream::{self, Descriptor};

#[cfg(test)]
pub(crate) mod faults;
#[cfg(not(test))]
mod faults {
    //! Outside tests every call is made, whole.

    /// No faults.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Faults;

    impl Faults {
        /// How many of `wanted` bytes the call may take.
        #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the tests' version uses both")]
        pub(crate) fn before(&self, _call: super::Call, wanted: usize) -> std::io::Result<usize> {
            Ok(wanted)
        }

        /// Whether a call that took less than it wanted is to fail after that.
        #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the tests' version uses both")]
        pub(crate) fn after(&self) -> std::io::Result<()> {
            Ok(())
        }
    }
}

/// Which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// From a pipe into its spool.
    Splice,
    /// From a pipe into memory, to be dropped.
    Discard,
    /// Records to the end of a log.
    Append,
    /// A checkpoint.
    Checkpoint,
    /// A torn tail is cut.
    Truncate,
    /// Space of a spool is given back.
    Punch,
    /// A file or folder is made or opened.
    Open,
    /// A file is deleted.
    Remove,
}

/// The calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// What goes wrong; nothing outside tests.
    pub(crate) faults: faults::Faults,
}

impl Files {
    /// As [`stream::splice`].
    pub(crate) fn splice(
        &self,
        pipe: &Descriptor,
        file: &File,
        offset: u64,
        max: usize,
    ) -> io::Result<usize> {
        let max = self.faults.before(Call::Splice, max)?;
        let moved = stream::splice(pipe, file, offset, max);
        self.faults.after()?;
        moved
    }

    /// As [`stream::read_pipe`]; what is read is lost.
    pub(crate) fn discard(&self, pipe: &Descriptor, buffer: &mut [u8]) -> io::Result<usize> {
        self.faults.before(Call::Discard, buffer.len())?;
        stream::read_pipe(pipe, buffer)
    }

    /// Appends all of `bytes`.
    pub(crate) fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        let count = self.faults.before(Call::Append, bytes.len())?;
        io::Write::write_all(&mut file, &bytes[..count])?;
        self.faults.after()
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let count = self.faults.before(Call::Checkpoint, bytes.len())?;
        stream::write_at(file, &bytes[..count], offset)?;
        self.faults.after()
    }

    /// Makes the file end at `length`.
    pub(crate) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.faults.before(Call::Truncate, 0)?;
        file.set_len(length)
    }

    /// As [`stream::punch_hole`].
    pub(crate) fn punch(&self, file: &File, offset: u64, length: u64) -> io::Result<()> {
        self.faults.before(Call::Punch, 0)?;
        stream::punch_hole(file, offset, length)
    }

    /// As [`stream::open_private`].
    pub(crate) fn open_private(&self, path: &Path) -> io::Result<File> {
        self.faults.before(Call::Open, 0)?;
        stream::open_private(path)
    }

    /// As [`stream::open_private`], but makes nothing; `None` if there is none.
    pub(crate) fn open_existing_private(&self, path: &Path) -> io::Result<Option<File>> {
        if path.try_exists()? { self.open_private(path).map(Some) } else { Ok(None) }
    }

    /// Opens a file for reading; `None` if there is none.
    pub(crate) fn open_existing(&self, path: &Path) -> io::Result<Option<File>> {
        self.faults.before(Call::Open, 0)?;
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// As [`stream::open_append`], and makes the folder where there is none.
    pub(crate) fn open_log(&self, path: &Path) -> io::Result<File> {
        self.faults.before(Call::Open, 0)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        stream::open_append(path)
    }

    /// Deletes a file; that there is none is no failure.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.faults.before(Call::Remove, 0)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// Reads until the buffer is full or the file ends. Gives how much was read.
///
/// # Errors
/// What the system says.
pub(crate) fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream::read_at(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What went wrong, as a sentence fragment without the system's number: `no space left on device`.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_part_of_a_sentence() {
        assert_eq!(reason(&io::Error::from_raw_os_error(28)), "no space left on device");
        assert_eq!(reason(&io::Error::other("it broke")), "it broke");
    }
}
