//! macOS: /Library for the system, ~/Library for a user (Apple's File System Programming Guide).

use super::{PathsError, Variable, named};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[expect(clippy::unnecessary_wraps, reason = "the same signature on every system")]
pub(super) fn system(_variable: &Variable<'_>) -> Result<[PathBuf; 4], PathsError> {
    let support = Path::new("/Library/Application Support/svcctl");
    Ok([
        support.join("services"),
        support.join("state"),
        PathBuf::from("/var/run/svcctl"),
        "/Library/Logs/svcctl".into(),
    ])
}

pub(super) fn user(variable: &Variable<'_>) -> Result<[PathBuf; 4], PathsError> {
    let library = named(variable, "HOME").ok_or(PathsError::NoHome("HOME"))?.join("Library");
    let support = library.join("Application Support/svcctl");
    Ok([support.join("services"), support.join("state"), support.join("run"), library.join("Logs/svcctl")])
}

/// Asked of the environment, since std does not tell the user's number and this crate binds no C library here yet.
pub(super) fn is_privileged() -> bool {
    std::env::var_os("USER").is_some_and(|user| user == "root")
}

pub(super) fn make_directory(directory: &Path, mode: u32) -> io::Result<()> {
    if let Some(above) = directory.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::DirBuilder::new().mode(mode).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes from others what a directory of this user gives them.
pub(super) fn make_private(directory: &Path) -> io::Result<()> {
    let is_open = std::fs::metadata(directory)?.permissions().mode() & 0o077 != 0;
    if !is_open {
        return Ok(());
    }
    match std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)) {
        // It is another user's.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}
