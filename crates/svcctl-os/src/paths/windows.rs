//! Windows: `%ProgramData%` for the system, `%LOCALAPPDATA%` for a user.

use super::{PathsError, Variable, named};
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn system(variable: &Variable<'_>) -> Result<[PathBuf; 4], PathsError> {
    below(variable, "ProgramData")
}

pub(super) fn user(variable: &Variable<'_>) -> Result<[PathBuf; 4], PathsError> {
    below(variable, "LOCALAPPDATA")
}

fn below(variable: &Variable<'_>, name: &'static str) -> Result<[PathBuf; 4], PathsError> {
    let base = named(variable, name).ok_or(PathsError::NoHome(name))?.join("svcctl");
    Ok(["services", "state", "run", "logs"].map(|part| base.join(part)))
}

/// Services of the machine are the rule on Windows; without the rights, their directories cannot be made, and that is
/// said then.
pub(super) fn is_privileged() -> bool {
    true
}

/// Access is inherited from the directory above; modes are Unix's.
pub(super) fn make_directory(directory: &Path, _mode: u32) -> io::Result<()> {
    std::fs::create_dir_all(directory)
}

/// Who may enter is said by the directory above.
#[expect(clippy::unnecessary_wraps, reason = "the same signature on every system")]
pub(super) fn make_private(_directory: &Path) -> io::Result<()> {
    Ok(())
}
