//! Other systems: nothing is put in front yet.

use crate::Unsupported;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io;

/// None is ever made.
#[derive(Debug)]
pub(super) struct Running(Infallible);

impl Running {
    pub(super) fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.0 {}
    }
}

pub(super) fn start(_argv: &[OsString], _env: &[(&str, &str)]) -> io::Result<Running> {
    Err(io::Error::new(io::ErrorKind::Unsupported, Unsupported { what: "a program in front" }))
}

pub(super) fn terminal_size() -> Option<(u16, u16)> {
    None
}

pub(super) fn run(_argv: &[OsString]) -> io::Result<Option<i32>> {
    Err(io::ErrorKind::Unsupported.into())
}
