//! Linux: flock(2), which belongs to the open file, so that a forked copy keeps it through `background::detach`.

use super::{Holder, LockError};
use crate::linux::procfs;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, ftruncate, open, stat};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// How often a file is opened again because it was removed between opening and locking.
const REMOVED_TRIES: u32 = 16;
/// The most that is read of a lock file.
const CONTENT_MAX_BYTES: usize = 512;

#[derive(Debug)]
pub(super) struct Lock {
    _file: OwnedFd,
}

pub(super) fn acquire(path: &Path, what: &str) -> Result<Lock, LockError> {
    let failed = |error: Errno| file_error(path, error.into());
    for _ in 0..REMOVED_TRIES {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = open(path, flags, Mode::from_raw_mode(0o644)).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_at(&file, path) => {
                write_holder(&file, what).map_err(failed)?;
                return Ok(Lock { _file: file });
            }
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(LockError::Held(read_holder(&file, what))),
            Err(error) => return Err(failed(error)),
        }
    }
    Err(file_error(path, io::Error::other("it is removed again and again")))
}

pub(super) fn holder(path: &Path) -> Result<Option<Holder>, LockError> {
    let failed = |error: Errno| file_error(path, error.into());
    let file = match open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(Errno::WOULDBLOCK) => Ok(Some(read_holder(&file, "svcctl"))),
        Err(error) => Err(failed(error)),
    }
}

fn file_error(path: &Path, source: io::Error) -> LockError {
    LockError::File { path: path.to_owned(), source }
}

/// Whether the open file is still the one under that name.
fn is_at(file: &OwnedFd, path: &Path) -> bool {
    match (fstat(file), stat(path)) {
        (Ok(held), Ok(named)) => (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino),
        _ => false,
    }
}

/// Three lines: pid, start time, what it is.
fn write_holder(file: &OwnedFd, what: &str) -> Result<(), Errno> {
    let pid = std::process::id();
    let start = procfs::process(pid).map_or(0, |entry| entry.start);
    ftruncate(file, 0)?;
    rustix::io::pwrite(file, format!("{pid}\n{start}\n{what}\n").as_bytes(), 0)?;
    Ok(())
}

fn read_holder(file: &OwnedFd, otherwise: &str) -> Holder {
    let mut buffer = [0; CONTENT_MAX_BYTES];
    let length = rustix::io::pread(file, &mut buffer, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&buffer[..length]);
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.parse().ok());
    let start = lines.next().and_then(|line| line.parse().ok());
    Holder { what: lines.next().unwrap_or(otherwise).to_owned(), pid, start }
}
