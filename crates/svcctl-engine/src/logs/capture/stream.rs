//! One stream: its pipe, and the spool that the pipe is spliced into.

use crate::logs::files::{Files, read_full_at};
use crate::logs::paths::StreamKey;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use svcctl_core::ident::ServiceName;
use svcctl_os::stream::{self, Descriptor};

/// The most bytes of a stream that wait in its spool; beyond it the program waits, or lines are dropped.
pub(crate) const SPOOL_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// How much is taken from one stream before others have their turn.
pub(crate) const TURN_MAX_BYTES: u64 = 1024 * 1024;
/// The room that a pipe is given once it was found full; a busy program then waits less often.
const BUSY_PIPE_BYTES: usize = 1024 * 1024;
/// A pipe that had this much was full (Linux's default size).
const FULL_PIPE_BYTES: usize = 64 * 1024;
/// In which steps the space of recorded bytes is given back.
const PUNCH_STEP_BYTES: u64 = 1024 * 1024;
/// File systems give back whole blocks.
const BLOCK_BYTES: u64 = 4096;

/// A stream that is captured.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Whose.
    pub(crate) service: ServiceName,
    /// Which one.
    pub(crate) key: StreamKey,
    /// The program's process; `None` if only the spool was found.
    pub(crate) pid: Option<u32>,
    /// Where it is read; `None` at its end.
    pub(crate) pipe: Option<Descriptor>,
    /// Whether the keeper is to be told of its end.
    pub(crate) held: bool,
    /// Made with the first data.
    pub(crate) spool: Option<Spool>,
    /// How far the spool is recorded, or dropped.
    pub(crate) consumed: u64,
    /// Whether the rest of a line whose beginning was dropped is to be dropped.
    pub(crate) skip_line: bool,
    /// Whether the pipe was given more room.
    pub(crate) grown: bool,
}

/// A spool.
#[derive(Debug)]
pub(crate) struct Spool {
    /// The file.
    pub(crate) file: File,
    /// Its name.
    pub(crate) path: PathBuf,
    /// How much has come.
    pub(crate) size: u64,
    punched: u64,
}

/// What taking bytes from a pipe gave.
#[derive(Debug)]
pub(crate) enum Filled {
    /// So many bytes came.
    Moved(u64),
    /// There is nothing now.
    Empty,
    /// Nothing will come any more.
    Ended,
    /// The spool has all it may have.
    Full,
}

impl Spool {
    /// Opens the spool at `path`, or makes it.
    pub(crate) fn open(files: &Files, path: PathBuf) -> io::Result<Self> {
        let file = files.open_private(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, path, size, punched: 0 })
    }
}

impl Stream {
    /// A stream that nothing was taken from yet.
    pub(crate) fn new(service: ServiceName, key: StreamKey, source: Option<(u32, Descriptor)>) -> Self {
        let held = source.is_some();
        let (pid, pipe) = source.unzip();
        Self { service, key, pid, pipe, held, spool: None, consumed: 0, skip_line: false, grown: false }
    }

