//! The watcher on a real file system.
#![cfg(target_os = "linux")]

use super::*;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;
use svcctl_core::rng::Rng;

/// Nothing here takes so long, unless it hangs.
const DEADLINE: Duration = Duration::from_secs(20);
const CREATE: Kinds = Kinds { create: true, modify: false, delete: false };
const MODIFY: Kinds = Kinds { create: false, modify: true, delete: false };
const DELETE: Kinds = Kinds { create: false, modify: false, delete: true };
/// The id of the file that tests touch to see what was told before.
const SENTINEL: u64 = u64::MAX;

/// A directory, and what is told of it.
struct Bed {
    root: tempfile::TempDir,
    watcher: Watcher,
    changes: Receiver<Change>,
}

impl Bed {
    fn new() -> Self {
        let options = WatchOptions {
            quiet: Duration::from_millis(20),
            settle: Duration::from_hours(1),
            ..WatchOptions::default()
        };
        Self::with(options)
    }

    fn with(options: WatchOptions) -> Self {
        let root = tempfile::tempdir().unwrap();
        let (sender, changes): (Sender<Change>, _) = channel();
        let watcher = Watcher::new(options, move |change| drop(sender.send(change))).unwrap();
        Self { root, watcher, changes }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn spec(&self, id: u64, pattern: &str) -> WatchSpec {
        let pattern = Pattern::new(self.path(pattern).to_str().unwrap()).unwrap();
        WatchSpec { id, pattern, kinds: Kinds::ALL }
    }

    /// Watches these patterns, with ids from 1, and the sentinel.
    fn watch(&self, patterns: &[&str]) {
        let specs = (1..).zip(patterns).map(|(id, pattern)| self.spec(id, pattern));
        self.watcher.set(specs.chain([self.spec(SENTINEL, "sentinel")]).collect()).unwrap();
    }

    fn next(&self) -> Change {
        self.changes.recv_timeout(DEADLINE).expect("a change is told")
    }

    /// The next change is of these kinds and these paths.
    fn expect(&self, id: u64, kinds: Kinds, names: &[&str]) {
        let change = self.next();
        let paths: Vec<_> = names.iter().map(|name| self.path(name)).collect();
        assert_eq!((change.id, change.kinds, change.paths), (id, kinds, paths));
        assert!(!change.overflow && change.trouble.is_none());
    }

    /// Whatever was to be told has been told.
    fn expect_nothing(&self) {
        fs::write(self.path("sentinel"), "x").unwrap();
        assert_eq!(self.next().id, SENTINEL);
        assert!(self.changes.try_recv().is_err());
    }

    /// Writes as careful programs do.
    fn replace(&self, name: &str, text: &str) {
        let beside = self.path(".beside");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }
}

#[test]
fn a_file_is_told_when_it_is_written_replaced_deleted_and_back() {
    let bed = Bed::new();
    fs::write(bed.path("a.conf"), "1").unwrap();
    bed.watch(&["a.conf"]);
    bed.expect_nothing();
    fs::write(bed.path("a.conf"), "2").unwrap();
    bed.expect(1, MODIFY, &["a.conf"]);
    bed.replace("a.conf", "2");
    bed.expect(1, MODIFY, &["a.conf"]);
    fs::remove_file(bed.path("a.conf")).unwrap();
    bed.expect(1, DELETE, &["a.conf"]);
    fs::write(bed.path("b.conf"), "another").unwrap();
    bed.expect_nothing();
    fs::write(bed.path("a.conf"), "3").unwrap();
    bed.expect(1, CREATE, &["a.conf"]);
    // The same content in the same size, at once.
    fs::write(bed.path("a.conf"), "3").unwrap();
    bed.expect(1, MODIFY, &["a.conf"]);
}

#[test]
fn a_file_that_is_being_written_is_not_there_yet() {
    let bed = Bed::new();
    fs::create_dir(bed.path("in")).unwrap();
    bed.watch(&["in"]);
    let mut file = File::create(bed.path("in/a.csv")).unwrap();
    file.write_all(b"half").unwrap();
    bed.expect_nothing();
    file.write_all(b" and whole").unwrap();
    drop(file);
    bed.expect(1, CREATE, &["in/a.csv"]);
    // Links, second names and directories have no writer.
    fs::hard_link(bed.path("in/a.csv"), bed.path("in/b.csv")).unwrap();
    bed.expect(1, CREATE, &["in/b.csv"]);
    symlink("a.csv", bed.path("in/c.csv")).unwrap();
    bed.expect(1, CREATE, &["in/c.csv"]);
    fs::create_dir(bed.path("in/d")).unwrap();
    bed.expect(1, CREATE, &["in/d"]);
    // Not below, and not what is hidden.
    fs::write(bed.path("in/d/e"), "x").unwrap();
    fs::write(bed.path("in/.f"), "x").unwrap();
    bed.expect_nothing();
    // An existing file that is written in parts is modified once.
    let mut file = File::create(bed.path("in/a.csv")).unwrap();
    file.write_all(b"half").unwrap();
    fs::write(bed.path("in/g"), "x").unwrap();
    bed.expect(1, CREATE, &["in/g"]);
    drop(file);
    let change = bed.next();
    assert_eq!(change.kinds, MODIFY);
    assert!(change.paths.contains(&bed.path("in/a.csv")));
}

#[test]
fn a_file_that_nobody_closes_counts_after_a_while() {
    let bed = Bed::with(WatchOptions {
        quiet: Duration::from_millis(10),
        settle: Duration::from_millis(50),
        ..WatchOptions::default()
    });
    bed.watch(&["*.log"]);
    let file = File::create(bed.path("a.log")).unwrap();
    bed.expect(1, CREATE, &["a.log"]);
    drop(file);
}

#[test]
fn a_link_that_is_turned_over_changes_what_is_behind_it() {
    // As Kubernetes mounts configuration.
    let bed = Bed::new();
    for version in ["..v1", "..v2"] {
        fs::create_dir_all(bed.path("config").join(version)).unwrap();
        fs::write(bed.path("config").join(version).join("app.yaml"), version).unwrap();
    }
    symlink("..v1", bed.path("config/..data")).unwrap();
    symlink("..data/app.yaml", bed.path("config/app.yaml")).unwrap();
    symlink(bed.path("config"), bed.path("linked")).unwrap();
    bed.watch(&["config/app.yaml", "config/*.yaml", "linked/app.yaml"]);
    symlink("..v2", bed.path("config/..data_tmp")).unwrap();
    fs::rename(bed.path("config/..data_tmp"), bed.path("config/..data")).unwrap();
    let mut told: Vec<_> = (0..3).map(|_| bed.next()).map(|change| (change.id, change.kinds)).collect();
    told.sort_by_key(|(id, _)| *id);
    assert_eq!(told, [(1, MODIFY), (2, MODIFY), (3, MODIFY)]);
    fs::remove_dir_all(bed.path("config/..v1")).unwrap();
    bed.expect_nothing();
}

#[test]
fn what_a_link_leads_to_is_watched_where_it_is() {
    let bed = Bed::new();
    fs::create_dir_all(bed.path("shared")).unwrap();
    fs::create_dir_all(bed.path("web")).unwrap();
    fs::write(bed.path("shared/a"), "1").unwrap();
    symlink("../shared/a", bed.path("web/a.conf")).unwrap();
    bed.watch(&["web/*.conf"]);
    fs::write(bed.path("shared/a"), "2").unwrap();
    bed.expect(1, MODIFY, &["web/a.conf"]);
    bed.replace("shared/a", "3");
    bed.expect(1, MODIFY, &["web/a.conf"]);
    fs::write(bed.path("shared/a"), "4").unwrap();
    bed.expect(1, MODIFY, &["web/a.conf"]);
    fs::remove_file(bed.path("shared/a")).unwrap();
    bed.expect(1, DELETE, &["web/a.conf"]);
}

#[test]
fn what_does_not_exist_yet_is_waited_for_again_and_again() {
    let bed = Bed::new();
    bed.watch(&["a/b/c/x.conf"]);
    for _ in 0..3 {
        fs::create_dir_all(bed.path("a/b/c")).unwrap();
        fs::write(bed.path("a/b/c/x.conf"), "1").unwrap();
        bed.expect(1, CREATE, &["a/b/c/x.conf"]);
        fs::remove_dir_all(bed.path("a")).unwrap();
        bed.expect(1, DELETE, &["a/b/c/x.conf"]);
    }
    fs::create_dir_all(bed.path("z/c")).unwrap();
    fs::write(bed.path("z/c/x.conf"), "1").unwrap();
    fs::create_dir(bed.path("a")).unwrap();
    fs::rename(bed.path("z"), bed.path("a/b")).unwrap();
    bed.expect(1, CREATE, &["a/b/c/x.conf"]);
}

#[test]
fn a_directory_that_is_moved_away_takes_its_files_with_it() {
    let bed = Bed::new();
    fs::create_dir_all(bed.path("a/in")).unwrap();
    fs::write(bed.path("a/in/x"), "1").unwrap();
    bed.watch(&["a/in"]);
    fs::rename(bed.path("a"), bed.path("b")).unwrap();
    bed.expect(1, DELETE, &["a/in/x"]);
    fs::write(bed.path("b/in/y"), "1").unwrap();
    bed.expect_nothing();
    fs::rename(bed.path("b"), bed.path("a")).unwrap();
    bed.expect(1, CREATE, &["a/in/x", "a/in/y"]);
}

#[test]
fn a_deleted_directory_that_somebody_holds_open_is_gone_nevertheless() {
    let bed = Bed::new();
    fs::create_dir(bed.path("in")).unwrap();
    bed.watch(&["in"]);
    let held = File::open(bed.path("in")).unwrap();
    fs::remove_dir(bed.path("in")).unwrap();
    fs::create_dir(bed.path("in")).unwrap();
    fs::write(bed.path("in/x"), "1").unwrap();
    bed.expect(1, CREATE, &["in/x"]);
    drop(held);
}

#[test]
fn patterns_reach_directories_that_come_later() {
    let bed = Bed::new();
    fs::create_dir(bed.path("in")).unwrap();
    let mut spec = bed.spec(1, "in/**/*.csv");
    spec.kinds = CREATE;
    bed.watcher.set(vec![spec, bed.spec(SENTINEL, "sentinel")]).unwrap();
    fs::write(bed.path("in/top.csv"), "1").unwrap();
    bed.expect(1, CREATE, &["in/top.csv"]);
    fs::create_dir_all(bed.path("in/a/b/.hidden")).unwrap();
    fs::write(bed.path("in/a/b/deep.csv"), "1").unwrap();
    fs::write(bed.path("in/a/b/.hidden/not.csv"), "1").unwrap();
    fs::write(bed.path("in/a/b/other.txt"), "1").unwrap();
    bed.expect(1, CREATE, &["in/a/b/deep.csv"]);
    // Only what was asked for.
    fs::write(bed.path("in/top.csv"), "2").unwrap();
    fs::remove_file(bed.path("in/a/b/deep.csv")).unwrap();
    bed.expect_nothing();
    fs::write(bed.path("in/a/b/deep.csv"), "2").unwrap();
    bed.expect(1, CREATE, &["in/a/b/deep.csv"]);
}

#[test]
fn the_set_is_replaced_while_it_runs() {
    let bed = Bed::new();
    bed.watch(&["a", "b"]);
    fs::write(bed.path("a"), "1").unwrap();
    bed.expect(1, CREATE, &["a"]);
    bed.watcher.set(vec![bed.spec(2, "b"), bed.spec(3, "c"), bed.spec(SENTINEL, "sentinel")]).unwrap();
    fs::write(bed.path("a"), "2").unwrap();
    bed.expect_nothing();
    fs::write(bed.path("b"), "1").unwrap();
    bed.expect(2, CREATE, &["b"]);
    fs::write(bed.path("c"), "1").unwrap();
    bed.expect(3, CREATE, &["c"]);
}

#[test]
fn nothing_is_lost_between_setting_and_the_next_moment() {
    let bed = Bed::new();
    for round in 0..50 {
        let name = format!("file{round}");
        bed.watcher.set(vec![bed.spec(round, &name)]).unwrap();
        fs::write(bed.path(&name), "1").unwrap();
        bed.expect(round, CREATE, &[&name]);
    }
}

#[test]
fn a_burst_is_told_once_and_bounded() {
    let bed = Bed::with(WatchOptions {
        quiet: Duration::from_secs(1),
        max_delay: Duration::from_secs(1),
        ..WatchOptions::default()
    });
    bed.watch(&["*.x"]);
    for index in 0..200 {
        fs::write(bed.path(&format!("{index}.x")), "1").unwrap();
    }
    let change = bed.next();
    assert!(change.more && change.paths.len() == CHANGE_PATHS_MAX && change.kinds == CREATE, "{change:?}");
    assert!(bed.changes.try_recv().is_err());
}

#[test]
fn an_endless_burst_is_told_in_time() {
    let bed = Bed::with(WatchOptions {
        quiet: Duration::from_hours(1),
        max_delay: Duration::from_millis(50),
        ..WatchOptions::default()
    });
    bed.watch(&["a"]);
    fs::write(bed.path("a"), "1").unwrap();
    bed.expect(1, CREATE, &["a"]);
}

#[test]
fn lost_events_are_told_and_made_up_for() {
    let root = tempfile::tempdir().unwrap();
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let (sender, changes) = channel();
    let (release, released) = channel::<()>();
    let options = WatchOptions { quiet: Duration::from_millis(10), ..WatchOptions::default() };
    let watcher = Watcher::new(options, move |change: Change| {
        sender.send(change).unwrap();
        // The first one is held until the queue has overflowed.
        let _ = released.recv();
    })
    .unwrap();
    let pattern = |id, name: &str| {
        let pattern = Pattern::new(root.path().join(name).to_str().unwrap()).unwrap();
        WatchSpec { id, pattern, kinds: Kinds::ALL }
    };
    watcher.set(vec![pattern(1, "*.x"), pattern(2, "never")]).unwrap();
    fs::write(root.path().join("first.x"), "1").unwrap();
    assert_eq!(changes.recv_timeout(DEADLINE).unwrap().id, 1);
    for _ in 0..limit {
        // Two names in turn: the system merges events that are the same.
        File::create(root.path().join("y")).unwrap();
        File::create(root.path().join("z")).unwrap();
    }
    fs::write(root.path().join("last.x"), "1").unwrap();
    drop(release);
    let (mut lost, mut has_last) = (Vec::new(), false);
    while lost.len() < 2 || !has_last {
        let change = changes.recv_timeout(DEADLINE).unwrap();
        has_last |= change.paths.contains(&root.path().join("last.x"));
        lost.extend(change.overflow.then_some(change.id));
    }
    lost.sort_unstable();
    assert_eq!(lost, [1, 2]);
}

#[test]
fn who_is_told_may_set_anew_and_drop_the_watcher() {
    let root = tempfile::tempdir().unwrap();
    let spec = |name: &str| {
        let pattern = Pattern::new(root.path().join(name).to_str().unwrap()).unwrap();
        WatchSpec { id: 1, pattern, kinds: Kinds::ALL }
    };
    let (give, given) = channel::<Watcher>();
    let (sender, done) = channel();
    let other = spec("b");
    let watcher = Watcher::new(WatchOptions::default(), move |_| {
        let watcher = given.recv().unwrap();
        watcher.set(vec![other.clone()]).unwrap();
        drop(watcher);
        sender.send(()).unwrap();
    })
    .unwrap();
    watcher.set(vec![spec("a")]).unwrap();
    fs::write(root.path().join("a"), "1").unwrap();
    give.send(watcher).unwrap();
    done.recv_timeout(DEADLINE).unwrap();
}

#[test]
fn what_cannot_be_watched_is_named_and_the_rest_is_watched() {
    let bed = Bed::new();
    symlink("loop", bed.path("loop")).unwrap();
    let errors = bed.watcher.set(vec![bed.spec(1, "loop/x"), bed.spec(2, "a")]).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].to_string().starts_with(&format!("watch {}", bed.path("loop/x").display())));
    fs::write(bed.path("a"), "1").unwrap();
    bed.expect(2, CREATE, &["a"]);
    for text in ["relative/*.conf", "/etc/[a.conf"] {
        assert!(Pattern::new(text).unwrap_err().to_string().starts_with(&format!("watch {text:?}")));
    }
    let limit = WatchError::WatchLimit { path: PathBuf::from("/in") }.to_string();
    assert!(limit.contains("/in") && limit.contains("fs.inotify.max_user_watches"), "{limit}");
}

