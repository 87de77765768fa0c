//! The inotify object: which watch stands for what, and its events as sights.
//!
//! A watch belongs to an inode, so one may serve several purposes: each is an [`Interest`].

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// How many events are taken at once; the rest waits in the system's queue.
const EVENTS_MAX: usize = 16_384;
/// Bytes for events; one needs at most 272.
const BUFFER_BYTES: usize = 64 * 1024;

/// Whose purpose a watch serves, and which.
#[derive(Clone, Debug)]
pub(super) struct Interest {
    /// The watched specification.
    pub(super) key: u64,
    /// Only events about this name in the directory.
    pub(super) name: Option<OsString>,
    pub(super) role: Role,
}

/// What a watch is for.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// It is on the way to what is watched, or where that may appear.
    Way,
    /// What is in this directory is watched.
    Entries {
        /// The directory without links.
        real: PathBuf,
        /// The directory as it was asked for.
        shown: PathBuf,
    },
    /// The file of this name in the directory is watched.
    File {
        /// The file without links.
        real: PathBuf,
        /// The file as it was asked for.
        shown: PathBuf,
    },
}

/// Something that was seen for a specification.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) key: u64,
    pub(super) what: What,
}

/// What was seen.
#[derive(Debug)]
pub(super) enum What {
    /// The way has changed, or a directory: watches are to be placed anew, at once.
    Way,
    /// Somebody has made this and may be writing to it.
    Began { real: PathBuf, shown: PathBuf },
    /// This is as it is meant to be.
    Whole(PathBuf),
    /// This is gone.
    Gone(PathBuf),
    /// Something that needs a look.
    Other,
}

/// What one reading of the queue brings.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sights: Vec<Sight>,
    /// The queue overflowed: events are lost.
    pub(super) lost: bool,
}

/// The inotify object and its watches.
#[derive(Debug)]
pub(super) struct Eyes {
    descriptor: OwnedFd,
    table: BTreeMap<i32, Vec<Interest>>,
}

impl Eyes {
    pub(super) fn open() -> Result<Self, Errno> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self { descriptor, table: BTreeMap::new() })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Watches `path` for `flags` too, and gives the watch. It counts once [`Self::assign`] knows what it is for.
    pub(super) fn place(&self, path: &Path, flags: WatchFlags) -> Result<i32, Errno> {
        inotify::add_watch(&self.descriptor, path, flags | WatchFlags::MASK_ADD)
    }

    /// Says what the watches of `key` are for now; `before` are those it had. Watches for nothing are removed.
    pub(super) fn assign(&mut self, key: u64, before: &[i32], placed: Vec<(i32, Interest)>) -> Vec<i32> {
        for watch in before {
            if let Some(interests) = self.table.get_mut(watch) {
                interests.retain(|interest| interest.key != key);
            }
        }
        let mut now: Vec<i32> = Vec::with_capacity(placed.len());
        for (watch, interest) in placed {
            self.table.entry(watch).or_default().push(interest);
            now.push(watch);
        }
        now.sort_unstable();
        now.dedup();
        for watch in before {
            if self.table.get(watch).is_some_and(Vec::is_empty) {
                self.table.remove(watch);
                // It fails only where the system has removed it already, with its inode.
                let _ = inotify::remove_watch(&self.descriptor, *watch);
            }
        }
        now
    }

    /// Takes what the system has to tell.
    pub(super) fn read(&mut self) -> Seen {
        let mut seen = Seen::default();
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut removed = Vec::new();
        {
            let mut reader = inotify::Reader::new(&self.descriptor, &mut buffer);
            for _ in 0..EVENTS_MAX {
                let event = match reader.next() {
                    Ok(event) => event,
                    Err(Errno::INTR) => continue,
                    // The queue is empty; nothing else is told of an inotify object.
                    Err(_) => break,
                };
                let flags = event.events();
                seen.lost |= flags.contains(ReadFlags::QUEUE_OVERFLOW);
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                for interest in self.table.get(&event.wd()).into_iter().flatten() {
                    seen.sights.extend(sight(interest, flags, name));
                }
                if flags.contains(ReadFlags::IGNORED) {
                    removed.push(event.wd());
                }
            }
        }
        for watch in removed {
            self.table.remove(&watch);
        }
        seen
    }
}

fn sight(interest: &Interest, flags: ReadFlags, name: Option<&OsStr>) -> Option<Sight> {
    let is_meant = match (&interest.role, name) {
        (Role::Way | Role::File { .. }, Some(name)) => interest.name.as_deref() == Some(name),
        // Without a name, it is about the directory or the file itself.
        (Role::Entries { .. }, Some(_)) | (Role::Way | Role::Entries { .. } | Role::File { .. }, None) => {
            true
        }
    };
    if !is_meant {
        return None;
    }
    let what = match (&interest.role, name) {
        (Role::Entries { real, shown }, Some(name)) => of_entry(flags, real.join(name), shown.join(name)),
        (Role::File { real, shown }, Some(_)) => of_entry(flags, real.clone(), shown.clone()),
        // It is gone, or its watch with it.
        (Role::Way, _) | (Role::Entries { .. } | Role::File { .. }, None) => What::Way,
    };
    Some(Sight { key: interest.key, what })
}

fn of_entry(flags: ReadFlags, real: PathBuf, shown: PathBuf) -> What {
    if flags.contains(ReadFlags::ISDIR) {
        return What::Way;
    }
    if flags.contains(ReadFlags::CREATE) {
        What::Began { real, shown }
    } else if flags.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO) {
        What::Whole(shown)
    } else if flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
        What::Gone(shown)
    } else {
        What::Other
    }
}
