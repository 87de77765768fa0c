//! Unix sockets by path, of any length.
//!
//! A socket's address holds at most 107 bytes of path. A longer path is reached through a descriptor of its directory
//! (`/proc/self/fd/N/name`), which needs `/proc`; without it the system's own error is given.

use super::Peer;
use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// The longest path that fits a socket's address, without the closing NUL.
const ADDRESS_PATH_MAX_BYTES: usize = 107;

/// One connection.
pub type Stream = UnixStream;

/// Where connections come in. The file is removed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens at `path` with the permission bits `mode`, replacing what a dead predecessor left there. The caller
    /// holds a lock that keeps two from listening at once. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the system says to removing, binding or changing the mode.
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let short = Short::of(path)?;
        let inner = UnixListener::bind(&short.path)?;
        std::fs::set_permissions(path, Permissions::from_mode(mode))?;
        Ok(Self { inner, path: path.to_owned() })
    }

    /// The next connection, and whose it is.
    ///
    /// # Errors
    /// What the system says to accepting or to the question for the credentials.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        let (stream, _) = self.inner.accept().await?;
        let credentials = stream.peer_cred()?;
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
        Ok((stream, Peer { uid: credentials.uid(), gid: credentials.gid(), pid }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A file that is gone already is as good.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Connects to the listener at `path`. Needs a tokio runtime.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when nobody listens; else what the system says.
pub async fn connect(path: &Path) -> io::Result<Stream> {
    let short = Short::of(path)?;
    UnixStream::connect(&short.path).await
}

/// A path that fits an address, and the directory that keeps it valid.
struct Short {
    path: PathBuf,
    _directory: Option<File>,
}

impl Short {
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= ADDRESS_PATH_MAX_BYTES {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let parent = path.parent().unwrap_or(Path::new("/"));
        let name = path.file_name().unwrap_or(OsStr::new(""));
        let directory = File::open(parent)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap()
    }

    #[test]
    fn a_path_longer_than_an_address_is_reached() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("d".repeat(120));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("daemon.sock");
        runtime().block_on(async {
            let listener = Listener::bind(&path, 0o600).unwrap();
            let (accepted, connected) = tokio::join!(listener.accept(), connect(&path));
            connected.unwrap();
            assert_eq!(accepted.unwrap().1.pid, Some(std::process::id()));
        });
        assert!(!path.exists(), "the socket's file outlives its listener");
    }

    #[test]
    fn what_a_dead_listener_left_is_replaced() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("s");
        runtime().block_on(async {
            std::mem::forget(Listener::bind(&path, 0o600).unwrap());
            let listener = Listener::bind(&path, 0o600).unwrap();
            let (accepted, connected) = tokio::join!(listener.accept(), connect(&path));
            accepted.unwrap();
            connected.unwrap();
        });
    }
}
