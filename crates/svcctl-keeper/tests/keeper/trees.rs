//! Whole trees: killed without a rest, seen to be empty, and left alone where they are not meant.

use crate::Test;
use crate::bed::{
    Bed, Engine, KEEPER_LOG, Trees, contents, descendants, eventually, image, is_alive, own, read_line,
    script,
};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use svcctl_keeper::protocol::{Notice, Request, Status};
use svcctl_os::linux::procfs;

pub(crate) const TESTS: &[Test] = &[
    ("a_tree_that_hides_is_killed_by_its_cgroup", a_tree_that_hides_is_killed_by_its_cgroup),
    ("a_tree_that_hides_is_killed_by_the_walk", a_tree_that_hides_is_killed_by_the_walk),
    ("a_leader_that_leaves_children_is_told_so_by_cgroup", || leftovers(Trees::Group)),
    ("a_leader_that_leaves_children_is_told_so_by_the_walk", || leftovers(Trees::Walk)),
    ("a_tree_that_ends_by_itself_is_told_by_cgroup", || ends_by_itself(Trees::Group)),
    ("a_tree_that_ends_by_itself_is_told_by_the_walk", || ends_by_itself(Trees::Walk)),
    (
        "an_orphan_without_environment_is_found_by_its_session",
        an_orphan_without_environment_is_found_by_its_session,
    ),
    ("an_orphan_without_environment_and_session_is_remembered", an_orphan_is_remembered),
    ("other_trees_stay", || other_trees_stay(Trees::Group)),
    ("other_trees_stay_by_the_walk", || other_trees_stay(Trees::Walk)),
    ("the_keeper_kills_at_the_deadline_by_itself", || kill_by(Trees::Group)),
    ("the_keeper_kills_at_the_deadline_by_the_walk", || kill_by(Trees::Walk)),
    ("orphans_are_reaped_at_once", orphans_are_reaped_at_once),
    ("a_fork_bomb_is_killed_by_its_cgroup", || fork_bomb(Trees::Group)),
    ("a_fork_bomb_is_killed_by_the_walk", || fork_bomb(Trees::Walk)),
    (
        "what_a_dead_keeper_left_is_dead_before_an_engine_begins",
        what_a_dead_keeper_left_is_dead_before_an_engine_begins,
    ),
    ("a_process_that_left_no_trace_dies_with_the_daemon", a_process_that_left_no_trace_dies_with_the_daemon),
    ("the_environment_can_forbid_cgroups", the_environment_can_forbid_cgroups),
    ("cgroups_are_removed", cgroups_are_removed),
];

const ROUNDS: u64 = 20;

/// Forks twice, changes session, ignores TERM, and prints the pid of each process; the leader stays.
const HIDING: &str = "trap '' TERM; \
    (setsid sh -c 'trap \"\" TERM; echo $$; (setsid sh -c \"trap \\\"\\\" TERM; echo \\$\\$; while :; do sleep 1000; done\" &)' &); \
    echo $$; while :; do sleep 1000; done";

fn kill_tree(engine: &Engine, generation: u64) {
    engine.send(&Request::KillTree { slot: "web#0".to_owned(), generation, state: Vec::new() });
}

fn signal(engine: &Engine, generation: u64, signal: i32, kill_by: Option<u64>) {
    engine.send(&Request::Signal {
        slot: "web#0".to_owned(),
        generation,
        signal,
        state: Vec::new(),
        kill_by,
    });
}

fn pids(engine: &Engine, generation: u64, text: &str, count: usize) -> Vec<u32> {
    let spawned = engine.spawn("web#0", generation, script(text));
    (0..count).map(|_| read_line(&spawned.stdout).parse().unwrap()).collect()
}

fn hide_and_kill(trees: Trees) {
    let bed = Bed::new(trees);
    let engine = bed.greeted();
    for generation in 1..=ROUNDS {
        let pids = pids(&engine, generation, HIDING, 3);
        signal(&engine, generation, 15, None);
        kill_tree(&engine, generation);
        assert_eq!(engine.exit("web#0", generation), Status::Signal(9));
        for pid in pids {
            assert!(!is_alive(pid), "{pid} is left");
        }
        let left = descendants(bed.keeper.id()).into_iter().filter(|entry| entry.pid != engine.pid).count();
        assert_eq!(left, 0);
    }
}

fn a_tree_that_hides_is_killed_by_its_cgroup() {
    hide_and_kill(Trees::Group);
}

fn a_tree_that_hides_is_killed_by_the_walk() {
    hide_and_kill(Trees::Walk);
}

