//! The pipe that takes what a program prints.

use rustix::fs::{Mode, OFlags, open};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The capacity of a pipe whose owner may have it. For others than root the kernel counts the pages of all pipes of a
/// user (64 MiB by default) and then shrinks new ones to a page or two, so their pipes keep the usual 64 KiB.
pub const PIPE_CAPACITY_BYTES: usize = 1024 * 1024;

/// Both ends of a pipe, close-on-exec.
#[derive(Debug)]
pub struct OutputPipe {
    /// Where it is read; non-blocking.
    pub read: OwnedFd,
    /// What becomes the program's standard output or error.
    pub write: OwnedFd,
}

/// Makes a pipe for a program's output. Its writing end is opened for reading too, so that a program that writes while
/// nobody reads waits, and is not killed by SIGPIPE. This goes by way of `/proc`; where that is not mounted the end is
/// a plain one, and a program that writes after the death of both keeper and engine is killed by SIGPIPE.
///
/// # Errors
/// What the system says, for example that too many files are open.
pub fn output_pipe() -> io::Result<OutputPipe> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    let path = format!("/proc/self/fd/{}", write.as_raw_fd());
    let write = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap_or(write);
    // Status flags belong to each end; the program's end stays blocking.
    rustix::fs::fcntl_setfl(&read, OFlags::NONBLOCK)?;
    if rustix::process::geteuid().is_root() {
        // Refused in a container without the capability: then the usual size does.
        let _ = fcntl_setpipe_size(&read, PIPE_CAPACITY_BYTES);
    }
    Ok(OutputPipe { read, write })
}
