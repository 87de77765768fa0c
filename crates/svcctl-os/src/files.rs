//! What a file system needs beyond std, so that files outlive a power loss and are their owner's alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Writes a file whole or not at all: to a new file beside it that only the owner may read, made durable, then
/// renamed over `path`. The new name is durable after [`sync_directory`]; `unfinished` is the ending of the file
/// beside it, of which a kill may leave one behind; whatever stands there is removed, and a link not followed.
///
/// # Errors
/// What the system says to creating, writing, syncing or renaming.
pub fn replace(path: &Path, unfinished: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(unfinished);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
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

/// Why a file could not be read whole. Fits "{path} cannot be read: {error}".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What the system says.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A directory, a device, a pipe, a socket.
    #[error("it is no regular file")]
    NotRegular,
    /// There is more in it.
    #[error("it has more than {0} bytes")]
    TooLong(usize),
}

/// Reads a regular file of at most `max` bytes. What is no regular file is refused unread: opening it does not wait for
/// a writer (`O_NONBLOCK`) and makes no terminal one's own. A file on a dead network file system may hang all the same.
///
/// # Errors
/// [`ReadError`].
pub fn read_regular(path: &Path, max: usize) -> Result<Vec<u8>, ReadError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ReadError::NotRegular);
    }
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max { Err(ReadError::TooLong(max)) } else { Ok(bytes) }
}

/// Creates a file that only its owner may read and write (on Windows: as the directory hands down). What is there
/// already is refused, a link too: its mode and its place would be another's.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
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

/// Makes a new directory for this user alone, where the system knows such modes.
///
/// # Errors
/// What the system says; a directory that is there already is refused.
pub fn make_private_directory(path: &Path) -> io::Result<()> {
    private_directories().create(path)
}

#[cfg(unix)]
fn private_directories() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_directories() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// What to do about an error of the file system, as the end of a sentence; empty where that depends.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space there, then repeat the command"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; mount it for writing, or take another place with --root DIR",
        io::ErrorKind::PermissionDenied => {
            "; give your user the right, or take services of your own with --scope user"
        }
        _ => "",
    }
}

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

    #[test]
    fn what_a_kill_left_gives_neither_its_mode_nor_its_place_to_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("web.yaml"), folder.path().join("web.yaml.new"));
        fs::write(&beside, b"half").unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, "yaml.new", b"whole").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"whole".to_vec()));
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, b"another's").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &beside).unwrap();
        replace(&path, "yaml.new", b"next").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"another's");
        assert!(!path.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"next");
    }
}
