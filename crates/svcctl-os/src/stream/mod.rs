//! Streams of output: taking them from pipes into files, and waiting for them without polling.
//!
//! What a program wrote leaves its pipe by [`splice`] alone, in one system call from pipe to file, so that a process
//! that is killed in between loses nothing. This is Linux's; on other systems every function here answers
//! `io::ErrorKind::Unsupported`. Reading and writing without a spool, for those systems, is deliberately absent.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "unsupported.rs"]
mod imp;

pub use imp::{
    Poller, Waker, file_id, first_data, open_append, open_private, pending, punch_hole, read_at, read_pipe,
    set_nonblocking, set_pipe_size, splice, write_at,
};

/// An owned file descriptor.
#[cfg(unix)]
pub type Descriptor = std::os::fd::OwnedFd;
/// An owned handle.
#[cfg(windows)]
pub type Descriptor = std::os::windows::io::OwnedHandle;

/// The most streams that one [`Poller::wait`] reports; the others are reported by the next.
pub const READY_MAX: usize = 256;
