//! Reading a file that somebody may be writing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The longest text that is read, in bytes.
pub const READ_MAX_BYTES: u64 = 1024 * 1024;

/// Why a file gives no text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses it.
    #[error("read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a directory, a pipe, a device.
    #[error("read {0}: it is not a regular file")]
    NotFile(PathBuf),
    /// It has nothing but blanks in it: it is being written, or its disk was full.
    #[error("read {0}: it is empty")]
    Empty(PathBuf),
    /// It is longer than [`READ_MAX_BYTES`].
    #[error("read {0}: it has more than {READ_MAX_BYTES} bytes")]
    TooLong(PathBuf),
    /// It changed while it was read.
    #[error("read {0}: it changed while it was read; it is read again when it is whole")]
    Changing(PathBuf),
    /// It is not text.
    #[error("read {path}: it is not UTF-8, from byte {at} on")]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that is not.
        at: usize,
    },
}

/// Reads the text of a file as one state of it: a file that is empty, or that changes meanwhile, is refused, since
/// somebody is writing it.
///
/// # Errors
/// [`ReadError`] says why there is no text; each of its messages names the file.
pub fn settled_read(path: &Path) -> Result<String, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    // A pipe would not open before somebody writes to it.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(ReadError::NotFile(path.to_owned()));
    }
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if before.len() > READ_MAX_BYTES {
        return Err(ReadError::TooLong(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(READ_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    let is_same = before.modified().ok() == after.modified().ok() && after.len() == bytes.len() as u64;
    if !is_same {
        return Err(ReadError::Changing(path.to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| ReadError::NotText {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })?;
    if text.trim_matches(['\u{feff}', '\0']).trim().is_empty() {
        return Err(ReadError::Empty(path.to_owned()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_written_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.yaml");
        assert!(matches!(settled_read(&path), Err(ReadError::Io { .. })));
        for nothing in ["", " \n", "\u{feff}", "\0\0\0"] {
            std::fs::write(&path, nothing).unwrap();
            let message = settled_read(&path).unwrap_err().to_string();
            assert_eq!(message, format!("read {}: it is empty", path.display()));
        }
        std::fs::write(&path, b"a: \xff").unwrap();
        assert!(matches!(settled_read(&path), Err(ReadError::NotText { at: 3, .. })));
        std::fs::write(&path, vec![b'x'; 1024 * 1024 + 1]).unwrap();
        assert!(matches!(settled_read(&path), Err(ReadError::TooLong(_))));
        assert!(matches!(settled_read(directory.path()), Err(ReadError::NotFile(_))));
        std::fs::write(&path, "a: 1\n").unwrap();
        assert_eq!(settled_read(&path).unwrap(), "a: 1\n");
    }
}
