//! Looking at what a pattern stands for, and placing the watches that tell when to look again.
//!
//! A watch is placed before what it watches is looked at, so that nothing happens in between unseen. The way to a path
//! is watched as well: each directory and link on it for being moved or deleted, which costs no events while it stays,
//! and the last directory that there is for what is missing in it.

use super::super::pattern::{Pattern, Step};
use super::super::{WATCHED_DIRECTORIES_MAX, WATCHED_PATHS_MAX, WatchError};
use super::eyes::{Eyes, Interest, Role};
use rustix::fs::inotify::WatchFlags;
use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// How many links may be on a way, as the kernel has it.
const LINKS_MAX: usize = 40;
/// How often a way that changes while it is looked at is tried again; each change is told, so the last try is enough.
const WAY_TRIES: usize = 5;

/// Something appears in a directory, or leaves it.
const NAMES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ONLYDIR);
/// The same, and who wrote to something in it has closed it.
const CONTENTS: WatchFlags = NAMES.union(WatchFlags::CLOSE_WRITE);
/// A directory itself goes.
const ITSELF: WatchFlags = WatchFlags::MOVE_SELF.union(WatchFlags::DELETE_SELF).union(WatchFlags::ONLYDIR);
/// A link itself goes.
const LINK: WatchFlags = WatchFlags::MOVE_SELF
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DONT_FOLLOW);
/// What tells one state of a path from another. Of a directory only which it is: what is in it is not its own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    /// Size and time of the last change of content; nothing of a directory.
    content: Option<(u64, i64, i64)>,
}

impl Stamp {
    /// The stamp of what is at `path`, links followed.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        let content =
            (!metadata.is_dir()).then(|| (metadata.size(), metadata.mtime(), metadata.mtime_nsec()));
        Self { device: metadata.dev(), inode: metadata.ino(), content }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.content.is_none()
    }

    /// Whether it is the same file with other content.
    pub(super) fn is_rewritten(&self, before: &Self) -> bool {
        (self.device, self.inode) == (before.device, before.inode) && self.content != before.content
    }
}

/// What a look brought.
pub(super) struct Scanned {
    pub(super) found: BTreeMap<PathBuf, Stamp>,
    pub(super) placed: Vec<(i32, Interest)>,
    /// What could not be watched, or not wholly.
    pub(super) trouble: Option<WatchError>,
}

/// Looks at what `pattern` stands for, and places watches for the specification `key`.
pub(super) fn scan(eyes: &Eyes, key: u64, pattern: &Pattern) -> Scanned {
    let scanned = Scanned { found: BTreeMap::new(), placed: Vec::new(), trouble: None };
    let mut scan = Scan { eyes, key, pattern, directories: 0, scanned };
    if let Some((real, metadata)) = scan.find(&pattern.base, &pattern.base) {
        scan.look(&real, &metadata);
    }
    scan.scanned
}

struct Scan<'a> {
    eyes: &'a Eyes,
    key: u64,
    pattern: &'a Pattern,
    directories: usize,
    scanned: Scanned,
}

/// A way that was walked: what was on it, and what it ends at.
struct Way {
    trail: Vec<(PathBuf, u64, u64)>,
    end: Option<(PathBuf, Metadata)>,
}

