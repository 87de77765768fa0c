//! The engine killed before, and in the middle of, every one of its calls.

use super::*;
use crate::logs::files::faults::Faults;
use std::os::fd::AsFd as _;

/// What the keeper holds over the death of an engine.
struct Held {
    id: StreamId,
    pipe: Descriptor,
}

impl Held {
    fn duplicate(&self) -> Descriptor {
        self.pipe.as_fd().try_clone_to_owned().expect("dup")
    }
}

/// What the programs write: some of it waits when the engine begins, some comes after.
struct Script {
    first: Vec<u8>,
    then: Vec<u8>,
    messages: Vec<String>,
}

fn script(name: &str) -> Script {
    let long = name.repeat(25_000);
    let mut first = format!("{name} 0\n\n{name} {}\n{name} 2\n", name.repeat(300));
    let mut messages: Vec<String> = first.lines().map(str::to_owned).collect();
    first.push_str(&long[..30_000]);
    let then = format!("{}\n{name} 4\n{name} torn", &long[30_000..]);
    messages.extend([long[..65_536].to_owned(), long[65_536..].to_owned()]);
    messages.extend([format!("{name} 4"), format!("{name} torn")]);
    Script { first: first.into_bytes(), then: then.into_bytes(), messages }
}

/// One life of an engine, which may end early: attach, work, end of the programs, work.
fn live(bed: &Bed, files: &Files, held: &[Held], rest: Option<Vec<(io::PipeWriter, Vec<u8>)>>) {
    let Ok(mut capture) = bed.try_engine(files.clone(), BOOT) else { return };
    let done = bed.keeper.done.lock().expect("lock").clone();
    for stream in held.iter().filter(|stream| !done.contains(&stream.id)) {
        capture.attach(&stream.id, stream.duplicate());
    }
    capture.adopted();
    capture.flush(None);
    for (mut write, bytes) in rest.into_iter().flatten() {
        write.write_all(&bytes).expect("write");
        drop(write);
        capture.flush(None);
    }
    while capture.has_streams() && !files.faults.is_dead() {
        let mut ready = Vec::new();
        capture.wait(&mut ready, Some(Instant::now())).expect("wait");
        for &token in &ready {
            capture.turn(token);
        }
    }
}

/// Runs the script with a crash at a call of the first engine, and one at a call of the second. Gives which came.
fn crash_at(call: u64, second: u64, within: bool) -> (bool, bool) {
    let bed = Bed::new();
    let files = Files { faults: Faults::crash_at(call, within) };
    let next = Files { faults: Faults::crash_at(second, within) };
    let mut held = Vec::new();
    let mut rest = Vec::new();
    let mut expected = Vec::new();
    for (stream, name) in [(Which::Stdout, "out"), (Which::Stderr, "err")] {
        let (read, mut write) = pipe();
        let script = script(name);
        write.write_all(&script.first).expect("write");
        rest.push((write, script.then));
        expected.push(script.messages);
        held.push(Held { id: id(7, stream), pipe: read });
    }
    live(&bed, &files, &held, Some(rest));
    if files.faults.is_dead() {
        live(&bed, &next, &held, None);
    }
    if next.faults.is_dead() {
        live(&bed, &Files::default(), &held, None);
    }
    let lines = bed.lines();
    for messages in &expected {
        let wanted: Vec<&String> = messages.iter().filter(|line| !line.is_empty()).collect();
        let found: Vec<&String> = lines.iter().filter(|line| wanted.contains(line)).collect();
        let lengths = |lines: &[&String]| lines.iter().map(|line| line.len()).collect::<Vec<_>>();
        let (found_lengths, wanted_lengths) = (lengths(&found), lengths(&wanted));
        assert!(
            found == wanted,
            "calls {call}, {second}, within: {within}: {found_lengths:?}, not {wanted_lengths:?}"
        );
    }
    assert_eq!(
        lines.len(),
        expected.iter().map(Vec::len).sum::<usize>(),
        "calls {call}, {second}, within: {within}"
    );
    assert_eq!(bed.spool_files(), [""; 0], "calls {call}, {second}, within: {within}");
    assert_eq!(bed.notes(), [""; 0], "nothing is reported as damaged or dropped");
    (files.faults.is_dead(), next.faults.is_dead())
}

#[test]
fn every_line_once_after_a_crash_at_every_call() {
    for within in [false, true] {
        let mut call = 0;
        while crash_at(call, u64::MAX, within).0 {
            call += 1;
        }
        assert!(call > 25, "the script makes more calls than {call}");
    }
}

#[test]
fn every_line_once_after_two_crashes_at_every_pair_of_calls() {
    let mut pairs = 0;
    for call in 0.. {
        let mut second = 0;
        while crash_at(call, second, call % 2 == 0) == (true, true) {
            second += 1;
        }
        pairs += second;
        if second == 0 {
            break;
        }
    }
    assert!(pairs > 200, "both lives make calls: {pairs}");
}