fn leftovers(trees: Trees) {
    let bed = Bed::new(trees);
    let engine = bed.greeted();
    let text = "(setsid sh -c 'echo $$; while :; do sleep 1000; done' &); exit 5";
    for generation in 1..=ROUNDS {
        let spawned = engine.spawn("web#0", generation, script(text));
        let pid: u32 = read_line(&spawned.stdout).parse().unwrap();
        match engine.next().0 {
            Notice::Exited { status, tree_empty, .. } => {
                assert_eq!((status, tree_empty), (Status::Code(5), false));
            }
            other => panic!("{other:?}"),
        }
        assert!(is_alive(pid));
        kill_tree(&engine, generation);
        assert_eq!(engine.next().0, Notice::TreeEmpty { slot: "web#0".to_owned(), generation });
        assert!(!is_alive(pid));
        engine.send(&Request::Acknowledge { slot: "web#0".to_owned(), generation });
    }
}

fn ends_by_itself(trees: Trees) {
    let bed = Bed::new(trees);
    let engine = bed.greeted();
    engine.spawn("web#0", 1, script("(setsid sh -c 'sleep 0.2; sleep 0.2' &); exit 5"));
    assert!(matches!(engine.next().0, Notice::Exited { status: Status::Code(5), tree_empty: false, .. }));
    assert_eq!(engine.next().0, Notice::TreeEmpty { slot: "web#0".to_owned(), generation: 1 });
}

fn an_orphan_without_environment_is_found_by_its_session() {
    let bed = Bed::new(Trees::Walk);
    let engine = bed.greeted();
    let orphan = pids(&engine, 1, "(env -i sh -c 'echo $$; exec sleep 1000' &); sleep 1000", 1)[0];
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    assert!(!is_alive(orphan));
}

fn an_orphan_is_remembered() {
    let bed = Bed::new(Trees::Walk);
    let engine = bed.greeted();
    // While its parent lives it is seen below the leader; then it is on its own, without a trace of where it is from.
    let gate = bed.directory.path().join("gate");
    let text = format!(
        "sh -c 'env -i setsid sh -c \"echo \\$\\$; exec sleep 1000\" & while [ ! -e {} ]; do sleep 0.01; done'; echo gone; sleep 1000",
        gate.display()
    );
    let spawned = engine.spawn("web#0", 1, script(&text));
    let orphan: u32 = read_line(&spawned.stdout).parse().unwrap();
    // A signal that changes nothing is preceded by a look at the tree.
    signal(&engine, 1, 18, None);
    engine.spawn("other#0", 1, image(&["/bin/true"]));
    engine.exit("other#0", 1);
    fs::write(&gate, "").unwrap();
    assert_eq!(read_line(&spawned.stdout), "gone");
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    assert!(!is_alive(orphan));
}

fn other_trees_stay(trees: Trees) {
    let bed = Bed::new(trees);
    let engine = bed.greeted();
    let spawned =
        engine.spawn("other#0", 1, script("(setsid sh -c 'echo $$; exec sleep 1000' &); sleep 1000"));
    let hidden: u32 = read_line(&spawned.stdout).parse().unwrap();
    pids(&engine, 1, HIDING, 3);
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    assert!(is_alive(spawned.pid) && is_alive(hidden));
}

fn kill_by(trees: Trees) {
    let bed = Bed::new(trees);
    let engine = bed.greeted();
    let pids = pids(&engine, 1, HIDING, 3);
    let soon = svcctl_os::clock::now().mono.after(Duration::from_millis(300)).0;
    signal(&engine, 1, 15, Some(soon));
    // Also without an engine.
    engine.kill();
    let engine = bed.engine();
    engine.hello();
    assert_eq!(engine.exit("web#0", 1), Status::Signal(9));
    assert!(svcctl_os::clock::now().mono.0 >= soon);
    for pid in pids {
        assert!(!is_alive(pid), "{pid} is left");
    }
}

fn orphans_are_reaped_at_once() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    // A leader that ended stays a zombie meanwhile, in front of all others.
    engine.spawn("first#0", 1, script("(setsid sleep 1000 &); exit 0"));
    assert!(matches!(engine.next().0, Notice::Exited { tree_empty: false, .. }));
    let text =
        "for i in 1 2 3 4 5 6 7 8; do (sh -c 'exec sleep 0.05' &); done; sleep 0.1; echo done; sleep 1000";
    let spawned = engine.spawn("web#0", 1, script(text));
    assert_eq!(read_line(&spawned.stdout), "done");
    eventually("no zombie but the leader is left", || {
        let zombies = procfs::processes();
        let own = zombies.iter().filter(|entry| entry.parent == bed.keeper.id() && entry.zombie).count();
        (own == 1).then_some(())
    });
}

