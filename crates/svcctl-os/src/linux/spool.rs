//! Moves what stands in a pipe to the end of a file without copying it through this process.

use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, splice};
use std::io;
use std::os::fd::AsFd;

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes are in the file now.
    Bytes(usize),
    /// The pipe is empty.
    Nothing,
    /// The pipe is empty and nobody can write to it any more.
    End,
    /// The file takes no more under its cap.
    Full,
}

/// Moves at most `max_bytes` from `pipe` to the end of `file`, as long as the file occupies less than `cap_bytes` on
/// its disk (holes do not count). Waits for no writer.
///
/// # Errors
/// What the system says, such as that the disk is full.
pub fn move_to_end(pipe: impl AsFd, file: impl AsFd, max_bytes: usize, cap_bytes: u64) -> io::Result<Moved> {
    const BLOCK_BYTES: u64 = 512;
    let stat = rustix::fs::fstat(&file)?;
    let occupied = u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK_BYTES;
    let room = usize::try_from(cap_bytes.saturating_sub(occupied)).unwrap_or(usize::MAX).min(max_bytes);
    if room == 0 {
        return Ok(Moved::Full);
    }
    let mut end = u64::try_from(stat.st_size).unwrap_or(0);
    match splice(pipe, None, file, Some(&mut end), room, SpliceFlags::NONBLOCK) {
        Ok(0) => Ok(Moved::End),
        Ok(count) => Ok(Moved::Bytes(count)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Moved::Nothing),
        Err(error) => Err(error.into()),
    }
}
