//! A program in front of the person, for a while in this process's place: a pager.
//!
//! Unlike a service it stays in the caller's session and process group, so that it has the terminal and its keys.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

use std::ffi::OsString;
use std::io::{self, Write};

/// A program that runs in front. While it does, this process ignores the keys that interrupt: they are the program's.
#[derive(Debug)]
pub struct Foreground(system::Running);

impl Foreground {
    /// Starts the program `argv[0]`, looked up in `PATH`, with the caller's standard output and error. What is written
    /// to this value is its standard input. `env` is set in addition to the caller's environment.
    ///
    /// # Errors
    /// What the system says, such as that there is no such program.
    pub fn start(argv: &[OsString], env: &[(&str, &str)]) -> io::Result<Self> {
        system::start(argv, env).map(Self)
    }

    /// Closes its input and waits until it has ended.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()
    }
}

impl Write for Foreground {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The size of the terminal behind standard output, else behind standard error, as (columns, rows); none where there is
/// no terminal.
pub fn terminal_size() -> Option<(u16, u16)> {
    system::terminal_size()
}

/// Runs the program `argv[0]`, looked up in `PATH`, in front, with the caller's terminal as its input too, and waits
/// until it has ended: an editor. The exit code; none if a signal ended it.
///
/// # Errors
/// What the system says, such as that there is no such program.
pub fn run(argv: &[OsString]) -> io::Result<Option<i32>> {
    system::run(argv)
}
