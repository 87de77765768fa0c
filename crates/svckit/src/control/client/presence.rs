//! Knowing when an engine has ended: by a connection that ends with it.

use super::error::ClientError;
use super::exchange::refused;
use std::path::{Path, PathBuf};
use std::time::Duration;
use svcctl_os::ipc;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

/// A connection on which nothing is asked.
#[derive(Debug)]
pub struct Presence {
    stream: ipc::Stream,
    socket: PathBuf,
}

impl Presence {
    pub(super) async fn new(socket: &Path) -> Result<Self, ClientError> {
        let stream = ipc::connect(socket).await.map_err(|error| refused(socket, error))?;
        Ok(Self { stream, socket: socket.to_owned() })
    }

    /// Waits until the engine has ended, at most `limit`.
    ///
    /// # Errors
    /// [`ClientError::Late`] when it still lives.
    pub async fn ended(mut self, limit: Duration) -> Result<(), ClientError> {
        let mut nothing = [0];
        // An engine has nothing to say here: whatever comes, end, error or a byte of farewell, is its end.
        match timeout(limit, self.stream.read(&mut nothing)).await {
            Ok(Ok(_) | Err(_)) => Ok(()),
            Err(_elapsed) => Err(ClientError::Late { path: self.socket, after: limit }),
        }
    }
}
