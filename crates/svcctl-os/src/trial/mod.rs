//! A program on trial: started to be looked at for a moment, and ended with all that it has started.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

use crate::process::{Exit, Program};
use std::net::SocketAddr;
use std::time::Duration;

/// A program on trial. Its output is thrown away. Dropped, it is killed.
///
/// The calling process becomes the one that orphans come to, and takes every process below it for one of the trial's:
/// so there is one trial at a time, and no other child beside it.
#[derive(Debug)]
pub struct Trial(system::Trial);

impl Trial {
    /// Starts the program in a session of its own.
    ///
    /// # Errors
    /// A sentence fragment that says why it does not start.
    pub fn start(program: &Program) -> Result<Self, String> {
        system::Trial::start(program).map(Self)
    }

    /// Waits until it has ended, this process is interrupted, or for so long; how it ended.
    pub fn wait(&self, at_most: Duration) -> Option<Exit> {
        self.0.wait(at_most)
    }

    /// Where it, or a process that it started, accepts TCP connections.
    pub fn listeners(&self) -> Vec<SocketAddr> {
        self.0.listeners()
    }

    /// Whether this process was asked to end meanwhile, by a key or a signal; from the start on it is only noted.
    pub fn is_interrupted(&self) -> bool {
        self.0.is_interrupted()
    }

    /// Asks it to end, and after `grace` kills it and all that it has started. True when nothing of it is left.
    pub fn end(self, grace: Duration) -> bool {
        self.0.end(grace)
    }
}
