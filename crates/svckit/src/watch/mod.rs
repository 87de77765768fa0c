//! Watching files, directories and patterns of paths for changes.
//!
//! A [`Watcher`] has one thread, which sleeps until the system has something to tell: nothing is polled, and nothing
//! wakes up while nothing changes. Events only say where to look; what changed is found by comparing what is there with
//! what was there. So a file that is replaced by a rename, a link that is turned to another directory, a directory that
//! is deleted and comes back, and events that the system lost all come out as what they are.
//!
//! - A burst of events becomes one [`Change`], when it has been quiet for a while ([`WatchOptions::quiet`]), but not
//!   later than [`WatchOptions::max_delay`].
//! - What does not exist yet is waited for at the nearest directory that does.
//! - A file counts as created or modified when who wrote it has closed it, or has moved it to its place. What is not
//!   written this way (a link, a directory) counts at once.
//! - Links are followed: the file they lead to is watched too.
//!
//! Absent: file systems that are mounted over what is watched are seen only with the next change, and changes that are
//! made on other machines (network file systems) are not seen. Linux only; other systems are told as unsupported.

mod pattern;
mod read;
#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "unsupported.rs")]
mod system;

pub use pattern::{Pattern, PatternError};
pub use read::{READ_MAX_BYTES, ReadError, settled_read};

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The most paths that a [`Change`] names.
pub const CHANGE_PATHS_MAX: usize = 64;
/// The most paths that one [`WatchSpec`] may stand for.
pub const WATCHED_PATHS_MAX: usize = 65_536;
/// The most directories that one [`WatchSpec`] may reach.
pub const WATCHED_DIRECTORIES_MAX: usize = 8192;

/// Kinds of changes: those wanted, or those that happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Something is there that was not.
    pub create: bool,
    /// Something has other content, or is another file.
    pub modify: bool,
    /// Something is gone.
    pub delete: bool,
}

impl Kinds {
    /// All changes.
    pub const ALL: Self = Self { create: true, modify: true, delete: true };
}

/// Something to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSpec {
    /// What the receiver knows it by; several may have the same.
    pub id: u64,
    /// Which paths.
    pub pattern: Pattern,
    /// Which changes are told.
    pub kinds: Kinds,
}

/// What changed of a [`WatchSpec`].
#[derive(Debug)]
pub struct Change {
    /// Its id.
    pub id: u64,
    /// What happened; nothing where only `overflow` or `trouble` is to be told.
    pub kinds: Kinds,
    /// What it happened to, in order, at most [`CHANGE_PATHS_MAX`].
    pub paths: Vec<PathBuf>,
    /// It happened to more than `paths` names.
    pub more: bool,
    /// The system lost events: the receiver should look at everything.
    pub overflow: bool,
    /// From now on not everything can be watched; told once.
    pub trouble: Option<WatchError>,
}

/// How long a [`Watcher`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    /// A burst of events is over after this time without another.
    pub quiet: Duration,
    /// A burst is told after this time, over or not.
    pub max_delay: Duration,
    /// A new file that nobody closed counts as whole when it has not changed for this time.
    pub settle: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(100),
            max_delay: Duration::from_secs(1),
            settle: Duration::from_secs(10),
        }
    }
}

/// Why something cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system's limit of watched directories and files is reached.
    #[error(
        "watch {path}: this user watches as many files as the system allows; raise the limit with \
         `sysctl fs.inotify.max_user_watches=1048576`"
    )]
    WatchLimit {
        /// What was to be watched.
        path: PathBuf,
    },
    /// The system's limit of watchers is reached.
    #[error(
        "watch files: this user has as many watchers, or this process as many open files, as the system allows; raise \
         the limit with `sysctl fs.inotify.max_user_instances=1024`, or the one of open files"
    )]
    WatcherLimit,
    /// The pattern stands for too many paths.
    #[error(
        "watch {pattern}: it stands for more than {WATCHED_PATHS_MAX} paths or {WATCHED_DIRECTORIES_MAX} \
             directories; give a narrower one"
    )]
    TooMany {
        /// The pattern.
        pattern: String,
    },
    /// The system refuses it.
    #[error("watch {path}: {source}")]
    Io {
        /// What was to be watched.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses a watcher or its thread.
    #[error("watch files: {0}")]
    System(io::Error),
    /// There is no watching on this system.
    #[error("watch files: not supported on this system by this version")]
    Unsupported,
}

/// Watches a set of [`WatchSpec`]s until it is dropped.
#[derive(Debug)]
pub struct Watcher(system::Watching);

impl Watcher {
    /// Begins to watch nothing yet; [`Self::set`] says what. Each change is given to `sink`, on the watcher's thread; a
    /// sink that blocks holds back what follows. It may call [`Self::set`].
    ///
    /// # Errors
    /// [`WatchError`] if the system has no watcher to give.
    pub fn new(options: WatchOptions, sink: impl FnMut(Change) + Send + 'static) -> Result<Self, WatchError> {
        system::Watching::new(options, Box::new(sink)).map(Self)
    }

    /// Replaces what is watched. What was watched already goes on undisturbed. What happens from the moment this
    /// returns is told; what is there by then is known.
    ///
    /// # Errors
    /// What cannot be watched, or not wholly; all else is watched nevertheless.
    pub fn set(&self, specs: Vec<WatchSpec>) -> Result<(), Vec<WatchError>> {
        self.0.set(specs)
    }
}

#[cfg(test)]
mod tests;
