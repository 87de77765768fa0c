//! What svcctl does to the operating system.
//!
//! The only crate with `unsafe` code and, but for modules that exist on one system alone, the only one that asks which
//! system this is. Where a system cannot do something, the answer is [`Unsupported`].

pub mod background;
pub mod clock;
pub mod descriptor;
pub mod files;
pub mod foreground;
pub mod inspect;
#[cfg(feature = "tokio")]
pub mod ipc;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod lock;
pub mod paths;
pub mod process;
pub mod signal;
pub mod stream;
pub mod tree;
pub mod trial;
pub mod users;

/// A system cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not supported on this system")]
pub struct Unsupported {
    /// What was asked.
    pub what: &'static str,
}
