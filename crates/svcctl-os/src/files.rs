//! What a file system needs beyond std, so that files outlive a power loss and are their owner's alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file whole or not at all: to a new file beside it that only the owner may read, made durable, then
/// renamed over `path`. The new name is durable after [`sync_directory`]; `unfinished` is the ending of the file
/// beside it, of which a kill may leave one behind.
///
/// # Errors
/// What the system says to creating, writing, syncing or renaming.
pub fn replace(path: &Path, unfinished: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(unfinished);
    let mut file = create_private(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Opens a file for reading and writing, making it if it is not there; only its owner may read or write it, whatever
/// was before (on Windows: as the directory hands down).
///
/// # Errors
/// What the system says to opening it or changing its mode.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Creates or empties a file that only its owner may read and write (on Windows: as the directory hands down).
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the names in `directory` durable (`fsync` of the directory, POSIX). On Windows directories cannot be opened
/// for this, and NTFS journals names by itself: nothing is done.
///
/// # Errors
/// What the system says to opening or syncing it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(directory)?.sync_all() }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_private_is_private_whatever_was_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, b"kept").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        drop(open_private(&path).unwrap());
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"kept".to_vec()));
        replace(&path, "new", b"another").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"another".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
