//! The local endpoint of the control plane: a Unix socket with the peer's credentials, as asynchronous streams.
//!
//! Named pipes on Windows are not here yet; there everything answers `Unsupported`.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{Listener, Stream, connect};

#[cfg(not(unix))]
mod unsupported;
#[cfg(not(unix))]
pub use unsupported::{Listener, Stream, connect};

/// Who is at the other end of a connection, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The user's number.
    pub uid: u32,
    /// The primary group's number.
    pub gid: u32,
    /// The process, where the system tells it.
    pub pid: Option<u32>,
}