impl Scan<'_> {
    fn look(&mut self, real: &Path, metadata: &Metadata) {
        let base = self.pattern.base.clone();
        if !metadata.is_dir() {
            if self.pattern.steps.is_empty() {
                self.scanned.found.insert(base, Stamp::of(metadata));
            }
        } else if self.pattern.steps.is_empty() {
            // What is in the directory, as a shell's asterisk has it.
            self.descend(real, &base, &[]);
        } else {
            self.descend(real, &base, &self.pattern.steps);
        }
    }

    /// Walks to `path`, which is told as `shown`, with watches on the way.
    fn find(&mut self, path: &Path, shown: &Path) -> Option<(PathBuf, Metadata)> {
        let mut end = None;
        for _ in 0..WAY_TRIES {
            let watched = self.walk(path, Some(shown));
            let again = self.walk(path, None);
            let is_same = watched.trail == again.trail;
            end = again.end;
            if is_same {
                break;
            }
        }
        end
    }

    fn walk(&mut self, path: &Path, watch: Option<&Path>) -> Way {
        let mut way = Way { trail: Vec::new(), end: None };
        let mut rest: VecDeque<OsString> = names(path).collect();
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&name);
            let Some(metadata) = self.on_the_way(&next) else {
                way.trail.push((next.clone(), 0, 0));
                if let Some(shown) = watch {
                    self.watch_name(&here, &name, rest.is_empty().then_some(shown));
                }
                return way;
            };
            way.trail.push((next.clone(), metadata.dev(), metadata.ino()));
            if metadata.is_symlink() {
                links += 1;
                let Ok(target) = fs::read_link(&next) else { return way };
                if links > LINKS_MAX {
                    self.trouble(path, Errno::LOOP.into());
                    return way;
                }
                if watch.is_some() {
                    self.place(&next, LINK, None, Role::Way);
                }
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                names(&target).rev().for_each(|name| rest.push_front(name));
            } else if metadata.is_dir() {
                if watch.is_some() {
                    self.place(&next, ITSELF, None, Role::Way);
                }
                here = next;
            } else {
                if let Some(shown) = watch {
                    self.watch_name(&here, &name, rest.is_empty().then_some(shown));
                }
                way.end = rest.is_empty().then_some((next, metadata));
                return way;
            }
        }
        if watch.is_some() {
            self.watch_deletion(&here);
        }
        way.end = fs::metadata(&here).ok().map(|metadata| (here, metadata));
        way
    }

    /// What is at a place on the way, if something is.
    fn on_the_way(&mut self, path: &Path) -> Option<Metadata> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) => {
                if !is_missing(&error) {
                    self.trouble(path, error);
                }
                None
            }
        }
    }

    /// Watches `name` in `directory`: what is told as `shown`, or something on the way.
    fn watch_name(&mut self, directory: &Path, name: &OsStr, shown: Option<&Path>) {
        let (flags, role) = match shown {
            Some(shown) => (CONTENTS, Role::File { real: directory.join(name), shown: shown.to_owned() }),
            None => (NAMES, Role::Way),
        };
        self.place(directory, flags, Some(name.to_owned()), role);
        self.watch_deletion(directory);
    }

    /// A directory that is somebody's working directory lives on when it is deleted; the one above it tells.
    fn watch_deletion(&mut self, directory: &Path) {
        if let (Some(above), Some(name)) = (directory.parent(), directory.file_name()) {
            self.place(above, WatchFlags::DELETE | WatchFlags::ONLYDIR, Some(name.to_owned()), Role::Way);
        }
    }

    /// Takes what fits `steps` in a directory; everything without a dot in front where there are none.
    fn descend(&mut self, real: &Path, shown: &Path, steps: &[Step]) {
        self.directories += 1;
        if self.directories > WATCHED_DIRECTORIES_MAX {
            return self.too_many();
        }
        let is_last = matches!(steps, [] | [_] | [Step::Deep, _]);
        let role = Role::Entries { real: real.to_owned(), shown: shown.to_owned() };
        self.place(real, if is_last { CONTENTS } else { NAMES }, None, role);
        let entries = match fs::read_dir(real) {
            Ok(entries) => entries,
            Err(error) => return self.trouble(shown, error),
        };
        for entry in entries {
            if self.scanned.found.len() > WATCHED_PATHS_MAX {
                return self.too_many();
            }
            match entry {
                Ok(entry) => self.entry(&real.join(entry.file_name()), &shown.join(entry.file_name()), steps),
                Err(error) => self.trouble(shown, error),
            }
        }
    }

    fn entry(&mut self, real: &Path, shown: &Path, steps: &[Step]) {
        let name = real.file_name().unwrap_or_default().to_string_lossy();
        match steps {
            [] => {
                if fits(&Step::Deep, &name) {
                    self.take(real, shown);
                }
            }
            [Step::Deep, rest @ ..] => {
                if fits(&Step::Deep, &name) && fs::symlink_metadata(real).is_ok_and(|entry| entry.is_dir()) {
                    self.descend(real, shown, steps);
                }
                self.entry(real, shown, rest);
            }
            [last] => {
                if fits(last, &name) {
                    self.take(real, shown);
                }
            }
            [step, rest @ ..] => {
                if fits(step, &name)
                    && let Some((real, metadata)) = self.follow(real, shown)
                    && metadata.is_dir()
                {
                    self.descend(&real, shown, rest);
                }
            }
        }
    }

    /// Takes a path that is watched. A link to nothing is nothing, yet.
    fn take(&mut self, real: &Path, shown: &Path) {
        if let Some((_, metadata)) = self.follow(real, shown) {
            self.scanned.found.insert(shown.to_owned(), Stamp::of(&metadata));
        }
    }

    /// What is at an entry of a directory; if that is a link, the way where it leads to is watched.
    fn follow(&mut self, real: &Path, shown: &Path) -> Option<(PathBuf, Metadata)> {
        let metadata = fs::symlink_metadata(real).ok()?;
        if metadata.is_symlink() { self.find(real, shown) } else { Some((real.to_owned(), metadata)) }
    }

    fn place(&mut self, path: &Path, flags: WatchFlags, name: Option<OsString>, role: Role) {
        match self.eyes.place(path, flags) {
            Ok(watch) => {
                self.scanned.placed.push((watch, Interest { key: self.key, name, role }));
            }
            Err(Errno::NOSPC) => {
                self.scanned.trouble.get_or_insert(WatchError::WatchLimit { path: path.to_owned() });
            }
            // A directory above that may be passed and not read cannot be watched: that it is moved is not seen.
            Err(Errno::ACCESS) if matches!(role, Role::Way) => {}
            Err(error) => self.trouble(path, error.into()),
        }
    }

    /// Notes what the system refuses; what is gone by now is no trouble.
    fn trouble(&mut self, path: &Path, source: io::Error) {
        if !is_missing(&source) {
            self.scanned.trouble.get_or_insert(WatchError::Io { path: path.to_owned(), source });
        }
    }

    fn too_many(&mut self) {
        self.scanned.trouble.get_or_insert(WatchError::TooMany { pattern: self.pattern.to_string() });
    }
}

/// Whether the name of an entry of a directory fits a step.
fn fits(step: &Step, name: &str) -> bool {
    const OPTIONS: glob::MatchOptions = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    match step {
        Step::Literal(literal) => literal == name,
        Step::Name(pattern) => pattern.matches_with(name, OPTIONS),
        Step::Deep => !name.starts_with('.'),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The names on a way, `..` among them.
fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}
