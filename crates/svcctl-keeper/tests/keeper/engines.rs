//! Engines that die, and what the next one finds.

use crate::Test;
use crate::bed::{Bed, Trees, eventually, image, is_alive, own, read_line, script};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;
use svcctl_keeper::protocol::{HeldProcess, Notice, Request, Status, Stream};
use svcctl_os::clock;
use svcctl_os::linux::poll::has_room;

pub(crate) const TESTS: &[Test] = &[
    ("a_new_engine_finds_the_same_processes", a_new_engine_finds_the_same_processes),
    ("exits_meanwhile_are_told_until_acknowledged", exits_meanwhile_are_told_until_acknowledged),
    ("a_failed_spawn_is_told_to_the_next_engine", a_failed_spawn_is_told_to_the_next_engine),
    ("five_deaths_call_for_recovery_and_never_end_it", five_deaths_call_for_recovery_and_never_end_it),
    ("an_unacknowledged_exit_kills_the_engine", an_unacknowledged_exit_kills_the_engine),
    ("an_engine_that_talks_nonsense_is_killed", an_engine_that_talks_nonsense_is_killed),
    ("an_engine_that_does_not_read_costs_no_service", an_engine_that_does_not_read_costs_no_service),
    ("an_engine_is_followed_at_once", an_engine_is_followed_at_once),
    ("a_log_that_nobody_reads_keeps_nothing_waiting", a_log_that_nobody_reads_keeps_nothing_waiting),
    ("requests_of_a_dying_engine_are_carried_out", requests_of_a_dying_engine_are_carried_out),
    ("what_never_serves_is_reported", what_never_serves_is_reported),
];

fn welcome(notice: &Notice) -> (u64, bool, bool) {
    match notice {
        Notice::Welcome { engine_number, recovery, shutdown, .. } => (*engine_number, *recovery, *shutdown),
        other => panic!("{other:?}"),
    }
}

fn a_new_engine_finds_the_same_processes() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let text = "while read x; do :; done; while :; do echo tick; sleep 0.05; done";
    let first = engine.spawn("web#0", 7, script(text));
    engine.send(&Request::Remember { slot: "web#0".into(), state: b"noted".to_vec() });
    engine.send(&Request::Remember { slot: "waiting#0".into(), state: b"later".to_vec() });
    assert_eq!(read_line(&first.stdout), "tick");
    engine.kill();
    let engine = bed.engine();
    let (notice, mut held) = engine.hello();
    assert_eq!(welcome(&notice), (2, false, false));
    held.sort_by(|(a, _), (b, _)| a.slot.cmp(&b.slot));
    let (web, streams) = held.pop().unwrap();
    assert_eq!((web.slot.as_str(), web.state.as_slice()), ("web#0", &b"noted"[..]));
    assert_eq!(web.streams, [Stream::Stdout, Stream::Stderr]);
    let HeldProcess { generation, pid, at } = web.process.unwrap();
    assert_eq!((generation, pid), (7, first.pid));
    assert!(at > 0 && is_alive(pid));
    let streams: [OwnedFd; 2] = streams.try_into().unwrap();
    assert_eq!(read_line(&streams[0]), "tick");
    let (waiting, _) = held.pop().unwrap();
    assert_eq!((waiting.process, waiting.state.as_slice()), (None, &b"later"[..]));
    // The same spawn again, as by an engine that does not know what its predecessor came to: no second process.
    assert_eq!(engine.spawn("web#0", 7, image(&["/bin/false"])).pid, first.pid);
}

fn exits_meanwhile_are_told_until_acknowledged() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let cwd = bed.directory.path().to_str().unwrap().as_bytes().to_vec();
    let waits =
        svcctl_keeper::protocol::Image { cwd, ..script("while [ ! -e gone ]; do sleep 0.01; done; exit 6") };
    let waiting = engine.spawn("late#0", 1, waits);
    engine.kill();
    std::fs::write(bed.directory.path().join("gone"), "").unwrap();
    let told = |engine: &crate::bed::Engine| {
        let (_, held) = engine.hello();
        let late = held.iter().find(|(held, _)| held.slot == "late#0").unwrap();
        assert_eq!(late.0.process.as_ref().unwrap().pid, waiting.pid);
        assert_eq!(engine.exit_unacknowledged("late#0", 1), Status::Code(6));
    };
    let engine = bed.engine();
    told(&engine);
    engine.kill();
    let engine = bed.engine();
    told(&engine);
    engine.send(&Request::Acknowledge { slot: "late#0".into(), generation: 1 });
    engine.send(&Request::Remember { slot: "late#0".into(), state: Vec::new() });
    engine.kill();
    let engine = bed.engine();
    let (_, held) = engine.hello();
    assert_eq!(held.iter().find(|(held, _)| held.slot == "late#0").unwrap().0.process, None);
    assert!(engine.next_within(Duration::from_millis(100)).is_none(), "it was acknowledged");
}

