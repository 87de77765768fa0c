//! Signals by pidfd, exits, and the children that nobody else waits for.

use crate::process::Exit;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus, waitid};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// A process that this one made, held so that its number cannot come to mean another.
#[derive(Debug)]
pub struct Child {
    /// Its id.
    pub pid: u32,
    /// Readable once it has ended.
    pub pidfd: OwnedFd,
}

/// Makes the calling process the one that orphaned descendants come to (`PR_SET_CHILD_SUBREAPER`).
///
/// # Errors
/// What the system says.
pub fn become_subreaper() -> io::Result<()> {
    // Any id but null sets the attribute.
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Sends a signal by its number. True when it was sent, false when the process has ended and was reaped.
///
/// # Errors
/// What else the system says: not permitted, or no such signal.
pub fn send_signal(pidfd: impl AsFd, signal: i32) -> io::Result<bool> {
    let descriptor = pidfd.as_fd().as_raw_fd();
    // SAFETY: pidfd_send_signal takes a descriptor, which the borrow keeps open, a number, no siginfo and no flags.
    let result =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, descriptor, signal, std::ptr::null::<u8>(), 0) };
    match (result, Errno::from_io_error(&io::Error::last_os_error())) {
        (0, _) => Ok(true),
        (_, Some(Errno::SRCH)) => Ok(false),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How the child behind a pidfd ended; `None` while it runs. It stays a zombie, and its number taken, until [`reap`].
///
/// # Errors
/// What the system says: it is not a child of the calling process, or was reaped.
pub fn exit_of(pidfd: impl AsFd) -> io::Result<Option<Exit>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::PidFd(pidfd.as_fd()), options)?.and_then(exit))
}

/// Takes the zombie behind a pidfd out of the process table; false while it runs.
///
/// # Errors
/// What the system says: it is not a child of the calling process, or was reaped.
pub fn reap(pidfd: impl AsFd) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    Ok(waitid(WaitId::PidFd(pidfd.as_fd()), options)?.is_some())
}

/// Whether the process behind a pidfd, child or not, has ended.
///
/// # Errors
/// What the system says.
pub fn is_gone(pidfd: impl AsFd) -> io::Result<bool> {
    let pidfd = pidfd.as_fd();
    let mut poll = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
    let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(rustix::event::poll(&mut poll, Some(&at_once))? > 0)
}

fn exit(status: WaitIdStatus) -> Option<Exit> {
    status.exit_status().map(Exit::Code).or_else(|| status.terminating_signal().map(Exit::Signal))
}

/// Reaps dead children but those in `keep`: orphans of services that came to this process. Gives how many there were.
///
/// The kernel names one waitable child at a time, and always the same one as long as it is not reaped. So when it names
/// one to be kept, all children are listed by way of `/proc` instead.
///
/// # Errors
/// What the system says.
pub fn reap_orphans(keep: impl Fn(u32) -> bool) -> io::Result<usize> {
    let mut count = 0;
    while let Some(pid) = dead_child()? {
        if keep(pid) {
            return Ok(count + children().into_iter().filter(|pid| !keep(*pid) && reap_pid(*pid)).count());
        }
        count += usize::from(reap_pid(pid));
    }
    Ok(count)
}

/// The children of this process, which has one thread. Not every kernel is built with the list; then the whole process
/// table is read.
fn children() -> Vec<u32> {
    let own = std::process::id();
    if let Ok(list) = std::fs::read_to_string(format!("/proc/self/task/{own}/children")) {
        return list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    }
    let all = crate::linux::procfs::processes().into_iter();
    all.filter(|entry| entry.parent == own).map(|entry| entry.pid).collect()
}

fn reap_pid(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| {
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
            .is_ok_and(|status| status.is_some())
    })
}

/// The id of some dead child, which is left as it is; `None` when no child is dead.
fn dead_child() -> io::Result<Option<u32>> {
    // SAFETY: an all-zero siginfo_t is a valid value, and waitid writes to nothing else.
    let (result, info) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        (libc::waitid(libc::P_ALL, 0, &raw mut info, options), info)
    };
    if result != 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::ECHILD) { Ok(None) } else { Err(error) };
    }
    // SAFETY: after waitid the field for the child's id is the one in use; it is 0 when there was no child.
    Ok(u32::try_from(unsafe { info.si_pid() }).ok().filter(|pid| *pid != 0))
}
