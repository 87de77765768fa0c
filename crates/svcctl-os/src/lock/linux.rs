//! Linux: a lock of the open file (`F_OFD_SETLK`, fcntl(2)), which unlike that of flock(2) can be asked for without
//! being taken. It belongs to the open file, so that a forked copy would keep it.

use super::{Holder, LockError};
use crate::linux::procfs;
use crate::process::send_signal;
use crate::signal::number;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fchmod, fstat, ftruncate, open, stat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use svcctl_core::spec::model::Signal;

/// How often a file is opened again because it was removed between opening and locking.
const REMOVED_TRIES: u32 = 16;
/// The most that is read of a lock file.
const CONTENT_MAX_BYTES: usize = 512;
/// Its owner's alone: whoever may open a file may lock it.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// What of a file's mode says what may be done with it.
const MODE_BITS: u32 = 0o7777;
/// The longest that one call waits for the end of a process.
const WAIT_MAX: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(super) struct Lock {
    file: OwnedFd,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody is named by a free lock. Should this fail, the name ends with its process.
        let _ = ftruncate(&self.file, 0);
        // A child between fork and exec has the open file too, and closing this descriptor alone would leave it locked.
        let _ = ofd_lock(&self.file, libc::F_OFD_SETLK, libc::F_UNLCK);
    }
}

pub(super) fn acquire(path: &Path, what: &str) -> Result<Lock, LockError> {
    let failed = |error: Errno| file_error(path, error);
    for _ in 0..REMOVED_TRIES {
        let file = open_private(path).map_err(failed)?;
        match ofd_lock(&file, libc::F_OFD_SETLK, libc::F_WRLCK) {
            Ok(_) if is_at(&file, path) => {
                write_holder(&file, what).map_err(failed)?;
                return Ok(Lock { file });
            }
            Ok(_) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Err(LockError::Held(read_holder(&file))),
            Err(error) => return Err(failed(error)),
        }
    }
    let source = io::Error::other("it is removed again and again");
    Err(LockError::File { path: path.to_owned(), source })
}

pub(super) fn holder(path: &Path) -> Result<Option<Holder>, LockError> {
    let failed = |error: Errno| file_error(path, error);
    let file = match open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let in_the_way = ofd_lock(&file, libc::F_OFD_GETLK, libc::F_WRLCK).map_err(failed)?;
    Ok((in_the_way != kind(libc::F_UNLCK)).then(|| read_holder(&file)))
}

pub(super) fn signal(holder: &Holder, signal: Signal) -> io::Result<()> {
    let ended = || io::Error::new(io::ErrorKind::NotFound, "it has ended");
    let process = process_of(holder)?.ok_or_else(ended)?;
    if send_signal(&process, number(signal))? { Ok(()) } else { Err(ended()) }
}

/// Waits until the process has ended, or for about this long.
pub(super) fn wait_for_end(holder: &Holder, limit: Duration) -> io::Result<()> {
    let Some(process) = process_of(holder)? else { return Ok(()) };
    let limit = Timespec::try_from(limit.min(WAIT_MAX)).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Holds on to the process that took the lock, so that its number cannot come to mean another; none if it has ended.
fn process_of(holder: &Holder) -> io::Result<Option<OwnedFd>> {
    let named = holder.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let named = named.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "its lock names no process"))?;
    match pidfd_open(named, PidfdFlags::empty()) {
        // The descriptor is of whoever has the number now; the start tells whether that is the one meant.
        Ok(process) => Ok(is_alive(holder).then_some(process)),
        Err(Errno::SRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_alive(holder: &Holder) -> bool {
    let now = holder.pid.and_then(procfs::process);
    now.is_some_and(|now| !now.zombie && Some(now.start) == holder.start)
}

fn file_error(path: &Path, error: Errno) -> LockError {
    let path = path.to_owned();
    match error {
        Errno::ACCESS | Errno::PERM => LockError::Denied { path },
        error => LockError::File { path, source: error.into() },
    }
}

/// Opens or makes the file, and takes from others what a file that was there gave them.
fn open_private(path: &Path) -> Result<OwnedFd, Errno> {
    let file = open(path, OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW, MODE)?;
    let found = fstat(&file)?;
    if found.st_uid == geteuid().as_raw() && found.st_mode & MODE_BITS != MODE.as_raw_mode() {
        fchmod(&file, MODE)?;
    }
    Ok(file)
}

/// Takes or gives back (`F_OFD_SETLK`) the lock of this kind, or asks what is in its way (`F_OFD_GETLK`): `F_UNLCK` if
/// nothing is.
fn ofd_lock(file: &OwnedFd, command: libc::c_int, wanted: libc::c_int) -> Result<libc::c_short, Errno> {
    // The whole file; these commands want the pid to be zero.
    let mut lock =
        libc::flock { l_type: kind(wanted), l_whence: kind(libc::SEEK_SET), l_start: 0, l_len: 0, l_pid: 0 };
    // SAFETY: both commands read and write this structure, which outlives the call; the borrow keeps the descriptor
    // open.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } {
        -1 => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
        _ => Ok(lock.l_type),
    }
}

/// The constants of C are wider than the fields that they stand in.
fn kind(constant: libc::c_int) -> libc::c_short {
    libc::c_short::try_from(constant).expect("the constants of struct flock fit into its fields")
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

/// Whom the file names, if that one lives.
fn read_holder(file: &OwnedFd) -> Holder {
    let mut buffer = [0; CONTENT_MAX_BYTES];
    let length = rustix::io::pread(file, &mut buffer, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&buffer[..length]);
    parse(&text).filter(is_alive).unwrap_or_else(Holder::unnamed)
}

fn parse(text: &str) -> Option<Holder> {
    let mut lines = text.lines();
    let pid = lines.next()?.parse().ok();
    let start = lines.next()?.parse().ok();
    Some(Holder { what: lines.next()?.to_owned(), pid, start })
}
