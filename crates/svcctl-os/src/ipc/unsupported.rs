//! The endpoint on systems where it is not built yet.

use super::Peer;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, crate::Unsupported { what: "the local endpoint" })
}

/// A connection; there is none.
#[derive(Debug)]
pub enum Stream {}

/// Where connections come in; there is none.
#[derive(Debug)]
pub enum Listener {}

impl Listener {
    /// Listens at `path`.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn bind(_path: &Path, _mode: u32) -> io::Result<Self> {
        Err(unsupported())
    }

    /// The next connection.
    ///
    /// # Errors
    /// There is no listener to ask.
    #[expect(clippy::unused_async, reason = "the same signature on every system")]
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match *self {}
    }
}

/// Connects to the listener at `path`.
///
/// # Errors
/// Always `Unsupported`.
pub async fn connect(_path: &Path) -> io::Result<Stream> {
    Err(unsupported())
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
