//! Exclusive locks on files, which tell who holds them.
//!
//! The lock is the system's own and ends with its holder, however that ends. What stands in the file tells who that is,
//! and counts only while a process of that number and that start lives: a file that a killed holder left names nobody.
//! Only its owner may open the file, so that no other user can hold the lock. A lock is never inherited by a service:
//! its descriptor is close-on-exec, and a child closes it before anything that may take long. The file stays when the
//! lock is released, since removing it could split it between two holders.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use svcctl_core::spec::model::Signal;

/// What a command calls itself that holds a lock for the moment of its work.
pub const A_COMMAND: &str = "a command";
/// How long whoever needs a lock waits for commands that hold it.
pub const COMMANDS_END_WITHIN: Duration = Duration::from_secs(3);
/// The pause between two attempts to take a lock.
const PAUSE: Duration = Duration::from_millis(5);

/// Who holds a lock, as far as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What it is, such as `the daemon`.
    pub what: String,
    /// The process, which lived when it was asked for; absent if the file names none that lives, as for the moment
    /// between locking and writing.
    pub pid: Option<u32>,
    /// When that process began (as the system's process table has it), in the system's own unit.
    pub start: Option<u64>,
}

impl Holder {
    /// Somebody of whom the file says nothing.
    #[cfg(target_os = "linux")]
    fn unnamed() -> Self {
        Self { what: "another svcctl".to_owned(), pid: None, start: None }
    }

    /// Whether it holds the lock for a moment only: a command, or somebody who has not said yet who it is.
    pub fn is_passing(&self) -> bool {
        self.pid.is_none() || self.what == A_COMMAND
    }

    /// Sends a signal to exactly the process that took the lock.
    ///
    /// # Errors
    /// `NotFound` if the process is not known or has ended, even if its number means another by now; what the system
    /// says, such as that it is not permitted.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        system::signal(self, signal)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{} already runs as pid {pid}", self.what),
            None => write!(f, "{} already runs", self.what),
        }
    }
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("{0}")]
    Held(Holder),
    /// The file is its owner's alone, and that is not this user.
    #[error("lock {}: permission denied", path.display())]
    Denied {
        /// Which.
        path: PathBuf,
    },
    /// The file cannot be made, opened or locked.
    #[error("lock {}: {source}{}", path.display(), crate::files::remedy(source))]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// This system has no such locks yet.
    #[error(transparent)]
    Unsupported(#[from] crate::Unsupported),
}

/// A lock that this process holds until the value is dropped.
#[derive(Debug)]
pub struct Lock {
    _held: system::Lock,
}

impl Lock {
    /// Takes the lock on the file at `path`, which is made if it is not there, and writes into it who holds it: this
    /// process, as `what` (such as `the daemon`). Does not wait.
    ///
    /// # Errors
    /// [`LockError::Held`] if somebody has it, even this process; others if it cannot be known.
    pub fn acquire(path: &Path, what: &str) -> Result<Self, LockError> {
        system::acquire(path, what).map(|held| Self { _held: held })
    }

    /// As [`Lock::acquire`], but waits while the lock is held by somebody [passing](Holder::is_passing), at most for
    /// `limit`. Once free it may be anybody's: there is no queue.
    ///
    /// # Errors
    /// As those of [`Lock::acquire`]; `Held` at once if its holder is there to stay.
    pub fn acquire_within(path: &Path, what: &str, limit: Duration) -> Result<Self, LockError> {
        let begun = Instant::now();
        loop {
            match Self::acquire(path, what) {
                Err(LockError::Held(holder)) if holder.is_passing() && begun.elapsed() < limit => {
                    // real delay: a lock tells that it is free only to those who wait for it without a limit.
                    std::thread::sleep(PAUSE);
                }
                result => return result,
            }
        }
    }

    /// Who holds the lock at `path` now; `None` if nobody does. Only asks: nobody who wants the lock is kept from it.
    ///
    /// # Errors
    /// [`LockError`], but not `Held`.
    pub fn holder(path: &Path) -> Result<Option<Holder>, LockError> {
        system::holder(path)
    }

    /// Waits until nobody holds the lock at `path`, at most for `limit`; true when that is so. The lock is not taken.
    /// A holder that is known is waited for until its process ends.
    ///
    /// # Errors
    /// As those of [`Lock::holder`].
    pub fn wait_until_free(path: &Path, limit: Duration) -> Result<bool, LockError> {
        let begun = Instant::now();
        loop {
            let Some(holder) = Self::holder(path)? else { return Ok(true) };
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            if holder.pid.is_some() {
                system::wait_for_end(&holder, left)
                    .map_err(|source| LockError::File { path: path.to_owned(), source })?;
            } else {
                // real delay: who is not known cannot be waited for.
                std::thread::sleep(PAUSE.min(left));
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
