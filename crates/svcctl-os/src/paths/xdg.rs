//! Linux: the Filesystem Hierarchy Standard for the system, the XDG Base Directory Specification for a user.

use super::{PathsError, Variable, named};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[expect(clippy::unnecessary_wraps, reason = "the same signature on every system")]
pub(super) fn system(_variable: &Variable<'_>) -> Result<[PathBuf; 4], PathsError> {
    Ok(["/etc/svcctl/services", "/var/lib/svcctl", "/run/svcctl", "/var/log/svcctl"].map(PathBuf::from))
}

pub(super) fn user(variable: &Variable<'_>) -> Result<[PathBuf; 4], PathsError> {
    let below_home = |name, below: &str| {
        let home = || named(variable, "HOME").map(|home| home.join(below)).ok_or(PathsError::NoHome("HOME"));
        named(variable, name).map_or_else(home, Ok)
    };
    let config = below_home("XDG_CONFIG_HOME", ".config")?.join("svcctl");
    let state = below_home("XDG_STATE_HOME", ".local/state")?.join("svcctl");
    // Without a login manager there is no runtime directory.
    let run = named(variable, "XDG_RUNTIME_DIR").map_or_else(|| state.join("run"), |run| run.join("svcctl"));
    let logs = state.join("logs");
    Ok([config.join("services"), state, run, logs])
}

pub(super) fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
}

/// Directories above are made with the usual mode; the mode of one that exists is left as it is.
pub(super) fn make_directory(directory: &Path, mode: u32) -> io::Result<()> {
    if let Some(above) = directory.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::DirBuilder::new().mode(mode).create(directory) {
        // The umask may have taken something away.
        Ok(()) => std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes from others what a directory of this user gives them.
pub(super) fn make_private(directory: &Path) -> io::Result<()> {
    let found = std::fs::metadata(directory)?;
    let is_open = found.mode() & 0o077 != 0;
    if is_open && found.uid() == rustix::process::geteuid().as_raw() {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
