//! `fixture MODE ARGUMENTS`: programs as they are at their worst, for the black-box tests.
//!
//! It uses only what any program has; nothing here knows svcctl. See `src/fixture.rs` for what each mode promises.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How many generations a tree has below its first process.
const TREE_DEPTH: u32 = 5;

fn main() {
    let began = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["stay"] => stay(),
        ["exit", code] => std::process::exit(number(code)),
        ["last-words", runs, lines, stay_at] => last_words(Path::new(runs), number(lines), number(stay_at)),
        ["lines", written, pause_us] => lines(Path::new(written), Duration::from_micros(number(pause_us))),
        ["tree", pids] => tree(pids, TREE_DEPTH),
        ["branch", pids, depth] => branch(pids, number(depth)),
        ["ignore-term"] => ignoring_term(&["say-and-stay", "ready"]),
        ["say-and-stay", text] => {
            println!("{text}");
            stay()
        }
        ["serve", address, delay_ms] => serve(address, Duration::from_millis(number(delay_ms))),
        ["--port", port] => serve_http(number(port)),
        ["show"] => show(),
        ["invalid-bytes"] => invalid_bytes(),
        ["hold-stdout", pids] => hold_stdout(pids),
        ["enter-and-stay", pids] => {
            rustix::process::setsid().expect("a child of ours leads no group");
            enter(Path::new(pids));
            stay()
        }
        ["note-start", starts] => note_start(Path::new(starts), began),
        other => panic!("no such mode: {other:?}"),
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("an argument that is a number")
}

fn stay() -> ! {
    loop {
        std::thread::park();
    }
}

fn append(path: &Path, line: &str) {
    let mut file =
        OpenOptions::new().create(true).append(true).open(path).expect("a file that can be appended to");
    file.write_all(line.as_bytes()).expect("room for a line");
}

/// Enters this process's pid into the file.
fn enter(pids: &Path) {
    append(pids, &format!("{}\n", std::process::id()));
}

/// The runs are counted by the file itself: each appends one byte before it writes anything else. Runs of one
/// service never overlap, so the size is this run's number.
fn last_words(runs: &Path, lines: u32, stay_at: u32) {
    let run = std::fs::metadata(runs).map_or(0, |metadata| metadata.len());
    append(runs, ".");
    if run >= u64::from(stay_at) {
        stay();
    }
    let text = (0..lines).fold(String::new(), |text, line| text + &format!("{run}.{line}\n"));
    rustix::io::write(rustix::stdio::stdout(), text.as_bytes()).expect("a pipe that takes the last words");
    std::process::exit(7);
}

/// One `write` for each line; once it has returned, the line counts as written.
fn lines(written: &Path, pause: Duration) {
    let pid = std::process::id();
    let count = File::create(written.join(pid.to_string())).expect("a directory for the counts");
    for line in 0_u64.. {
        let text = format!("{pid}.{line}\n");
        let sent =
            rustix::io::write(rustix::stdio::stdout(), text.as_bytes()).expect("a pipe that takes lines");
        assert_eq!(sent, text.len(), "a line below PIPE_BUF is written whole");
        count.write_all_at(&(line + 1).to_le_bytes(), 0).expect("room for a count");
        // real delay: the rate of this program's output.
        std::thread::sleep(pause);
    }
}

/// Enters itself, and goes on as a process that ignores TERM and has a branch below it.
fn tree(pids: &str, depth: u32) {
    ignoring_term(&["branch", pids, &depth.to_string()]);
}

/// One process of the tree. Those of even depth end once their child is there, so that it is left to whoever takes
/// orphans; the others stay.
#[expect(clippy::zombie_processes, reason = "leaving a child behind is what this is for")]
fn branch(pids: &str, depth: u32) {
    enter(Path::new(pids));
    if depth > 0 {
        let mut child = own_session(&["branch", pids, &(depth - 1).to_string()]);
        if depth.is_multiple_of(2) {
            return;
        }
        let _ = child.wait();
    }
    stay()
}

/// Starts this program with `words` in a session of its own, ignoring TERM like this process.
fn own_session(words: &[&str]) -> std::process::Child {
    Command::new("setsid")
        .arg(own_program())
        .args(words)
        .stdin(Stdio::null())
        .spawn()
        .expect("setsid(1) is there")
}

