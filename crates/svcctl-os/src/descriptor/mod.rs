//! Open files and sockets as owned values, under one name on all systems, and the one that is handed over by number.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(all(unix, not(target_os = "linux")))]
mod other_unix;
#[cfg(all(unix, not(target_os = "linux")))]
use other_unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub use system::{BorrowedDescriptor, Descriptor, of_file};

/// Why there is no descriptor under a variable's name.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// The variable is not set: nobody handed anything over.
    #[error("{0} is not set")]
    NotSet(&'static str),
    /// The variable does not hold the number of an open descriptor.
    #[error("{name} does not name an open descriptor: {value:?}")]
    NotOpen {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// It was taken before.
    #[error("the descriptor in {0} has been taken already")]
    Taken(&'static str),
    /// This system hands nothing over this way.
    #[error(transparent)]
    Unsupported(#[from] crate::Unsupported),
}

/// Takes the descriptor whose number the environment variable `name` holds, as the parent process meant it, and marks
/// it close-on-exec. The variable stays as it is. It can be taken once in the life of a process, whatever the name.
///
/// # Errors
/// [`InheritError`].
pub fn from_environment(name: &'static str) -> Result<Descriptor, InheritError> {
    system::from_environment(name)
}