    /// How many bytes wait in the spool.
    pub(crate) fn waiting(&self) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.size.saturating_sub(self.consumed))
    }

    /// Whether nothing will come any more.
    pub(crate) fn ended(&self) -> bool {
        self.pipe.is_none()
    }

    /// How many bytes are in the pipe.
    pub(crate) fn pending(&self) -> u64 {
        self.pipe.as_ref().map_or(0, |pipe| stream::pending(pipe).unwrap_or(0))
    }

    /// Takes at most `max` bytes from the pipe into the spool, which there must be.
    pub(crate) fn fill(&mut self, files: &Files, max: u64) -> io::Result<Filled> {
        let room = SPOOL_MAX_BYTES.saturating_sub(self.waiting());
        let (Some(pipe), Some(spool)) = (&self.pipe, &mut self.spool) else { return Ok(Filled::Ended) };
        if room == 0 {
            return Ok(Filled::Full);
        }
        let max = usize::try_from(max.min(room)).unwrap_or(usize::MAX);
        match files.splice(pipe, &spool.file, spool.size, max) {
            Ok(0) => Ok(Filled::Ended),
            Ok(count) => {
                spool.size += count as u64;
                if count >= FULL_PIPE_BYTES && !self.grown {
                    // Beyond the user's allowance this is refused, and the pipe stays as it is.
                    let _ = stream::set_pipe_size(pipe, BUSY_PIPE_BYTES);
                    self.grown = true;
                }
                Ok(Filled::Moved(count as u64))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::Empty),
            Err(error) => Err(error),
        }
    }

    /// Reads what waits in the spool; at most what `buffer` holds.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = usize::try_from(self.waiting()).unwrap_or(usize::MAX);
        let Some(spool) = &mut self.spool else { return Ok(0) };
        let want = waiting.min(buffer.len());
        let count = read_full_at(&spool.file, &mut buffer[..want], self.consumed)?;
        if count < want {
            // Somebody else cut the file: what is not there cannot be waited for.
            spool.size = self.consumed + count as u64;
        }
        Ok(count)
    }

    /// Gives the space of what is consumed back, from time to time. That a file system cannot is no failure.
    pub(crate) fn give_back(&mut self, files: &Files) {
        let Some(spool) = &mut self.spool else { return };
        let end = self.consumed / BLOCK_BYTES * BLOCK_BYTES;
        if end >= spool.punched + PUNCH_STEP_BYTES {
            let _ = files.punch(&spool.file, spool.punched, end - spool.punched);
            spool.punched = end;
        }
    }

    /// Drops all that waits in the spool. Gives how many lines began there.
    pub(crate) fn drop_waiting(&mut self, buffer: &mut [u8]) -> u64 {
        let mut lines = LineCount { lines: 0, inside: self.skip_line };
        while let Ok(count @ 1..) = self.read(buffer) {
            lines.add(&buffer[..count]);
            self.consumed += count as u64;
        }
        if let Some(spool) = &self.spool {
            self.consumed = spool.size;
        }
        self.skip_line = lines.inside;
        lines.lines
    }

    /// Drops what is in the pipe now. Gives how many lines began there.
    pub(crate) fn drop_pending(&mut self, files: &Files, buffer: &mut [u8]) -> Dropped {
        let mut lines = LineCount { lines: 0, inside: self.skip_line };
        let mut left = self.pending();
        let mut ended = false;
        while let Some(pipe) = &self.pipe {
            match files.discard(pipe, buffer) {
                Ok(0) => {
                    ended = true;
                    break;
                }
                Ok(count) => {
                    lines.add(&buffer[..count]);
                    left = left.saturating_sub(count as u64);
                }
                Err(_) => break,
            }
            if left == 0 {
                break;
            }
        }
        self.skip_line = lines.inside;
        Dropped { lines: lines.lines, ended }
    }

    /// Skips the rest of a line whose beginning was dropped.
    pub(crate) fn skip_rest(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        while self.skip_line {
            let count = self.read(buffer)?;
            if count == 0 {
                break;
            }
            let newline = memchr::memchr(b'\n', &buffer[..count]);
            self.consumed += newline.map_or(count, |at| at + 1) as u64;
            self.skip_line = newline.is_none();
        }
        Ok(())
    }
}

/// What was dropped from a pipe.
#[derive(Debug)]
pub(crate) struct Dropped {
    /// How many lines.
    pub(crate) lines: u64,
    /// Whether nothing will come any more.
    pub(crate) ended: bool,
}

struct LineCount {
    lines: u64,
    /// Whether the bytes end within a line that is counted already.
    inside: bool,
}

impl LineCount {
    fn add(&mut self, bytes: &[u8]) {
        let newlines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        let open = bytes.last().is_some_and(|&last| last != b'\n');
        self.lines += newlines + u64::from(open) - u64::from(self.inside);
        self.inside = open;
    }
}
