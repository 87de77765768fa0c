//! A keeper under test, and its engine, for which the test speaks.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use svcctl_keeper::protocol::{Held, Image, ImageSource, Notice, PACKET_MAX_BYTES, Request, Status};
use svcctl_keeper::wire;
use svcctl_os::linux::packet::{self, Received, Sent, Wait};
use svcctl_os::linux::poll::{Interest, Poller};
use svcctl_os::linux::procfs;
use tempfile::TempDir;

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Where a keeper that replaced another writes to.
pub(crate) const KEEPER_LOG: &str = "keeper.log";

/// How trees are kept together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trees {
    Group,
    Walk,
}

/// A keeper, and where its engines report to.
pub(crate) struct Bed {
    pub(crate) directory: TempDir,
    pub(crate) keeper: Child,
    listener: Option<UnixListener>,
}

/// An engine that runs and has handed its socket over.
pub(crate) struct Engine {
    pub(crate) pid: u32,
    socket: OwnedFd,
    control: UnixStream,
}

/// A process that was spawned, and its output.
pub(crate) struct Spawned {
    pub(crate) pid: u32,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

impl Bed {
    pub(crate) fn new(trees: Trees) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap().to_owned();
        let word = if trees == Trees::Walk { "walk" } else { "auto" };
        Self::with(limited().args(["__keeper", &path, word, "__engine", &path]), directory)
    }

    /// A keeper started by this command, whose engines report to this directory.
    pub(crate) fn with(command: &mut Command, directory: TempDir) -> Self {
        let socket = directory.path().join("test.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
        let keeper = command.stdin(Stdio::null()).spawn().unwrap();
        Self { directory, keeper, listener: Some(listener) }
    }

    /// Kills the keeper, and its engine, by SIGKILL, and starts another for the same directory.
    pub(crate) fn replace_keeper(mut self) -> Self {
        let engines: Vec<_> =
            descendants(self.keeper.id()).into_iter().filter(|entry| is_own(entry.pid)).collect();
        self.keeper.kill().unwrap();
        self.keeper.wait().unwrap();
        for entry in engines {
            procfs::kill(entry).unwrap();
        }
        let path = self.directory.path().to_str().unwrap().to_owned();
        let log = File::create(self.directory.path().join(KEEPER_LOG)).unwrap();
        self.keeper = own(&["__keeper", &path, "auto", "__engine", &path]).stderr(log).spawn().unwrap();
        self
    }

    /// The next engine that reports.
    pub(crate) fn engine(&self) -> Engine {
        let listener = self.listener.as_ref().unwrap();
        assert!(wait_for(listener.as_fd(), DEADLINE), "no engine was started in time");
        let (control, _) = listener.accept().unwrap();
        let mut pid = [0; 4];
        match packet::receive(&control, &mut pid, Wait::Yes).unwrap() {
            Received::Message(4, mut sockets) => {
                Engine { pid: u32::from_ne_bytes(pid), socket: sockets.pop().unwrap(), control }
            }
            other => panic!("{other:?}"),
        }
    }

    /// The next engine, greeted with nothing held.
    pub(crate) fn greeted(&self) -> Engine {
        let engine = self.engine();
        engine.send(&Request::Hello);
        assert!(matches!(engine.next().0, Notice::Welcome { .. }));
        assert_eq!(engine.next().0, Notice::HeldEnd);
        engine
    }

    /// Sends a signal to the keeper.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.keeper.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Sends SIGINT and waits until the keeper has read it, so that a second one is not taken for the same.
    fn interrupt(&self) {
        let pid = self.keeper.id();
        let _ = Command::new("kill").args(["-INT", &pid.to_string()]).status();
        eventually("the signal is read", || {
            if !is_alive(pid) {
                return Some(());
            }
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:\t"));
            let pending = pending.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0);
            (pending & 0b10 == 0).then_some(())
        });
    }

    /// Waits for the keeper's end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let keeper = &mut self.keeper;
        eventually("the keeper ends", || keeper.try_wait().unwrap())
    }
}

