//! Streams on systems without splice: not supported, and said so.

use super::Descriptor;
use crate::Unsupported;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, Unsupported { what: "capturing output" }))
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn splice(_pipe: &Descriptor, _file: &File, _offset: u64, _max: usize) -> io::Result<usize> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn read_pipe(_pipe: &Descriptor, _buffer: &mut [u8]) -> io::Result<usize> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn set_nonblocking(_pipe: &Descriptor) -> io::Result<()> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn pending(_pipe: &Descriptor) -> io::Result<u64> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn set_pipe_size(_pipe: &Descriptor, _bytes: usize) -> io::Result<()> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn punch_hole(_file: &File, _offset: u64, _length: u64) -> io::Result<()> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn first_data(_file: &File) -> io::Result<u64> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn read_at(_file: &File, _buffer: &mut [u8], _offset: u64) -> io::Result<usize> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn write_at(_file: &File, _bytes: &[u8], _offset: u64) -> io::Result<()> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn open_private(_path: &Path) -> io::Result<File> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn open_append(_path: &Path) -> io::Result<File> {
    unsupported()
}

/// Not supported.
///
/// # Errors
/// Always `Unsupported`.
pub fn file_id(_file: &File) -> io::Result<u64> {
    unsupported()
}

/// Cannot be made on this system.
#[derive(Debug)]
pub struct Poller(std::convert::Infallible);

/// Cannot be made on this system.
#[derive(Clone, Debug)]
pub struct Waker(std::convert::Infallible);

impl Poller {
    /// Not supported.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn new() -> io::Result<(Self, Waker)> {
        unsupported()
    }

    /// Never called: there is no poller.
    ///
    /// # Errors
    /// None.
    pub fn add(&self, _pipe: &Descriptor, _token: u64) -> io::Result<()> {
        match self.0 {}
    }

    /// Never called: there is no poller.
    ///
    /// # Errors
    /// None.
    pub fn remove(&self, _pipe: &Descriptor) -> io::Result<()> {
        match self.0 {}
    }

    /// Never called: there is no poller.
    ///
    /// # Errors
    /// None.
    pub fn wait(&self, _ready: &mut Vec<u64>, _timeout: Option<Duration>) -> io::Result<()> {
        match self.0 {}
    }
}

impl Waker {
    /// Never called: there is no poller.
    pub fn wake(&self) {
        match self.0 {}
    }
}
