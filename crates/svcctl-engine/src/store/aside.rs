//! Putting a text in the place of one that somebody wrote, without losing that one.

use super::StoreError;
use super::files::{MAX_BYTES, file_error};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use svcctl_os::files::{read_regular, sync_directory};

/// Put behind the ending of a file that is being written; one that is found was left by a kill and means nothing.
const UNFINISHED: &str = "new";
/// Put behind the name of a text that was never taken; such a file is no specification's.
const SAVED: &str = "saved";

/// Keeps what stands at `path` beside it, and says where. A text stays where it is as well, until it is replaced; what
/// is no text (a pipe, a link to a device) is moved away.
pub(super) fn keep(path: &Path) -> Result<(), StoreError> {
    let saved = free_name(path);
    match read_regular(path, MAX_BYTES) {
        Ok(bytes) => svcctl_os::files::replace(&saved, UNFINISHED, &bytes).map_err(file_error(&saved))?,
        Err(_) => fs::rename(path, &saved).map_err(file_error(path))?,
    }
    if let Some(directory) = path.parent() {
        sync_directory(directory).map_err(file_error(directory))?;
    }
    crate::say::warn(&format!("the edit that stood in {} is kept in {}", path.display(), saved.display()));
    Ok(())
}

/// `web.yaml.saved`, or what is not there yet of `web.yaml.saved-2` and so on.
fn free_name(path: &Path) -> PathBuf {
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut saved = named(&format!(".{SAVED}"));
    let mut number = 2_u64;
    while saved.symlink_metadata().is_ok() {
        saved = named(&format!(".{SAVED}-{number}"));
        number += 1;
    }
    saved
}

/// Writes the file whole or not at all. A link stays, and what it leads to is replaced; one that leads nowhere is not
/// followed.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let target = if path.is_symlink() { fs::canonicalize(path).ok() } else { None };
    let place = target.as_deref().unwrap_or(path);
    let unfinished = match place.extension().and_then(|ending| ending.to_str()) {
        Some(ending) => format!("{ending}.{UNFINISHED}"),
        None => UNFINISHED.to_owned(),
    };
    let written: io::Result<()> = svcctl_os::files::replace(place, &unfinished, bytes);
    written.map_err(file_error(place))?;
    match target.as_deref().and_then(Path::parent) {
        Some(directory) => sync_directory(directory).map_err(file_error(directory)),
        None => Ok(()),
    }
}