/// Becomes this program with `words`, with TERM, HUP and INT ignored: a shell sets that, and it outlives exec.
fn ignoring_term(words: &[&str]) {
    use std::os::unix::process::CommandExt;
    let script = "trap '' TERM HUP INT; exec \"$0\" \"$@\"";
    let error = Command::new("/bin/sh").arg("-c").arg(script).arg(own_program()).args(words).exec();
    panic!("failed to become a shell: {error}");
}

fn own_program() -> std::path::PathBuf {
    std::env::current_exe().expect("a program has a path")
}

fn serve(address: &str, delay: Duration) {
    // real delay: a program that needs its time to begin.
    std::thread::sleep(delay);
    let listener = TcpListener::bind(address).expect("a free address");
    println!("listening on {address}");
    for stream in listener.incoming() {
        answer(stream.expect("a connection"));
    }
}

/// A small web server: `/health` is well, `/crash` ends it with code 1, anything else is greeted. HUP is noted.
fn serve_http(port: u16) {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).unwrap_or_else(|error| {
        eprintln!("cannot listen on port {port}: {error}");
        std::process::exit(1)
    });
    let mut signals =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGHUP]).expect("HUP can be caught");
    std::thread::spawn(move || signals.forever().for_each(|_| println!("configuration read again")));
    println!("listening on port {port}");
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let mut request = String::new();
        let read = BufReader::new(stream.try_clone().expect("a second handle")).read_line(&mut request);
        if read.is_err() {
            continue;
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        if path == "/crash" {
            eprintln!("crashing, as asked");
            std::process::exit(1);
        }
        println!("GET {path}");
        let body = if path == "/health" { "well\n" } else { "hello\n" };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    }
}

fn answer(mut stream: TcpStream) {
    let mut said = String::new();
    let read = BufReader::new(stream.try_clone().expect("a second handle")).read_line(&mut said);
    if read.is_err() {
        return;
    }
    match said.trim() {
        "crash" => std::process::exit(9),
        "ping" => {
            let _ = stream.write_all(b"pong\n");
        }
        _ => {}
    }
}

fn show() {
    use rustix::process::{getegid, geteuid, getgroups, getsid};
    println!("uid {}", geteuid().as_raw());
    println!("gid {}", getegid().as_raw());
    let groups = getgroups().expect("groups can be asked for");
    println!("groups {:?}", groups.iter().map(|group| group.as_raw()).collect::<Vec<_>>());
    println!("cwd {}", std::env::current_dir().expect("a working directory").display());
    println!("leads its session {}", getsid(None).is_ok_and(|session| session == rustix::process::getpid()));
    println!("stdin {}", std::fs::read_link("/proc/self/fd/0").expect("standard input").display());
    let mut open: Vec<_> =
        std::fs::read_dir("/proc/self/fd").expect("a list of descriptors").flatten().collect();
    open.retain(|entry| !entry.file_name().to_str().is_some_and(|name| matches!(name, "0" | "1" | "2")));
    // Reading the directory takes one descriptor itself.
    println!("other descriptors {}", open.len().saturating_sub(1));
    std::env::vars().for_each(|(name, value)| println!("env {name}={value}"));
    println!("that is all");
    stay()
}

fn invalid_bytes() {
    let text = b"before\nbroken \xff\xfe here\nafter\n";
    rustix::io::write(rustix::stdio::stdout(), text).expect("a pipe that takes bytes");
    stay()
}

#[expect(clippy::zombie_processes, reason = "leaving a child behind is what this is for")]
fn hold_stdout(pids: &str) {
    let holder = Command::new(own_program()).args(["enter-and-stay", pids]).stdin(Stdio::null()).spawn();
    holder.expect("this program can be started");
    // Once this process has ended, the other one may be ended at any moment.
    while !std::fs::read_to_string(pids).is_ok_and(|text| text.ends_with('\n')) {
        std::thread::yield_now();
    }
    println!("gone, and my output is still held");
}

fn note_start(starts: &Path, began: rustix::time::Timespec) {
    let nanoseconds = i128::from(began.tv_sec) * 1_000_000_000 + i128::from(began.tv_nsec);
    append(starts, &format!("{nanoseconds} {}\n", std::process::id()));
    stay()
}
