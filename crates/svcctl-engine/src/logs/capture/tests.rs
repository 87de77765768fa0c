//! The capture against real pipes and files: every line once, whatever happens.

mod crash;
mod trouble;

use super::super::read;
use super::*;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use svcctl_keeper::protocol::Stream as Which;

pub(super) const BOOT: &str = "boot-1";

/// No test writes more at once, so that no write waits.
const PIPE_BYTES: usize = 256 * 1024;

/// What the keeper would hold: the spools it was shown, and the streams that are done.
#[derive(Clone, Default)]
pub(super) struct Keeper {
    pub(super) spools: Arc<Mutex<Vec<StreamId>>>,
    pub(super) done: Arc<Mutex<Vec<StreamId>>>,
}

pub(super) struct Bed {
    pub(super) folder: tempfile::TempDir,
    pub(super) keeper: Keeper,
}

pub(super) fn web() -> ServiceName {
    ServiceName::new("web").expect("a name")
}

pub(super) fn id(generation: u64, stream: Which) -> StreamId {
    let slot = SlotKey { name: web(), index: 0 };
    StreamId { slot, generation: Generation(generation), pid: 42, stream }
}

impl Bed {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder"), keeper: Keeper::default() }
    }

    pub(super) fn paths(&self) -> Paths {
        Paths { logs: self.folder.path().join("logs"), spools: self.folder.path().join("spool") }
    }

    pub(super) fn try_engine(&self, files: Files, boot: &str) -> io::Result<Capture> {
        let Keeper { spools, done } = self.keeper.clone();
        let alive = files.clone();
        let hooks = Hooks {
            on_spool: Box::new(move |id, _| spools.lock().expect("lock").push(id.clone())),
            on_stream_done: Box::new(move |id| {
                if !alive.faults.is_dead() {
                    done.lock().expect("lock").push(id.clone());
                }
            }),
            watchers: Watchers::default(),
            echo: None,
        };
        let (poller, _waker) = Poller::new().expect("poller");
        Capture::new(files, self.paths(), boot.to_owned(), hooks, poller)
    }

    pub(super) fn engine(&self) -> Capture {
        self.try_engine(Files::default(), BOOT).expect("capture")
    }

    /// The messages of all records, with their datasets.
    pub(super) fn records(&self) -> Vec<(String, String)> {
        let folder = self.paths().folder(&web());
        let mut cursor = read::Cursor::default();
        let mut found = Vec::new();
        loop {
            let records = read::after(&folder, cursor).expect("read");
            if records.bytes.is_empty() {
                return found;
            }
            found.extend(records.iter().map(|record| {
                let value: serde_json::Value = serde_json::from_slice(record).expect("JSON");
                let text = |key: &str| value[key].as_str().expect("text").to_owned();
                (text("event.dataset"), text("message"))
            }));
            cursor = records.cursor;
        }
    }

    /// The messages of the program's records.
    pub(super) fn lines(&self) -> Vec<String> {
        self.records()
            .into_iter()
            .filter(|(dataset, _)| dataset != "svcctl")
            .map(|(_, message)| message)
            .collect()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.records()
            .into_iter()
            .filter(|(dataset, _)| dataset == "svcctl")
            .map(|(_, message)| message)
            .collect()
    }

    pub(super) fn spool_files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.paths().spools)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name != "boot").collect()
    }
}

pub(super) fn pipe() -> (Descriptor, io::PipeWriter) {
    let (read, write) = io::pipe().expect("pipe");
    let read = Descriptor::from(read);
    os::set_pipe_size(&read, PIPE_BYTES).expect("room for what the tests write at once");
    (read, write)
}

/// Takes turns until every stream is at its end.
pub(super) fn run_to_the_end(capture: &mut Capture) {
    let mut ready = Vec::new();
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    while capture.has_streams() {
        assert!(Instant::now() < deadline, "streams end in time");
        capture.wait(&mut ready, Some(deadline)).expect("wait");
        for &token in &ready {
            capture.turn(token);
        }
    }
}

pub(super) fn numbered(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("line {number}")).collect()
}

pub(super) fn write_lines(write: &mut io::PipeWriter, lines: &[String]) {
    let text = lines.join("\n") + "\n";
    write.write_all(text.as_bytes()).expect("write");
}

#[test]
fn lines_are_recorded_and_the_spool_goes_at_the_end() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    write.write_all(b"one\n\ntw").expect("write");
    capture.flush(None);
    assert_eq!(bed.lines(), ["one", ""]);
    assert_eq!(bed.spool_files(), ["web#0.1.out"]);
    write.write_all(b"o\nno newline").expect("write");
    drop(write);
    run_to_the_end(&mut capture);
    assert_eq!(bed.lines(), ["one", "", "two", "no newline"]);
    assert_eq!(bed.spool_files(), [""; 0]);
    assert_eq!(*bed.keeper.spools.lock().expect("lock"), [id(1, Which::Stdout)]);
    assert_eq!(*bed.keeper.done.lock().expect("lock"), [id(1, Which::Stdout)]);
}

