//! Programs on Unix: files with a permission to execute.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;

/// Any of the three permissions to execute: whether the service's user has the right one is known at its start.
const EXECUTE: u32 = 0o111;

/// Whether it is looked up in `PATH` (POSIX, XBD 8.3).
pub(super) fn is_bare(program: &str) -> bool {
    !program.contains('/')
}

/// Whether somebody may execute it.
pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & EXECUTE != 0
}

/// The files that a name may mean.
pub(super) fn file_names(name: &str) -> [String; 1] {
    [name.to_owned()]
}