#[test]
fn a_watcher_at_rest_wakes_up_for_nothing() {
    let bed = Bed::new();
    fs::create_dir(bed.path("in")).unwrap();
    bed.watch(&["in/**/*.csv", "missing/a/b"]);
    fs::write(bed.path("in/a.csv"), "1").unwrap();
    bed.expect(1, CREATE, &["in/a.csv"]);
    bed.expect_nothing();
    assert_eq!(bed.watcher.0.next_wake_up(), None);
}

/// What is there, by what is told: each path with its content.
fn take_in(view: &mut BTreeMap<PathBuf, String>, change: &Change) {
    assert!(!change.more && !change.overflow);
    for path in &change.paths {
        match fs::read_to_string(path) {
            Ok(text) => view.insert(path.clone(), text),
            Err(_) => view.remove(path),
        };
    }
}

/// What is there.
fn look(directory: &Path, all: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            look(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "yaml")
            && let Ok(text) = fs::read_to_string(&path)
        {
            all.insert(path, text);
        }
    }
}

#[test]
fn after_random_edits_who_was_told_knows_what_is_there() {
    let bed = Bed::new();
    let root = bed.path("tree");
    bed.watch(&["tree/**/*.yaml"]);
    let mut rng = Rng::new(7);
    let mut view = BTreeMap::new();
    let mut step = 0;
    for _ in 0..60 {
        for _ in 0..rng.below(20) {
            step += 1;
            edit(&root, &mut rng, step);
        }
        fs::create_dir_all(&root).unwrap();
        let mut all = BTreeMap::new();
        look(&root, &mut all);
        let begun = Instant::now();
        while view != all {
            assert!(begun.elapsed() < DEADLINE, "told {view:#?}\nthere {all:#?}");
            if let Ok(change) = bed.changes.recv_timeout(Duration::from_secs(1)) {
                take_in(&mut view, &change);
            }
        }
    }
}

/// One edit of many kinds; those that do not apply do nothing.
fn edit(root: &Path, rng: &mut Rng, step: u64) {
    let directory = |rng: &mut Rng| match rng.below(4) {
        0 => root.to_owned(),
        1 => root.join("a"),
        2 => root.join("b"),
        _ => root.join("a/deep"),
    };
    let (here, there) = (directory(rng), directory(rng));
    let file = here.join(format!("{}.yaml", rng.below(4)));
    let text = step.to_string();
    // Any of these may find that its directory is not there, or that another is in its place.
    drop(match rng.below(12) {
        0 => fs::remove_dir_all(&here),
        1 => fs::rename(&here, &there),
        2 => fs::remove_file(&file),
        3 => symlink(there.join("0.yaml"), &file),
        4..8 => fs::create_dir_all(&here).and_then(|()| fs::write(&file, text)),
        _ => fs::create_dir_all(&here)
            .and_then(|()| fs::write(here.join(".new"), text))
            .and_then(|()| fs::rename(here.join(".new"), &file)),
    });
}