fn a_failed_spawn_is_told_to_the_next_engine() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let message = engine.refusal(3, image(&["/no/such"]));
    engine.kill();
    let engine = bed.engine();
    let (_, held) = engine.hello();
    assert_eq!(held[0].0.process, Some(HeldProcess { generation: 3, pid: 0, at: 0 }));
    assert_eq!(engine.next().0, Notice::SpawnFailed { slot: "web#0".into(), generation: 3, message });
    engine.send(&Request::Remember { slot: "web#0".into(), state: b"backoff".to_vec() });
    engine.kill();
    let engine = bed.engine();
    let (_, held) = engine.hello();
    assert_eq!(held[0].0.process, None);
}

fn five_deaths_call_for_recovery_and_never_end_it() {
    let bed = Bed::new(Trees::Group);
    for number in 1..=7 {
        let engine = bed.engine();
        let (notice, held) = engine.hello();
        assert_eq!(welcome(&notice), (number, number > 5, false));
        if number == 1 {
            engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"]));
        } else {
            assert_eq!(held.len(), 1);
        }
        engine.end(1);
    }
}

fn an_unacknowledged_exit_kills_the_engine() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    engine.spawn("web#0", 1, image(&["/bin/true"]));
    let begun = clock::now().mono;
    assert_eq!(engine.exit_unacknowledged("web#0", 1), Status::Code(0));
    let next = bed.engine();
    assert!(clock::now().mono.since(begun) >= Duration::from_secs(4));
    assert!(!is_alive(engine.pid));
    next.hello();
    assert_eq!(next.exit("web#0", 1), Status::Code(0));
}

fn an_engine_that_talks_nonsense_is_killed() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let service = engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"]));
    engine.kill();
    for nonsense in [vec![1, 99, 99], vec![77], vec![1; 65_536], vec![1; 70_000], vec![0]] {
        engine_dies(&bed, &nonsense);
    }
    assert!(is_alive(service.pid));
    let engine = bed.engine();
    // Nothing but a hello may come first.
    engine.send(&Request::Serving);
    let engine = bed.engine();
    assert_eq!(engine.hello().1.len(), 1);
}

fn engine_dies(bed: &Bed, nonsense: &[u8]) {
    let engine = bed.engine();
    engine.hello();
    engine.send_bytes(nonsense, &[]);
    eventually("it is killed", || (!is_alive(engine.pid)).then_some(()));
}

fn an_engine_that_does_not_read_costs_no_service() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let service = engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"]));
    // Each of these is answered; in the end neither the socket nor the keeper takes more.
    let image = svcctl_keeper::protocol::Image::default();
    let request = Request::Spawn {
        slot: "web#0".into(),
        generation: 1,
        image: svcctl_keeper::protocol::ImageSource::Here(image),
        state: Vec::new(),
    };
    while engine.try_send(&request) {}
    bed.engine().hello();
    assert!(is_alive(service.pid));
}

fn an_engine_is_followed_at_once() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let begun = clock::now().mono;
    engine.kill();
    bed.greeted();
    let took = clock::now().mono.since(begun);
    assert!(took < Duration::from_millis(200), "{took:?}");
}

fn a_log_that_nobody_reads_keeps_nothing_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    let (reader, mut writer) = std::io::pipe().unwrap();
    while has_room(&writer) {
        writer.write_all(&[b'\n'; 4096]).unwrap();
    }
    let mut command = own(&["__keeper", &path, "auto", "__engine", &path]);
    let bed = Bed::with(command.stderr(writer), directory);
    drop(command);
    bed.greeted().kill();
    bed.greeted().kill();
    let engine = bed.greeted();
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap).filter(|line| !line.is_empty());
    // Once there is room, what could not be said is told.
    let said = std::thread::spawn(move || lines.next());
    bed.signal("TERM");
    assert_eq!(engine.next().0, Notice::Shutdown);
    engine.kill();
    bed.engine().hello();
    assert_eq!(said.join().unwrap().as_deref(), Some("svcctl: 2 messages were not shown"));
}

fn requests_of_a_dying_engine_are_carried_out() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    // More than the keeper reads at once, and none read before the engine is dead.
    bed.signal("STOP");
    for number in 0..150 {
        engine.request_spawn(&format!("s{number}#0"), 1, image(&["/bin/sleep", "1000"]));
    }
    engine.kill();
    eventually("the engine is dead", || (!is_alive(engine.pid)).then_some(()));
    bed.signal("CONT");
    let (_, held) = bed.engine().hello();
    assert_eq!(held.len(), 150);
}

fn what_never_serves_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let output =
        own(&["__keeper", path, "auto", "__engine-that-is-unable", "the store is damaged"]).output().unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the store is damaged"));
}
