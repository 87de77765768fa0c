//! Going into the background as a daemon does, with the caller in front waiting for a word.
//!
//! A program that only forks leaves its caller to guess whether it works. Here the process in front stays until the one
//! behind has said that it serves, or why it does not, or has died without a word.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

use std::io;
use std::path::{Path, PathBuf};

/// The longest sentence that a verdict carries; the rest is cut.
pub const MESSAGE_MAX_BYTES: usize = 4000;

/// Which side of the fork the caller is on now.
#[derive(Debug)]
pub enum Detached {
    /// In front: what came of it.
    Foreground(Verdict),
    /// Behind: how to say what came of it.
    Background(Reporter),
}

/// What the process behind said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It serves.
    Ok,
    /// It does not.
    Failed {
        /// With which code the process in front should end.
        exit_code: u8,
        /// Why.
        message: String,
    },
}

/// Says, once, what came of going into the background. Dropped unused, it lets the process in front know that the one
/// behind ended without a word, which it also learns if the latter is killed.
#[derive(Debug)]
pub struct Reporter(system::Reporter);

impl Reporter {
    /// It serves.
    pub fn succeed(self) {
        self.0.report(&Verdict::Ok);
    }

    /// It does not, for this reason; the process in front ends with this code.
    pub fn fail(self, exit_code: u8, message: &str) {
        self.0.report(&Verdict::Failed { exit_code, message: message.to_owned() });
    }
}

/// Why the process is not in the background.
#[derive(Debug, thiserror::Error)]
pub enum BackgroundError {
    /// A forked process has one thread only, so what other threads hold would stay locked in it.
    #[error("go into the background: {0} threads run already")]
    Threads(usize),
    /// The log cannot be opened.
    #[error("open the log {}: {source}", path.display())]
    Log {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A call of the system failed.
    #[error("go into the background: {0}")]
    System(#[from] io::Error),
    /// This system has no such thing yet.
    #[error(transparent)]
    Unsupported(#[from] crate::Unsupported),
}

/// Leaves the caller's session and terminal: double fork, `setsid`, umask 022, working directory `/`, standard input
/// from `/dev/null`, standard output and error to the end of `log`, or to `/dev/null` without one. Other descriptors
/// that the process was started with are closed: nobody is to wait for the daemon's end who only started it. In front
/// it waits for the verdict. To be called while there is one thread.
///
/// # Errors
/// [`BackgroundError`]; then the process is where it was.
pub fn detach(log: Option<&Path>) -> Result<Detached, BackgroundError> {
    system::detach(log)
}