impl Drop for Bed {
    /// Interrupted twice, a keeper kills all that it has and takes its cgroups away.
    fn drop(&mut self) {
        // An engine that finds nobody listening ends.
        self.listener = None;
        for _ in 0..2 {
            if let Ok(None) = self.keeper.try_wait() {
                self.interrupt();
            }
        }
        let _ = self.keeper.wait();
    }
}

impl Engine {
    pub(crate) fn send(&self, request: &Request) {
        self.send_with(request, &[]);
    }

    pub(crate) fn send_with(&self, request: &Request, descriptors: &[BorrowedFd<'_>]) {
        self.send_bytes(&wire::encode(request).unwrap(), descriptors);
    }

    pub(crate) fn send_bytes(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
        assert_eq!(packet::send(&self.socket, bytes, descriptors, Wait::Yes).unwrap(), Sent::Whole);
    }

    /// Sends a request if the keeper still listens.
    pub(crate) fn try_send(&self, request: &Request) -> bool {
        packet::send(&self.socket, &wire::encode(request).unwrap(), &[], Wait::Yes).unwrap() == Sent::Whole
    }

    /// The next notice and its descriptors.
    pub(crate) fn next(&self) -> (Notice, Vec<OwnedFd>) {
        self.next_within(DEADLINE).expect("no notice came in time")
    }

    /// The same, if one comes in time.
    pub(crate) fn next_within(&self, within: Duration) -> Option<(Notice, Vec<OwnedFd>)> {
        if !wait_for(self.socket.as_fd(), within) {
            return None;
        }
        let mut buffer = vec![0; PACKET_MAX_BYTES];
        match packet::receive(&self.socket, &mut buffer, Wait::Yes).unwrap() {
            Received::Message(length, descriptors) => {
                Some((wire::decode(&buffer[..length]).unwrap(), descriptors))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Says hello and gives what is held, up to the end of it.
    pub(crate) fn hello(&self) -> (Notice, Vec<(Held, Vec<OwnedFd>)>) {
        self.send(&Request::Hello);
        let (welcome, _) = self.next();
        let mut all = Vec::new();
        loop {
            match self.next() {
                (Notice::Held(held), descriptors) => all.push((held, descriptors)),
                (Notice::HeldStream { .. }, _) => {}
                (Notice::HeldEnd, _) => return (welcome, all),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Asks for a process and waits for it.
    pub(crate) fn spawn(&self, slot: &str, generation: u64, image: Image) -> Spawned {
        self.request_spawn(slot, generation, image);
        match self.next() {
            (Notice::Spawned { slot: of, generation: number, pid, at }, mut streams) => {
                assert_eq!((of.as_str(), number, streams.len()), (slot, generation, 2));
                assert!(at > 0);
                let stderr = streams.pop().unwrap();
                Spawned { pid, stdout: streams.pop().unwrap(), stderr }
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn request_spawn(&self, slot: &str, generation: u64, image: Image) {
        let (slot, image) = (slot.to_owned(), ImageSource::Here(image));
        self.send(&Request::Spawn { slot, generation, image, state: b"state".to_vec() });
    }

    /// Asks for a process that cannot be, and gives the reason.
    pub(crate) fn refusal(&self, generation: u64, image: Image) -> String {
        self.request_spawn("web#0", generation, image);
        match self.next().0 {
            Notice::SpawnFailed { generation: number, message, .. } => {
                assert_eq!(number, generation);
                message
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits for an exit that leaves nobody, and acknowledges it.
    pub(crate) fn exit(&self, slot: &str, generation: u64) -> Status {
        let status = self.exit_unacknowledged(slot, generation);
        self.send(&Request::Acknowledge { slot: slot.to_owned(), generation });
        status
    }

    /// Waits for an exit that leaves nobody.
    pub(crate) fn exit_unacknowledged(&self, slot: &str, generation: u64) -> Status {
        let mut status = None;
        loop {
            match self.next().0 {
                Notice::Exited { slot: of, generation: number, status: how, tree_empty } => {
                    assert_eq!((of.as_str(), number), (slot, generation));
                    assert_eq!(status.replace(how), None, "told twice");
                    if tree_empty {
                        return how;
                    }
                }
                Notice::TreeEmpty { slot: of, generation: number } => {
                    assert_eq!((of.as_str(), number), (slot, generation));
                    return status.expect("the exit comes before the end of its tree");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// kill -9.
    pub(crate) fn kill(&self) {
        procfs::kill(procfs::process(self.pid).unwrap()).unwrap();
    }

    /// Says goodbye and ends.
    pub(crate) fn goodbye(mut self, exit_code: u8, keep: bool) {
        self.send(&Request::Goodbye { exit_code, keep });
        self.control.write_all(&[0]).unwrap();
    }

    /// Ends with this code, without a word.
    pub(crate) fn end(mut self, code: u8) {
        self.control.write_all(&[code]).unwrap();
    }
}

/// The image of a shell script, with a small environment.
pub(crate) fn script(text: &str) -> Image {
    image(&["/bin/sh", "-c", text])
}

/// An image, with a small environment.
pub(crate) fn image(argv: &[&str]) -> Image {
    Image {
        argv: argv.iter().map(|word| word.as_bytes().to_vec()).collect(),
        env: vec![b"PATH=/usr/bin:/bin".to_vec()],
        ..Image::default()
    }
}

/// The soft limit of open files that the keepers of [`Bed::new`] begin with.
pub(crate) const OPEN_FILES: &str = "1000";

/// This binary with that limit; its arguments are to follow.
fn limited() -> Command {
    let mut command = Command::new("/bin/sh");
    let script = format!("ulimit -S -n {OPEN_FILES}; exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    command
}

/// This binary in another role.
pub(crate) fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).stdin(Stdio::null());
    command
}

/// All that comes until nobody writes any more.
pub(crate) fn read_all(pipe: OwnedFd) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    let mut file = File::from(pipe);
    loop {
        assert!(wait_for(file.as_fd(), DEADLINE), "the output has no end");
        match file.read(&mut buffer) {
            Ok(0) => return String::from_utf8(all).unwrap(),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The next line.
pub(crate) fn read_line(pipe: &OwnedFd) -> String {
    let mut line = Vec::new();
    let mut file = File::from(pipe.try_clone().unwrap());
    loop {
        assert!(wait_for(pipe.as_fd(), DEADLINE), "no line came in time");
        let mut byte = [0];
        match file.read(&mut byte) {
            Ok(1) if byte != *b"\n" => line.push(byte[0]),
            Ok(_) => return String::from_utf8(line).unwrap(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whether there is something to read in time.
pub(crate) fn wait_for(descriptor: BorrowedFd<'_>, within: Duration) -> bool {
    let mut poller = Poller::new().unwrap();
    poller.add(descriptor, 0, Interest::Read).unwrap();
    let begun = Instant::now();
    // A wait can end without an event before its time, as when a signal comes.
    while let Some(left) = within.checked_sub(begun.elapsed()) {
        if !poller.wait(Some(left)).unwrap().is_empty() {
            return true;
        }
    }
    false
}

/// Waits until `what` gives something; for states that nothing tells of, such as files that a program writes.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// Whether this very process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    procfs::process(pid).is_some_and(|entry| !entry.zombie)
}

/// All live processes below this one.
pub(crate) fn descendants(pid: u32) -> Vec<procfs::Entry> {
    let all = procfs::processes();
    let mut found: Vec<procfs::Entry> = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for entry in all.iter().filter(|entry| entry.parent == parent && !entry.zombie) {
            parents.push(entry.pid);
            found.push(*entry);
        }
    }
    found
}

/// The names below a directory of cgroups that this keeper made.
pub(crate) fn contents(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A shell script that prints the numbers of its own open descriptors, without opening one for that.
pub(crate) const OPEN_DESCRIPTORS: &str =
    "n=0; while [ $n -lt 64 ]; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; n=$((n+1)); done; echo";

/// Whether a process is this binary in some role.
fn is_own(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path == std::env::current_exe().unwrap())
}
