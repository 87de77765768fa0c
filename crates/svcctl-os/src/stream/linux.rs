//! Streams on Linux: splice, hole punching, epoll and eventfd.

use super::{Descriptor, READY_MAX};
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The mode of a spool and of a checkpoint: nobody else's business.
const PRIVATE_MODE: u32 = 0o600;
/// The mode of a log: readable to the group that may read logs.
const LOG_MODE: u32 = 0o640;
/// The token of the poller's own waker.
const WAKER: u64 = u64::MAX;

/// Moves at most `max` bytes from `pipe` into `file` at `offset`, in one system call, without waiting for data.
/// Gives how many were moved; 0 means that nobody can write to the pipe any more and that it is empty.
///
/// # Errors
/// `WouldBlock` when the pipe is empty and has writers; otherwise what the file system says (such as
/// `StorageFull`), and then nothing left the pipe.
pub fn splice(pipe: &Descriptor, file: &File, offset: u64, max: usize) -> io::Result<usize> {
    let mut at = offset;
    loop {
        match rustix::pipe::splice(pipe, None, file, Some(&mut at), max, SpliceFlags::NONBLOCK) {
            Err(Errno::INTR) => {}
            moved => return Ok(moved?),
        }
    }
}

/// Reads from `pipe`, which [`set_nonblocking`] was called for; 0 at its end.
///
/// # Errors
/// `WouldBlock` when the pipe is empty and has writers.
pub fn read_pipe(pipe: &Descriptor, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(pipe, &mut *buffer) {
            Err(Errno::INTR) => {}
            read => return Ok(read?),
        }
    }
}

/// Makes reads from `pipe` answer `WouldBlock` where they would wait. The setting belongs to this end of the pipe and
/// to its duplicates; the writers keep theirs.
///
/// # Errors
/// What the system says.
pub fn set_nonblocking(pipe: &Descriptor) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(pipe)?;
    Ok(rustix::fs::fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

/// How many bytes are in `pipe` now.
///
/// # Errors
/// What the system says.
pub fn pending(pipe: &Descriptor) -> io::Result<u64> {
    Ok(rustix::io::ioctl_fionread(pipe)?)
}

/// Makes room for `bytes` in `pipe` (the kernel rounds up). Unprivileged users have an allowance for all their pipes
/// (`/proc/sys/fs/pipe-user-pages-soft`).
///
/// # Errors
/// `PermissionDenied` beyond what this user may have.
pub fn set_pipe_size(pipe: &Descriptor, bytes: usize) -> io::Result<()> {
    rustix::pipe::fcntl_setpipe_size(pipe, bytes)?;
    Ok(())
}

/// Gives the disk space of `length` bytes from `offset` back; they read as zeros, the file's size stays.
///
/// # Errors
/// `Unsupported` where the file system cannot.
pub fn punch_hole(file: &File, offset: u64, length: u64) -> io::Result<()> {
    Ok(rustix::fs::fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length)?)
}

/// Where the first data of `file` are (behind a hole at its beginning); the file's size if there are none.
///
/// # Errors
/// What the system says.
pub fn first_data(file: &File) -> io::Result<u64> {
    match rustix::fs::seek(file, SeekFrom::Data(0)) {
        Err(Errno::NXIO) => Ok(file.metadata()?.len()),
        found => Ok(found?),
    }
}

/// Reads at a position; may read less than the buffer holds, 0 at the end.
///
/// # Errors
/// What the system says.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Writes all bytes at a position.
///
/// # Errors
/// What the system says; a part may have been written.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Opens a file for reading and writing at positions; makes it, for its owner alone, where there is none.
///
/// # Errors
/// What the system says.
pub fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(PRIVATE_MODE).open(path)
}

/// Opens a log for appending and reading; makes it, readable to owner and group, where there is none.
///
/// # Errors
/// What the system says.
pub fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(LOG_MODE).open(path)
}

/// A number that tells this file from the others of its file system (the inode), whatever its name is.
///
/// # Errors
/// What the system says.
pub fn file_id(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.ino())
}

/// Waits for many streams at once. A stream is reported as long as it has data or is at its end.
pub struct Poller {
    epoll: OwnedFd,
    wakeups: Arc<OwnedFd>,
}

/// Ends a [`Poller::wait`] from another thread.
#[derive(Clone, Debug)]
pub struct Waker {
    wakeups: Arc<OwnedFd>,
}