#[test]
fn last_words_stand_before_the_note_about_the_exit() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    for generation in 0..200 {
        let (read, mut write) = pipe();
        capture.attach(&id(generation, Which::Stderr), read);
        write.write_all(format!("last words {generation}").as_bytes()).expect("write");
        drop(write);
        capture.process_ended(&SlotKey { name: web(), index: 0 }, Generation(generation));
        capture.note(&own_note(&web(), Level::Info, format!("exited {generation}")));
    }
    let expected: Vec<String> =
        (0..200).flat_map(|number| [format!("last words {number}"), format!("exited {number}")]).collect();
    let messages: Vec<String> = bed.records().into_iter().map(|(_, message)| message).collect();
    assert_eq!(messages, expected);
    assert!(!capture.has_streams());
    assert_eq!(bed.spool_files(), [""; 0]);
}

#[test]
fn many_streams_that_end_after_their_last_line() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    for generation in 0..200 {
        let (read, mut write) = pipe();
        capture.attach(&id(generation, Which::Stdout), read);
        write_lines(&mut write, &numbered(0..10));
        write.write_all(format!("end of {generation}").as_bytes()).expect("write");
    }
    run_to_the_end(&mut capture);
    let lines = bed.lines();
    assert_eq!(lines.len(), 200 * 11);
    for generation in 0..200 {
        assert_eq!(lines.iter().filter(|line| **line == format!("end of {generation}")).count(), 1);
    }
    assert_eq!(bed.keeper.done.lock().expect("lock").len(), 200);
}

#[test]
fn long_lines_are_split_and_the_spool_is_given_back() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    let line = "0123456789abcdef".repeat(20 * 1024);
    let writer = std::thread::spawn(move || {
        for _ in 0..10 {
            write.write_all(line.as_bytes()).expect("write");
            write.write_all(b"\n").expect("write");
        }
        write
    });
    let mut ready = Vec::new();
    while !writer.is_finished() {
        capture.wait(&mut ready, Some(Instant::now() + std::time::Duration::from_millis(50))).expect("wait");
        for &token in &ready {
            capture.turn(token);
        }
    }
    let write = writer.join().expect("writer");
    capture.flush(None);
    let path = bed.paths().spools.join("web#0.1.out");
    let spool = std::fs::File::open(path).expect("spool");
    assert_eq!(spool.metadata().expect("metadata").len(), 10 * (320 * 1024 + 1));
    assert!(
        os::first_data(&spool).expect("data") >= 2 * 1024 * 1024,
        "the space of recorded bytes is given back"
    );
    drop(write);
    run_to_the_end(&mut capture);
    let lines = bed.lines();
    assert_eq!(lines.len(), 10 * 5);
    assert_eq!(lines.concat(), "0123456789abcdef".repeat(20 * 1024).repeat(10));
}

#[test]
fn a_stream_that_is_told_twice_is_captured_once() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    let (read, mut write) = pipe();
    let again = read.try_clone().expect("dup");
    capture.attach(&id(1, Which::Stdout), read);
    write.write_all(b"one\n").expect("write");
    capture.flush(None);
    capture.attach(&id(1, Which::Stdout), again);
    write.write_all(b"two\n").expect("write");
    drop(write);
    run_to_the_end(&mut capture);
    assert_eq!(bed.lines(), ["one", "two"]);
    assert_eq!(bed.keeper.done.lock().expect("lock").len(), 1);
}

#[test]
fn forgetting_leaves_the_log_alone() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    write.write_all(b"last\nhalf").expect("write");
    capture.forget(&web());
    assert_eq!(bed.lines(), ["last"]);
    assert_eq!(bed.spool_files(), [""; 0]);
    let left: Vec<_> = std::fs::read_dir(bed.paths().folder(&web())).expect("folder").collect();
    assert_eq!(left.len(), 1, "the log");
    assert_eq!(bed.keeper.done.lock().expect("lock").len(), 1);
}

#[test]
fn a_follower_wakes_when_the_log_has_grown() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    let mut follower = capture.io.hooks.watchers.subscribe(&web());
    assert!(!follower.has_changed().expect("open"));
    capture.note(&own_note(&web(), Level::Info, "hello".into()));
    assert!(follower.has_changed().expect("open"));
    let length = std::fs::metadata(bed.paths().log(&web())).expect("log").len();
    assert_eq!(*follower.borrow_and_update(), length);
    capture.forget(&web());
    assert!(follower.has_changed().is_err(), "closed");
}