#[test]
fn a_stream_without_a_pipe_is_recorded_from_its_spool() {
    let bed = Bed::new();
    let (read, mut write) = pipe();
    let mut capture = bed.engine();
    capture.attach(&id(1, Which::Stdout), read);
    write.write_all(b"one\ntwo\nhalf").expect("write");
    capture.flush(None);
    drop(capture);
    drop(write);
    let mut next = bed.engine();
    next.adopted();
    assert_eq!(bed.lines(), ["one", "two", "half"]);
    assert_eq!(bed.spool_files(), [""; 0]);
    assert_eq!(bed.keeper.done.lock().expect("lock").len(), 0, "the keeper holds nothing of it");
}

#[test]
fn what_the_keeper_spliced_meanwhile_is_recorded_once() {
    let bed = Bed::new();
    let (read, mut write) = pipe();
    let held = Held { id: id(1, Which::Stdout), pipe: read };
    let mut capture = bed.engine();
    capture.attach(&held.id, held.duplicate());
    write.write_all(b"one\ntw").expect("write");
    capture.flush(None);
    drop(capture);
    let path = bed.paths().spools.join("web#0.1.out");
    let mut spool = std::fs::OpenOptions::new().append(true).open(path).expect("spool");
    spool.write_all(b"o\nthree\n").expect("the keeper writes");
    write.write_all(b"four\n").expect("write");
    drop(write);
    let mut next = bed.engine();
    next.attach(&held.id, held.duplicate());
    next.adopted();
    run_to_the_end(&mut next);
    assert_eq!(bed.lines(), ["one", "two", "three", "four"]);
}

#[test]
fn after_a_power_loss_spools_and_checkpoint_are_void_and_the_torn_tail_is_cut() {
    let bed = Bed::new();
    let (read, mut write) = pipe();
    let mut capture = bed.engine();
    capture.attach(&id(1, Which::Stdout), read);
    write.write_all(b"one\nlost").expect("write");
    capture.flush(None);
    drop(capture);
    let mut log = std::fs::OpenOptions::new().append(true).open(bed.paths().log(&web())).expect("log");
    log.write_all(b"{\"@timestamp\":\"20").expect("a torn record");
    let mut next = bed.try_engine(Files::default(), "boot-2").expect("capture");
    next.adopted();
    assert_eq!(bed.spool_files(), [""; 0]);
    let (read, mut write) = pipe();
    next.attach(&id(2, Which::Stdout), read);
    write.write_all(b"two\n").expect("write");
    drop(write);
    run_to_the_end(&mut next);
    assert_eq!(bed.lines(), ["one", "two"]);
    assert_eq!(bed.notes(), [""; 0]);
}

#[test]
fn a_damaged_checkpoint_is_said_and_repaired() {
    let bed = Bed::new();
    let (read, mut write) = pipe();
    let held = Held { id: id(1, Which::Stdout), pipe: read };
    let mut capture = bed.engine();
    capture.attach(&held.id, held.duplicate());
    write.write_all(b"one\n").expect("write");
    capture.flush(None);
    drop(capture);
    let checkpoint = svcctl_os::stream::open_private(&bed.paths().checkpoint(&web())).expect("checkpoint");
    for slot in [0, 1024 * 1024] {
        svcctl_os::stream::write_at(&checkpoint, b"damage", slot).expect("write");
    }
    write.write_all(b"two\n").expect("write");
    drop(write);
    let mut next = bed.engine();
    next.attach(&held.id, held.duplicate());
    next.adopted();
    run_to_the_end(&mut next);
    assert_eq!(bed.lines(), ["one", "one", "two"], "what was being recorded may be there twice");
    assert_eq!(bed.notes().len(), 1);
    assert!(bed.notes()[0].contains("checkpoint"), "{:?}", bed.notes());
}

/// An engine learned that a process ended, had the next one made, and died before it took the last words of the first.
#[test]
fn what_an_earlier_process_said_is_recorded_before_what_a_later_one_says_though_an_engine_died_in_between() {
    let bed = Bed::new();
    let (first, mut of_first) = pipe();
    let (second, mut of_second) = pipe();
    of_first.write_all(b"1\n").expect("write");
    of_second.write_all(b"2\n").expect("write");
    drop(of_first);
    let mut capture = bed.engine();
    // The younger one comes first, and it is the one whose end is told.
    capture.attach(&id(2, Which::Stdout), second);
    capture.attach(&id(1, Which::Stdout), first);
    drop(of_second);
    capture.process_ended(&id(2, Which::Stdout).slot, Generation(2));
    run_to_the_end(&mut capture);
    assert_eq!(bed.lines(), ["1", "2"]);
}