impl Poller {
    /// A poller without streams, and what wakes it.
    ///
    /// # Errors
    /// What the system says, for example that too many files are open.
    pub fn new() -> io::Result<(Self, Waker)> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wakeups = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&epoll, &*wakeups, epoll::EventData::new_u64(WAKER), epoll::EventFlags::IN)?;
        let waker = Waker { wakeups: Arc::clone(&wakeups) };
        Ok((Self { epoll, wakeups }, waker))
    }

    /// Reports `pipe` as `token` from now on. Tokens are below `u64::MAX`.
    ///
    /// # Errors
    /// What the system says; also when it is reported already.
    pub fn add(&self, pipe: &Descriptor, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, pipe, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?)
    }

    /// Reports `pipe` no more.
    ///
    /// # Errors
    /// What the system says; also when it was not reported.
    pub fn remove(&self, pipe: &Descriptor) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, pipe)?)
    }

    /// Waits until a stream is ready, the waker was used, or `timeout` is over (`None`: for ever). `ready` is emptied
    /// and filled with the tokens of streams, at most [`READY_MAX`].
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self, ready: &mut Vec<u64>, timeout: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        let mut events = [MaybeUninit::uninit(); READY_MAX];
        let events = match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for event in events {
            match event.data.u64() {
                WAKER => self.clear_wakeups(),
                token => ready.push(token),
            }
        }
        Ok(())
    }

    /// Takes the waker's count back; that there was none is no failure.
    fn clear_wakeups(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&*self.wakeups, &mut count);
    }
}

impl Waker {
    /// Ends the wait that is going on, or the next one.
    pub fn wake(&self) {
        // The only failure is a count that is full, and then a wake-up is under way.
        let _ = rustix::io::write(&*self.wakeups, &1_u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn pipe() -> (OwnedFd, File) {
        let (read, write) = rustix::pipe::pipe().expect("pipe");
        (read, File::from(write))
    }

    #[test]
    fn splice_moves_tells_empty_from_ended_and_appends_at_the_offset() {
        let (read, mut write) = pipe();
        let spool = tempfile::tempfile().expect("file");
        assert_eq!(splice(&read, &spool, 0, 100).expect_err("empty").kind(), io::ErrorKind::WouldBlock);
        write.write_all(b"abcdef").expect("write");
        assert_eq!(pending(&read).expect("pending"), 6);
        assert_eq!(splice(&read, &spool, 0, 4).expect("splice"), 4);
        assert_eq!(splice(&read, &spool, 4, 100).expect("splice"), 2);
        drop(write);
        assert_eq!(splice(&read, &spool, 6, 100).expect("end"), 0);
        let mut text = [0; 6];
        assert_eq!(read_at(&spool, &mut text, 0).expect("read"), 6);
        assert_eq!(&text, b"abcdef");
    }

    #[test]
    fn a_hole_keeps_the_size_and_is_found() {
        let file = tempfile::tempfile().expect("file");
        write_at(&file, &[7; 3 * 4096], 0).expect("write");
        punch_hole(&file, 0, 2 * 4096).expect("punch");
        assert_eq!(file.metadata().expect("metadata").len(), 3 * 4096);
        assert_eq!(first_data(&file).expect("data"), 2 * 4096);
    }

    #[test]
    fn the_poller_reports_data_end_and_wake_ups() {
        let (read, mut write) = pipe();
        let (poller, waker) = Poller::new().expect("poller");
        let mut ready = Vec::new();
        poller.add(&read, 5).expect("add");
        waker.wake();
        poller.wait(&mut ready, None).expect("woken");
        assert!(ready.is_empty());
        poller.wait(&mut ready, Some(Duration::ZERO)).expect("nothing");
        assert!(ready.is_empty());
        write.write_all(b"x").expect("write");
        poller.wait(&mut ready, None).expect("data");
        assert_eq!(ready, [5]);
        drop(write);
        let mut byte = [0; 1];
        assert_eq!(read_pipe(&read, &mut byte).expect("read"), 1);
        poller.wait(&mut ready, None).expect("end");
        assert_eq!(ready, [5]);
        poller.remove(&read).expect("remove");
        poller.wait(&mut ready, Some(Duration::ZERO)).expect("nothing");
        assert!(ready.is_empty());
    }
}
