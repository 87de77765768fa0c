//! The processes under a main process, as the system's table shows them at one moment.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "unsupported.rs")]
mod system;

use crate::Unsupported;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// How deep in the tree; the main process is 0.
    pub depth: u32,
    /// Its command line, words separated by spaces; control characters escaped.
    pub command: String,
    /// Its resident memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// The processor time it has used, in milliseconds.
    pub cpu_ms: Option<u64>,
}

/// The tree under `main`, each parent before its children; empty if it is gone.
///
/// # Errors
/// [`Unsupported`] where the table cannot be read.
pub fn read(main: u32) -> Result<Vec<Process>, Unsupported> {
    system::read(main)
}
