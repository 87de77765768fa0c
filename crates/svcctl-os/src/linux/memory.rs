//! Files that exist in memory alone (`memfd_create`).

use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{BorrowedFd, OwnedFd};

/// A close-on-exec file in memory with these bytes; `name` is what `/proc` shows.
///
/// # Errors
/// What the system says.
pub fn file(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}

/// The bytes of such a file, from its beginning; an error when they are more than `max_bytes`.
///
/// # Errors
/// What the system says, or [`io::ErrorKind::FileTooLarge`].
pub fn contents(file: BorrowedFd<'_>, max_bytes: usize) -> io::Result<Vec<u8>> {
    let length = usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(usize::MAX);
    if length > max_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = vec![0; length];
    let mut at = 0;
    while at < length {
        match rustix::io::pread(file, &mut bytes[at..], at as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => at += count,
        }
    }
    Ok(bytes)
}
