//! Exclusive locks on files, which tell who holds them.
//!
//! The lock is the system's own and ends with its holder, however that ends; what stands in the file is for people. A
//! lock is never inherited by a service: its descriptor is close-on-exec, and a child closes it before anything that
//! may take long. The file stays when the lock is released, since removing it could split it between two holders.

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

/// Who holds a lock, as far as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What it is, such as `the daemon`.
    pub what: String,
    /// The process; absent for the moment between locking and writing.
    pub pid: Option<u32>,
    /// When that process began (as the system's process table has it), in the system's own unit.
    pub start: Option<u64>,
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
    /// The file cannot be made, opened or locked.
    #[error("lock {}: {source}", path.display())]
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

    /// Who holds the lock at `path` now; `None` if nobody does.
    ///
    /// # Errors
    /// [`LockError`], but not `Held`.
    pub fn holder(path: &Path) -> Result<Option<Holder>, LockError> {
        system::holder(path)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("daemon.lock");
        assert_eq!(Lock::holder(&path).unwrap(), None);
        let lock = Lock::acquire(&path, "the daemon").unwrap();
        let error = Lock::acquire(&path, "another").unwrap_err();
        assert_eq!(error.to_string(), format!("the daemon already runs as pid {}", std::process::id()));
        assert_eq!(Lock::holder(&path).unwrap().unwrap().pid, Some(std::process::id()));
        drop(lock);
        assert_eq!(Lock::holder(&path).unwrap(), None);
        Lock::acquire(&path, "another").unwrap();
    }

    #[test]
    fn a_place_where_no_file_can_be_is_named() {
        let error = Lock::acquire(Path::new("/no/such/place.lock"), "x").unwrap_err();
        assert!(error.to_string().starts_with("lock /no/such/place.lock: "), "{error}");
    }
}
