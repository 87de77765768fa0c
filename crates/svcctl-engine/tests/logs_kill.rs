//! The capture in a process of its own that is killed (SIGKILL) again and again: every line is recorded once.
//!
//! This program starts itself as that process: its standard input is the read end of the pipe, which the test holds
//! over the deaths, as the keeper does.

use std::io::{PipeReader, PipeWriter, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_core::rng::Rng;
use svcctl_engine::logs::{self, Level, LogsConfig, Note, StreamId, read, render::Renderer};
use svcctl_keeper::protocol::Stream;

const FOLDER: &str = "SVCCTL_TEST_LOGS_FOLDER";
const KILLS: usize = 50;
const PATIENCE: Duration = Duration::from_mins(1);

fn service() -> ServiceName {
    ServiceName::new("app").expect("a name")
}

/// Not a test by itself: the process that is killed. Without the variable it has nothing to do.
#[test]
fn engine_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let config = LogsConfig {
        logs: folder.join("logs"),
        spools: folder.join("spool"),
        boot_id: "boot".into(),
        echo: None,
        on_spool: Box::new(|_, _| {}),
        on_stream_done: Box::new(|_| {}),
    };
    let (handle, joiner) = logs::start(config).expect("start");
    let slot = SlotKey { name: service(), index: 0 };
    let id = StreamId { slot, generation: Generation(1), pid: 1, stream: Stream::Stdout };
    handle.attach(id, std::io::stdin().as_fd().try_clone_to_owned().expect("dup"));
    handle.adopted();
    let message = "an engine began".to_owned();
    let (level, fields) = (Level::Info, Vec::new());
    handle.note(Note { service: service(), index: 0, pid: None, level, message, fields });
    handle.finish(Instant::now() + PATIENCE);
    joiner.join().expect("the thread ends well");
}

fn start_engine(folder: &Path, pipe: &PipeReader) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "engine_process"])
        .env(FOLDER, folder)
        .stdin(Stdio::from(pipe.try_clone().expect("dup")))
        .stdout(Stdio::null())
        .spawn()
        .expect("start")
}

fn line(number: u64) -> String {
    // Lengths from a few bytes to beyond the limit at which lines are split.
    let length = if number.is_multiple_of(997) { 70_000 } else { number * 7919 % 300 };
    format!("{number} {}", "x".repeat(usize::try_from(length).expect("small")))
}

/// Writes lines, and tells when it is time for a kill. Gives how many lines it wrote.
fn write_lines(mut write: PipeWriter, kill: &Sender<()>) -> u64 {
    let mut rng = Rng::new(42);
    let mut number = 0;
    for _ in 0..KILLS {
        for _ in 0..rng.below(3_000) {
            write.write_all(format!("{}\n", line(number)).as_bytes()).expect("write");
            number += 1;
        }
        kill.send(()).expect("the test waits for it");
    }
    number
}

#[test]
fn every_line_once_over_fifty_kills() {
    let folder = tempfile::tempdir().expect("folder");
    let (pipe, write) = std::io::pipe().expect("pipe");
    let (kill, kills) = channel();
    let writer = std::thread::spawn(move || write_lines(write, &kill));
    let mut engine = start_engine(folder.path(), &pipe);
    while kills.recv_timeout(PATIENCE).is_ok() {
        engine.kill().expect("kill");
        engine.wait().expect("wait");
        engine = start_engine(folder.path(), &pipe);
    }
    let count = writer.join().expect("writer");
    assert!(engine.wait().expect("wait").success(), "the last engine ends at the end of the stream");
    let lines = recorded(&folder.path().join("logs/app"));
    let expected: Vec<String> = (0..count).map(line).collect();
    for (at, (found, wanted)) in lines.iter().zip(&expected).enumerate() {
        assert!(found == wanted, "record {at} is {}", found.split(' ').next().unwrap_or_default());
    }
    assert_eq!(lines.len(), expected.len());
    let left: Vec<_> = std::fs::read_dir(folder.path().join("spool")).expect("spools").collect();
    assert_eq!(left.len(), 1, "the file that tells the boot");
}

/// The program's lines, as they were written.
fn recorded(folder: &Path) -> Vec<String> {
    let mut cursor = read::Cursor::default();
    let mut renderer = Renderer::default();
    let mut text = Vec::new();
    loop {
        let records = read::after(folder, cursor).expect("read");
        if records.bytes.is_empty() {
            break;
        }
        let own = |record: &&[u8]| !String::from_utf8_lossy(record).contains(r#""event.dataset":"svcctl""#);
        for record in records.iter().filter(own) {
            renderer.raw(record, &mut text);
        }
        cursor = records.cursor;
    }
    String::from_utf8(text).expect("text").lines().map(str::to_owned).collect()
}
