//! One watched specification: what was there, what has been seen since, and what of it is to be told.

use super::super::{CHANGE_PATHS_MAX, Change, Kinds, WatchError, WatchOptions, WatchSpec};
use super::eyes::{Eyes, What};
use super::scan::{Stamp, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many paths are remembered as seen; with more, all are looked at as if events were lost.
const SEEN_MAX: usize = 65_536;

/// How many times as long as a look takes the next one waits.
const FOLLOW_PAUSE: u32 = 4;

/// A specification and its state.
#[derive(Debug)]
pub(super) struct Watched {
    key: u64,
    pub(super) spec: WatchSpec,
    /// What was there when it was last told.
    known: BTreeMap<PathBuf, Stamp>,
    /// What events say is as it is meant to be, and is to be told.
    whole: BTreeSet<PathBuf>,
    /// What somebody may still be writing.
    held: BTreeMap<PathBuf, Held>,
    /// What was told as deleted. Who was told may have looked late and found the next of this name; so when that goes,
    /// untold itself, it is told again.
    deleted: BTreeSet<PathBuf>,
    /// What of that was there again.
    back: BTreeSet<PathBuf>,
    watches: Vec<i32>,
    burst: Option<Burst>,
    way_changed: bool,
    /// Not before this is looked at a changed way again: what changes all the time takes a part of the time only.
    follow_after: Instant,
    lost: bool,
    /// The trouble that was told last.
    told: Option<String>,
    trouble: Option<WatchError>,
}

/// Events that follow each other.
#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

/// Something that counts as whole when it has not changed for a time.
#[derive(Clone, Copy, Debug)]
struct Held {
    until: Instant,
    wait: Duration,
    stamp: Option<Stamp>,
}

impl Watched {
    /// Begins to watch `spec`; what cannot be watched is in the second part.
    pub(super) fn begin(eyes: &mut Eyes, key: u64, spec: WatchSpec) -> (Self, Option<WatchError>) {
        let scanned = scan(eyes, key, &spec.pattern);
        let watches = eyes.assign(key, &[], scanned.placed);
        let this = Self {
            key,
            spec,
            known: scanned.found,
            whole: BTreeSet::new(),
            held: BTreeMap::new(),
            deleted: BTreeSet::new(),
            back: BTreeSet::new(),
            watches,
            burst: None,
            way_changed: false,
            follow_after: Instant::now(),
            lost: false,
            told: scanned.trouble.as_ref().map(ToString::to_string),
            trouble: None,
        };
        (this, scanned.trouble)
    }

    /// Ends it.
    pub(super) fn end(&self, eyes: &mut Eyes) {
        eyes.assign(self.key, &self.watches, Vec::new());
    }

    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// Takes what was seen.
    pub(super) fn handle(&mut self, now: Instant, what: What, options: &WatchOptions) {
        match what {
            What::Way => self.way_changed = true,
            What::Began { real, shown } => {
                self.is_back(&shown);
                self.began(now, &real, shown, options);
            }
            What::Whole(path) => {
                self.is_back(&path);
                self.held.remove(&path);
                self.whole.insert(path);
            }
            What::Gone(path) => {
                self.held.remove(&path);
                self.whole.remove(&path);
            }
            What::Other => {}
        }
        if self.whole.len() + self.held.len() > SEEN_MAX {
            self.whole.clear();
            self.held.clear();
            self.lost = true;
        }
        self.go_on(now);
    }

    /// Takes that events are lost.
    pub(super) fn handle_lost(&mut self, now: Instant) {
        self.lost = true;
        self.way_changed = true;
        self.go_on(now);
    }

    fn is_back(&mut self, path: &Path) {
        if self.deleted.contains(path) {
            self.back.insert(path.to_owned());
        }
    }

    fn go_on(&mut self, now: Instant) {
        self.burst.get_or_insert(Burst { first: now, last: now }).last = now;
    }

    /// A new name: a file that is open for writing is held until it is closed. A link, a second name of a file and what
    /// is no file are there at once.
    fn began(&mut self, now: Instant, real: &Path, shown: PathBuf, options: &WatchOptions) {
        let is_new_file = fs::symlink_metadata(real).is_ok_and(|entry| entry.is_file() && entry.nlink() == 1);
        if is_new_file {
            self.hold(now, shown, options.settle);
        } else {
            self.whole.insert(shown);
        }
    }

    fn hold(&mut self, now: Instant, path: PathBuf, wait: Duration) {
        let stamp = Stamp::at(&path);
        self.held.entry(path).or_insert(Held { until: now + wait, wait, stamp });
    }

    /// Places watches anew if the way has changed, so that little happens unseen in what is new.
    pub(super) fn follow(&mut self, eyes: &mut Eyes, now: Instant, options: &WatchOptions) {
        if !self.way_changed || now < self.follow_after {
            return;
        }
        self.way_changed = false;
        let begun = Instant::now();
        let found = self.scan(eyes);
        self.follow_after = now + begun.elapsed() * FOLLOW_PAUSE;
        for (path, stamp) in found {
            if self.known.contains_key(&path) || self.whole.contains(&path) {
                continue;
            }
            self.is_back(&path);
            if stamp.is_directory() {
                self.whole.insert(path);
            } else {
                // Nobody saw it begin, so nobody knows whether it has been written.
                self.hold(now, path, options.quiet);
            }
        }
    }

    fn scan(&mut self, eyes: &mut Eyes) -> BTreeMap<PathBuf, Stamp> {
        let scanned = scan(eyes, self.key, &self.spec.pattern);
        self.watches = eyes.assign(self.key, &self.watches, scanned.placed);
        let message = scanned.trouble.as_ref().map(ToString::to_string);
        if message != self.told {
            self.told = message;
            self.trouble = scanned.trouble;
        }
        scanned.found
    }

    /// When [`Self::poll`] is to be asked.
    pub(super) fn deadline(&self, options: &WatchOptions) -> Option<Instant> {
        let due = self.burst.map(|burst| due(burst, options));
        let follow = self.way_changed.then_some(self.follow_after);
        self.held.values().map(|held| held.until).chain(due).chain(follow).min()
    }

    /// What is to be told by now.
    pub(super) fn poll(&mut self, eyes: &mut Eyes, now: Instant, options: &WatchOptions) -> Option<Change> {
        let has_settled = self.settle(now);
        let is_due = self.burst.is_some_and(|burst| due(burst, options) <= now);
        if !is_due && !has_settled {
            return None;
        }
        self.burst = None;
        self.way_changed = false;
        let found = self.scan(eyes);
        let mut told = Told::default();
        self.compare(now, found, options, &mut told);
        let kinds = told.kinds;
        let change = Change {
            id: self.spec.id,
            kinds,
            more: told.paths.len() > CHANGE_PATHS_MAX,
            paths: told.paths.into_iter().take(CHANGE_PATHS_MAX).collect(),
            overflow: std::mem::take(&mut self.lost),
            trouble: self.trouble.take(),
        };
        let is_something = kinds != Kinds::default() || change.overflow || change.trouble.is_some();
        is_something.then_some(change)
    }

    /// Lets go what has not changed for its time.
    fn settle(&mut self, now: Instant) -> bool {
        let mut has_settled = false;
        self.held.retain(|path, held| {
            if held.until > now {
                return true;
            }
            let stamp = Stamp::at(path);
            if stamp == held.stamp {
                has_settled = true;
                self.whole.insert(path.clone());
                return false;
            }
            *held = Held { until: now + held.wait, wait: held.wait, stamp };
            true
        });
        has_settled
    }

    /// Finds what is other than it was, and remembers what is told.
    fn compare(
        &mut self,
        now: Instant,
        found: BTreeMap<PathBuf, Stamp>,
        options: &WatchOptions,
        told: &mut Told,
    ) {
        let mut known = BTreeMap::new();
        let whole = std::mem::take(&mut self.whole);
        let present: BTreeSet<PathBuf> =
            self.back.iter().filter(|path| found.contains_key(*path)).cloned().collect();
        for (path, stamp) in found {
            let is_whole = whole.contains(&path);
            match self.known.remove(&path) {
                None if self.held.contains_key(&path) => continue,
                None if is_whole || stamp.is_directory() => {
                    told.add(&path, self.spec.kinds.create, |kinds| kinds.create = true);
                }
                None => {
                    // It was moved here with its directory, or its events are lost.
                    self.hold(now, path, options.quiet);
                    continue;
                }
                Some(before) if !is_whole && stamp.is_rewritten(&before) => {
                    // Somebody is writing it and will close it, or did while it was out of sight.
                    self.hold(now, path.clone(), options.max_delay);
                    known.insert(path, before);
                    continue;
                }
                Some(before) if is_whole || before != stamp => {
                    told.add(&path, self.spec.kinds.modify, |kinds| kinds.modify = true);
                }
                Some(_) => {}
            }
            known.insert(path, stamp);
        }
        let gone = std::mem::replace(&mut self.known, known).into_keys();
        let gone_again = std::mem::take(&mut self.back).into_iter();
        let gone_again = gone_again.filter(|path| !present.contains(path));
        if self.deleted.len() > SEEN_MAX {
            self.deleted.clear();
        }
        for path in gone.chain(gone_again) {
            self.deleted.insert(path.clone());
            told.add(&path, self.spec.kinds.delete, |kinds| kinds.delete = true);
        }
    }
}

/// What a [`Change`] is made of.
#[derive(Default)]
struct Told {
    kinds: Kinds,
    paths: BTreeSet<PathBuf>,
}

impl Told {
    fn add(&mut self, path: &Path, is_wanted: bool, mark: impl FnOnce(&mut Kinds)) {
        if is_wanted {
            mark(&mut self.kinds);
            self.paths.insert(path.to_owned());
        }
    }
}

fn due(burst: Burst, options: &WatchOptions) -> Instant {
    (burst.last + options.quiet).min(burst.first + options.max_delay)
}