fn fork_bomb(trees: Trees) {
    let bed = Bed::new(trees);
    let engine = bed.greeted();
    let text = "f() { while :; do (sleep 0.02; sleep 0.02) & sleep 0.01; done; }; f & f & setsid sh -c 'while :; do (sleep 0.05 &) ; sleep 0.01; done' & echo go; wait";
    let spawned = engine.spawn("web#0", 1, script(text));
    assert_eq!(read_line(&spawned.stdout), "go");
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    assert_eq!(descendants(bed.keeper.id()).into_iter().filter(|entry| entry.pid != engine.pid).count(), 0);
}

/// The directory of the cgroups of a keeper, as its process is seen in.
fn subtree(pid: u32) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?.to_owned();
    let group = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = group.lines().find_map(|line| line.strip_prefix("0::"))?.to_owned();
    PathBuf::from(mount).join(path.trim_start_matches('/')).parent().map(PathBuf::from)
}

fn cgroups_are_removed() {
    let mut bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let spawned = engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"]));
    let subtree = subtree(spawned.pid).unwrap();
    assert!(
        subtree.file_name().unwrap().to_str().unwrap().starts_with("svcctl-"),
        "there is no writable cgroup here"
    );
    let of_web = || contents(&subtree).into_iter().any(|name| name.starts_with("slot-web#0"));
    assert!(of_web());
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    engine.send(&Request::Release { slot: "web#0".to_owned() });
    eventually("the slot's cgroup is gone", || (!of_web()).then_some(()));
    engine.spawn("next#0", 1, script(HIDING));
    engine.goodbye(0, false);
    assert_eq!(bed.ended().code(), Some(0));
    assert!(!subtree.exists());
}

fn what_a_dead_keeper_left_is_dead_before_an_engine_begins() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    pids(&engine, 1, HIDING, 3);
    // So many that they need more time to die than an engine to begin.
    let text = "trap '' TERM; n=0; while [ $n -lt 600 ]; do sleep 1000 & n=$((n+1)); done; echo go; wait";
    let other = engine.spawn("other#0", 1, script(text));
    assert_eq!(read_line(&other.stdout), "go");
    let left: Vec<u32> = descendants(bed.keeper.id()).into_iter().map(|entry| entry.pid).collect();
    assert!(left.len() > 600);
    let next = bed.replace_keeper();
    let engine = next.engine();
    let alive: Vec<u32> = left.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(alive.is_empty(), "{alive:?} are left");
    let log = fs::read_to_string(next.directory.path().join(KEEPER_LOG)).unwrap();
    for slot in ["web#0", "other#0"] {
        let message = format!("svcctl: {slot}: processes that an earlier daemon left are killed\n");
        assert!(log.contains(&message), "{log}");
    }
    assert!(engine.hello().1.is_empty());
    // The same generation, as an engine without a memory would have it.
    let spawned = engine.spawn("web#0", 1, script("echo go; exec sleep 1000"));
    assert_eq!(read_line(&spawned.stdout), "go");
    assert!(is_alive(spawned.pid));
}

fn a_process_that_left_no_trace_dies_with_the_daemon() {
    let mut bed = Bed::new(Trees::Walk);
    let engine = bed.greeted();
    let text = "sh -c 'env -i setsid sh -c \"echo \\$\\$; exec sleep 1000\" & sleep 0.05'; exec sleep 1000";
    let spawned = engine.spawn("web#0", 1, script(text));
    let stray: u32 = read_line(&spawned.stdout).parse().unwrap();
    eventually("it is a child of the keeper", || {
        (procfs::process(stray)?.parent == bed.keeper.id()).then_some(())
    });
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    assert!(is_alive(stray), "the walk cannot know whose it is");
    engine.goodbye(0, false);
    assert_eq!(bed.ended().code(), Some(0));
    assert!(!is_alive(stray));
}

fn the_environment_can_forbid_cgroups() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    let mut command = own(&["__keeper", &path, "auto", "__engine", &path]);
    let bed = Bed::with(command.env(svcctl_keeper::FORCE_VARIABLE, "no-cgroup"), directory);
    let engine = bed.greeted();
    let pid = pids(&engine, 1, HIDING, 3)[2];
    let group = |pid: u32| fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert_eq!(group(pid), group(bed.keeper.id()));
    kill_tree(&engine, 1);
    engine.exit("web#0", 1);
    assert!(!is_alive(pid));
}
