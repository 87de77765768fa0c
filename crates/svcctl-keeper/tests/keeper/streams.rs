//! Output that nobody reads for a while is not lost.

use crate::Test;
use crate::bed::{Bed, DEADLINE, Trees, eventually, read_all, read_line, script};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use svcctl_keeper::protocol::{Image, Notice, Request, Stream};
use svcctl_os::clock;

pub(crate) const TESTS: &[Test] = &[
    ("no_line_is_lost_between_two_engines", no_line_is_lost_between_two_engines),
    ("the_keeper_takes_over_a_second_after_the_engines_death", takeover),
    ("from_its_hello_on_the_engine_alone_reads", from_its_hello_on_the_engine_alone_reads),
    ("a_full_spool_makes_the_program_wait", a_full_spool_makes_the_program_wait),
    ("the_streams_of_earlier_processes_are_kept", the_streams_of_earlier_processes_are_kept),
    ("a_program_outlives_all_readers", a_program_outlives_all_readers),
];

fn spool(path: &Path) -> File {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).unwrap()
}

fn counting(bed: &Bed, to: u32) -> Image {
    let cwd = bed.directory.path().to_str().unwrap().as_bytes().to_vec();
    Image {
        cwd,
        ..script(&format!(
            "i=0; while [ $i -lt {to} ]; do echo line $i; i=$((i+1)); done; touch done; exec sleep 1000"
        ))
    }
}

fn lines(text: &str, to: u32) {
    let expected = (0..to).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
    assert!(text == expected, "{} bytes, not {}", text.len(), expected.len());
}

fn done_streams(engine: &crate::bed::Engine) {
    for stream in [Stream::Stdout, Stream::Stderr] {
        engine.send(&Request::StreamDone { slot: "web#0".into(), generation: 1, stream });
    }
}

fn no_line_is_lost_between_two_engines() {
    const LINES: u32 = 2000;
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let text = format!("i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done");
    let spawned = engine.spawn("web#0", 1, script(&text));
    let mut all: String = (0..100).map(|_| read_line(&spawned.stdout) + "\n").collect();
    drop(spawned);
    engine.kill();
    let engine = bed.engine();
    let (_, mut held) = engine.hello();
    let mut streams = held.pop().unwrap().1;
    streams.pop();
    all.push_str(&read_all(streams.pop().unwrap()));
    lines(&all, LINES);
    engine.exit("web#0", 1);
    done_streams(&engine);
    engine.kill();
    let (_, mut held) = bed.engine().hello();
    assert_eq!(held.pop().unwrap().0.streams, []);
}

fn takeover() {
    // More than a pipe holds, so that the program comes to its end only if somebody reads.
    const LINES: u32 = 150_000;
    let mut bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let path = bed.directory.path().join("spool");
    let file = spool(&path);
    // The stream as the engine left it: what stands in the spool stays.
    fs::write(&path, "before\n").unwrap();
    engine.spawn("web#0", 1, counting(&bed, LINES));
    let request = Request::Spool { slot: "web#0".into(), generation: 1, stream: Stream::Stdout };
    engine.send_with(&request, &[file.as_fd()]);
    let begun = clock::now().mono;
    engine.goodbye(0, true);
    eventually("the program has said all", || bed.directory.path().join("done").exists().then_some(()));
    assert!(clock::now().mono.since(begun).as_millis() >= 900);
    bed.signal("USR1");
    let engine = bed.engine();
    let (_, mut held) = engine.hello();
    let rest: OwnedFd = held.pop().unwrap().1.swap_remove(0);
    engine.send(&Request::KillTree { slot: "web#0".into(), generation: 1, state: Vec::new() });
    engine.exit("web#0", 1);
    let mut all = fs::read_to_string(&path).unwrap();
    all.push_str(&read_all(rest));
    lines(all.strip_prefix("before\n").unwrap(), LINES);
    engine.goodbye(0, false);
    assert_eq!(bed.ended().code(), Some(0));
}

fn from_its_hello_on_the_engine_alone_reads() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let path = bed.directory.path().join("spool");
    engine.spawn("web#0", 1, script("while :; do echo line; sleep 0.01; done"));
    let request = Request::Spool { slot: "web#0".into(), generation: 1, stream: Stream::Stdout };
    engine.send_with(&request, &[spool(&path).as_fd()]);
    engine.goodbye(0, true);
    let size = || fs::metadata(&path).unwrap().len();
    eventually("the keeper reads", || (size() > 0).then_some(()));
    bed.signal("USR1");
    let engine = bed.engine();
    let (_, mut held) = engine.hello();
    let stream = held.pop().unwrap().1.swap_remove(0);
    let before = size();
    for _ in 0..50 {
        assert_eq!(read_line(&stream), "line");
    }
    assert_eq!(size(), before);
}

fn a_full_spool_makes_the_program_wait() {
    const CAP: u64 = 16 * 1024 * 1024;
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let path = bed.directory.path().join("spool");
    engine.spawn("web#0", 1, script("exec head -c 30000000 /dev/zero"));
    let request = Request::Spool { slot: "web#0".into(), generation: 1, stream: Stream::Stdout };
    engine.send_with(&request, &[spool(&path).as_fd()]);
    engine.goodbye(0, true);
    eventually("the spool is full", || (fs::metadata(&path).unwrap().blocks() * 512 >= CAP).then_some(()));
    bed.signal("USR1");
    let engine = bed.engine();
    let (_, mut held) = engine.hello();
    let mut rest: Vec<u8> = Vec::new();
    let mut pipe = File::from(held.pop().unwrap().1.swap_remove(0));
    let mut buffer = vec![0; 65536];
    loop {
        assert!(crate::bed::wait_for(pipe.as_fd(), DEADLINE));
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => rest.extend(&buffer[..count]),
            Err(_) => {}
        }
    }
    let in_spool = fs::metadata(&path).unwrap();
    assert_eq!(in_spool.len() + rest.len() as u64, 30_000_000);
    assert!(in_spool.blocks() * 512 <= CAP + 1024 * 1024);
}

fn the_streams_of_earlier_processes_are_kept() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let first = engine.spawn("web#0", 1, script("echo last words; exit 1"));
    engine.exit("web#0", 1);
    engine.spawn("web#0", 2, script("sleep 1000"));
    drop(first);
    engine.kill();
    let engine = bed.engine();
    engine.send(&Request::Hello);
    let mut found = Vec::new();
    loop {
        match engine.next() {
            (Notice::HeldStream { slot, generation, stream, pid }, mut descriptors) => {
                assert!(pid > 0);
                found.push((slot, generation, stream, read_all(descriptors.pop().unwrap())));
            }
            (Notice::HeldEnd, _) => break,
            _ => {}
        }
    }
    assert_eq!(
        found,
        [
            ("web#0".into(), 1, Stream::Stdout, "last words\n".into()),
            ("web#0".into(), 1, Stream::Stderr, String::new())
        ]
    );
    done_streams(&engine);
}

fn a_program_outlives_all_readers() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let path = bed.directory.path().join("alive");
    let text = format!(
        "while :; do echo x; sleep 0.02; n=$((n+1)); [ \"$n\" = 20 ] && touch {}; done",
        path.display()
    );
    let spawned = engine.spawn("web#0", 1, script(&text));
    read_line(&spawned.stdout);
    drop(spawned);
    done_streams(&engine);
    eventually("it goes on without a reader", || path.exists().then_some(()));
}
