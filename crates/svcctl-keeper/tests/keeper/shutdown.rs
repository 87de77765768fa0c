//! The daemon's end.

use crate::Test;
use crate::bed::{Bed, Engine, Trees, eventually, image, is_alive, own, read_line, script};
use std::fs;
use std::process::Command;
use std::time::Duration;
use svcctl_keeper::protocol::{Notice, Request};

pub(crate) const TESTS: &[Test] = &[
    ("term_is_passed_on_and_goodbye_ends_all", || orderly(Trees::Group)),
    ("term_is_passed_on_and_goodbye_ends_all_by_the_walk", || orderly(Trees::Walk)),
    ("an_engine_that_dies_in_a_shutdown_is_followed_by_one_that_knows", a_dying_engine_in_a_shutdown),
    ("services_can_stay_without_an_engine", services_can_stay_without_an_engine),
    ("a_second_interrupt_kills_all", a_second_interrupt_kills_all),
    ("a_closed_terminal_ends_a_keeper_in_front", a_closed_terminal_ends_a_keeper_in_front),
    ("a_keeper_under_nohup_stays", a_keeper_under_nohup_stays),
    ("a_quit_is_a_shutdown", a_quit_is_a_shutdown),
    ("signals_without_a_meaning_change_nothing", signals_without_a_meaning_change_nothing),
    ("a_second_keeper_is_told_who_holds_the_lock", a_second_keeper_is_told_who_holds_the_lock),
];

const STUBBORN: &str = "trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$; sleep 1000' &); sleep 1000";

fn orderly(trees: Trees) {
    let mut bed = Bed::new(trees);
    let engine = bed.greeted();
    let spawned = engine.spawn("web#0", 1, script(STUBBORN));
    let hidden: u32 = read_line(&spawned.stdout).parse().unwrap();
    bed.signal("TERM");
    assert_eq!(engine.next().0, Notice::Shutdown);
    // What the engine leaves is killed.
    engine.goodbye(5, false);
    assert_eq!(bed.ended().code(), Some(5));
    assert!(!is_alive(spawned.pid) && !is_alive(hidden));
}

fn a_dying_engine_in_a_shutdown() {
    let mut bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    bed.signal("TERM");
    assert_eq!(engine.next().0, Notice::Shutdown);
    engine.kill();
    let engine = bed.engine();
    let (welcome, _) = engine.hello();
    assert!(matches!(welcome, Notice::Welcome { shutdown: true, .. }));
    engine.goodbye(0, false);
    assert_eq!(bed.ended().code(), Some(0));
}

fn services_can_stay_without_an_engine() {
    let mut bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let (pid, service) = (engine.pid, engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"])));
    engine.goodbye(0, true);
    eventually("the engine is gone", || (!is_alive(pid)).then_some(()));
    assert!(is_alive(service.pid) && bed.keeper.try_wait().unwrap().is_none());
    bed.signal("USR1");
    let engine = bed.engine();
    let (_, held) = engine.hello();
    assert_eq!(held[0].0.process.as_ref().unwrap().pid, service.pid);
    engine.goodbye(0, true);
    // Without an engine, TERM brings one that knows.
    bed.signal("TERM");
    let engine = bed.engine();
    assert!(matches!(engine.hello().0, Notice::Welcome { shutdown: true, .. }));
    engine.goodbye(0, false);
    assert_eq!(bed.ended().code(), Some(0));
    assert!(!is_alive(service.pid));
}

fn a_second_interrupt_kills_all() {
    let mut bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let service = engine.spawn("web#0", 1, script("trap '' INT TERM; sleep 1000"));
    bed.signal("INT");
    assert_eq!(engine.next().0, Notice::Shutdown);
    bed.signal("INT");
    eventually("the service is dead", || (!is_alive(service.pid)).then_some(()));
    drop(engine);
    assert_eq!(bed.ended().code(), Some(1));
}

/// A keeper in front, started with this action for SIGHUP.
fn bed_with_hangup(action: &str) -> Bed {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    let mut command = Command::new("env");
    command.arg(format!("--{action}-signal=HUP")).arg(std::env::current_exe().unwrap());
    Bed::with(command.args(["__keeper", &path, "auto", "__engine", &path]), directory)
}

fn a_closed_terminal_ends_a_keeper_in_front() {
    let bed = bed_with_hangup("default");
    let engine = bed.greeted();
    bed.signal("HUP");
    assert_eq!(engine.next().0, Notice::Shutdown);
}

fn a_keeper_under_nohup_stays() {
    let bed = bed_with_hangup("ignore");
    let engine = bed.greeted();
    bed.signal("HUP");
    still_serves(&engine);
}

fn a_quit_is_a_shutdown() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    bed.signal("QUIT");
    assert_eq!(engine.next().0, Notice::Shutdown);
}

fn signals_without_a_meaning_change_nothing() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    for name in ["USR2", "PIPE", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "XCPU", "XFSZ"] {
        bed.signal(name);
    }
    let masks = "while read -r name mask; do case $name in SigBlk:|SigIgn:) echo $mask;; esac; done \
        < /proc/$$/status; exec sleep 1000";
    let spawned = engine.spawn("web#0", 1, script(masks));
    assert_eq!(read_line(&spawned.stdout), "0000000000000000", "a service has signals blocked");
    assert_eq!(read_line(&spawned.stdout), "0000000000000000", "a service ignores signals");
    still_serves(&engine);
}

/// Whatever was sent to the keeper before is read by now, and no shutdown followed.
fn still_serves(engine: &Engine) {
    engine.spawn("other#0", 1, image(&["/bin/true"]));
    engine.exit("other#0", 1);
    assert!(engine.next_within(Duration::from_millis(100)).is_none());
}

fn a_second_keeper_is_told_who_holds_the_lock() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let path = bed.directory.path().to_str().unwrap();
    let output = own(&["__keeper", path, "auto", "__engine", path]).output().unwrap();
    let message = format!("the daemon already runs as pid {}\n", bed.keeper.id());
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(8), message));
    // No service holds the lock: it is free once the keeper is gone, though the service is not.
    let service = engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"]));
    assert!(!fs::read_dir(format!("/proc/{}/fd", service.pid)).unwrap().any(|entry| {
        fs::read_link(entry.unwrap().path()).is_ok_and(|target| target.ends_with("daemon.lock"))
    }));
    engine.send(&Request::Goodbye { exit_code: 0, keep: false });
}
