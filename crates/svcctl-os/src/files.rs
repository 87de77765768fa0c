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
