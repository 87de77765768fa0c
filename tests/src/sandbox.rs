//! A root of its own for each test, with svcctl and the fixture in it.
//!
//! Both programs are copied into the sandbox: so its processes are known by their program's path, and a test may run
//! them as a user who cannot see where they were built.

use crate::fixture::Fixture;
use crate::processes::{self, Process};
use crate::wait::{SOON, wait_until};
use serde_json::Value;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one command of svcctl may take.
const COMMAND_WITHIN: Duration = Duration::from_mins(1);

/// How long the kernel may take for the end of a process that has closed its files.
const ENDED_WITHIN: Duration = Duration::from_secs(2);

/// The programs under test, as they were built.
#[derive(Clone, Debug)]
pub struct Programs {
    /// svcctl.
    pub svcctl: PathBuf,
    /// The fixture.
    pub fixture: PathBuf,
}

impl Programs {
    /// Those that `SVCCTL_BIN` and `SVCCTL_FIXTURE` name.
    ///
    /// # Panics
    /// They name none.
    pub fn from_env() -> Self {
        let named = |variable: &str| {
            let program = std::env::var_os(variable).map(PathBuf::from);
            program.unwrap_or_else(|| {
                panic!("{variable} is not set; `cargo xtask test --only blackbox` does that")
            })
        };
        Self { svcctl: named("SVCCTL_BIN"), fixture: named("SVCCTL_FIXTURE") }
    }
}

/// A root for svcctl and everything that a test starts below it.
pub struct Sandbox {
    directory: TempDir,
    root: PathBuf,
    fixture: Fixture,
    user: Option<u32>,
    variables: Vec<(String, String)>,
}

/// What a command of svcctl came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ran {
    /// Checks that the exit code is `code`.
    ///
    /// # Panics
    /// It is another one; all that is known is shown.
    #[track_caller]
    pub fn code(&self, code: i32) -> &Self {
        let Self { command, stdout, stderr, .. } = self;
        assert_eq!(self.code, Some(code), "exit code of {command}\nstdout: {stdout}\nstderr: {stderr}");
        self
    }

    /// Checks that standard error has `text` in it.
    ///
    /// # Panics
    /// It has not.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "{} does not say {text:?} but: {}", self.command, self.stderr);
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        let Self { command, stdout, .. } = self;
        serde_json::from_str(stdout)
            .unwrap_or_else(|error| panic!("{command} printed no JSON ({error}): {stdout}"))
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// A new one, with nothing installed and no daemon, for the programs of [`Programs::from_env`].
    ///
    /// # Panics
    /// There are none, or they cannot be copied.
    pub fn new() -> Self {
        Self::of(&Programs::from_env())
    }

    /// A new one, with nothing installed and no daemon.
    ///
    /// # Panics
    /// The programs cannot be copied.
    pub fn of(programs: &Programs) -> Self {
        let directory =
            tempfile::Builder::new().prefix("svcctl-test-").tempdir().expect("a temporary directory");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open).expect("a directory of ours");
        let place = directory.path().join("bin");
        std::fs::create_dir(&place).expect("room for a directory");
        for (program, name) in [(&programs.svcctl, "svcctl"), (&programs.fixture, "fixture")] {
            copy_program(program, &place.join(name));
        }
        let fixture = Fixture::at(place.join("fixture"));
        let root = directory.path().join("root");
        Self { directory, root, fixture, user: None, variables: Vec::new() }
    }

    /// Runs svcctl (and so the daemon and its services) as the user `uid`, who has no rights.
    ///
    /// # Panics
    /// The sandbox cannot be given to that user (the test does not run as root).
    #[must_use]
    pub fn as_user(mut self, uid: u32) -> Self {
        std::os::unix::fs::chown(self.path(), Some(uid), Some(uid)).expect("root may give a directory away");
        self.user = Some(uid);
        self
    }

    /// Takes a directory further down as the root; `name` may have several parts.
    #[must_use]
    pub fn with_root(mut self, name: &str) -> Self {
        self.root = self.file(name);
        self
    }

    /// Sets a variable for every command of svcctl, and so for the daemon that it starts.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The sandbox's directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What is given to svcctl as `--root`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or directory in the sandbox, outside of svcctl's root.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Makes a directory in the sandbox, outside of svcctl's root, that every user may write to.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn make_directory(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::create_dir(&path).expect("room for a directory");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).expect("a directory of ours");
        path
    }

    /// The programs that are supervised in tests.
    pub fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    /// Runs `svcctl --root ROOT WORDS` to its end.
    ///
    /// # Panics
    /// It cannot be started, or takes too long.
    #[track_caller]
    pub fn svcctl<S: AsRef<str>>(&self, words: &[S]) -> Ran {
        self.run(self.command(words))
    }

    /// Installs `name` with these options and this program, and checks that it went well.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn install(&self, name: &str, options: &[&str], exec: &[String]) {
        let words = [&["install", name], options, &["--"]].concat().into_iter().map(str::to_owned);
        self.svcctl(&words.chain(exec.iter().cloned()).collect::<Vec<_>>()).code(0);
    }

    /// The command `svcctl --root ROOT WORDS`, for tests that do something while it runs.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let program = self.path().join("bin/svcctl");
        let mut command = match self.user {
            None => Command::new(program),
            Some(uid) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={uid}")).arg(format!("--regid={uid}")).arg("--clear-groups");
                command.arg(program);
                command
            }
        };
        command.arg("--root").arg(self.root()).args(words.iter().map(AsRef::as_ref));
        command.current_dir(self.path()).env_remove("SVCCTL_ROOT").stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command of [`Sandbox::command`] to its end and collects what it writes.
    ///
    /// # Panics
    /// It cannot be started, or takes too long.
    #[track_caller]
    pub fn run(&self, mut command: Command) -> Ran {
        let shown =
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("failed to start svcctl: {error}"));
        let ended = finish(child, COMMAND_WITHIN);
        let Some((status, stdout, stderr)) = ended else {
            panic!("svcctl {shown}: no end within {COMMAND_WITHIN:?}")
        };
        Ran { command: shown, code: status.code(), stdout, stderr }
    }

    /// The state of one service.
    ///
    /// # Panics
    /// There is no such service, or it is not shown as JSON.
    #[track_caller]
    pub fn status(&self, name: &str) -> Value {
        let answer = self.svcctl(&["status", name, "--output", "json"]).json();
        let service = answer.get("services").map_or(&answer, |services| &services[0]);
        assert_eq!(service["name"], name, "status of {name}: {answer}");
        service.clone()
    }

    /// The main process of a service.
    ///
    /// # Panics
    /// It has none.
    #[track_caller]
    pub fn pid(&self, name: &str) -> u32 {
        let status = self.status(name);
        let pid = status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.unwrap_or_else(|| panic!("{name} has no process: {status}"))
    }

    /// Waits until a service's state is as `look` wants it, and gives it.
    ///
    /// # Panics
    /// It does not come to that soon.
    #[track_caller]
    pub fn wait_for(&self, name: &str, what: &str, look: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{name} {what}");
        wait_until(SOON, &what, || {
            let ran = self.svcctl(&["status", name, "--output", "json"]);
            let answer: Value = serde_json::from_str(&ran.stdout).ok()?;
            let service = answer.get("services").map_or(&answer, |services| &services[0]);
            look(service).then(|| service.clone())
        })
    }

    /// The messages in the log of a service that its program wrote, from the first on.
    ///
    /// # Panics
    /// The log cannot be read.
    #[track_caller]
    pub fn messages(&self, name: &str) -> Vec<String> {
        let records = self.records(name).into_iter();
        let own = records.filter(|record| record["event.dataset"] != "svcctl");
        own.map(|record| record["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The records in the log of a service, from the first on.
    ///
    /// # Panics
    /// The log cannot be read.
    #[track_caller]
    pub fn records(&self, name: &str) -> Vec<Value> {
        let ran = self.svcctl(&["logs", name, "-n", "all", "--output", "json"]);
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("a record of {name} ({error}): {line}"))
        };
        ran.code(0).stdout.lines().map(parse).collect()
    }

    /// What `daemon status` says.
    ///
    /// # Panics
    /// There is no daemon.
    #[track_caller]
    pub fn daemon(&self) -> Value {
        self.svcctl(&["daemon", "status", "--output", "json"]).code(0).json()
    }

    /// The engine's process.
    ///
    /// # Panics
    /// There is no daemon.
    #[track_caller]
    pub fn engine_pid(&self) -> u32 {
        let daemon = self.daemon();
        let pid = daemon["engine_pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.unwrap_or_else(|| panic!("daemon status names no engine: {daemon}"))
    }

    /// Kills the engine, and waits until the next one answers; gives that one's pid.
    ///
    /// # Panics
    /// There is no daemon, or no next engine comes soon.
    #[track_caller]
    pub fn kill_engine(&self) -> u32 {
        let old = self.engine_pid();
        processes::kill(old);
        wait_until(SOON, "a new engine answers", || {
            let ran = self.svcctl(&["daemon", "status", "--output", "json"]);
            let status: Value = serde_json::from_str(&ran.stdout).ok()?;
            let pid = u32::try_from(status["engine_pid"].as_u64()?).ok()?;
            (ran.code == Some(0) && pid != old).then_some(pid)
        })
    }

    /// Stops the daemon with its services, if there is one.
    ///
    /// # Panics
    /// It does not stop.
    #[track_caller]
    pub fn stop_daemon(&self) {
        let ran = self.svcctl(&["daemon", "stop"]);
        assert!(matches!(ran.code, Some(0 | 10)), "daemon stop: {:?}\n{}", ran.code, ran.stderr);
    }

    /// The processes that live and belong to this sandbox.
    pub fn processes(&self) -> Vec<Process> {
        processes::of(self.path())
    }
}

impl Drop for Sandbox {
    /// Stops the daemon and looks that nothing lives on. What does is killed, and the test fails, unless it has failed
    /// already.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_daemon_log();
        } else {
            self.stop_daemon();
        }
        let left = self.left_processes();
        for process in &left {
            if let Some(pid) = i32::try_from(process.pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        assert!(std::thread::panicking() || left.is_empty(), "processes are left: {left:#?}");
    }
}

impl Sandbox {
    /// What lives on after the daemon has ended. It has closed its lock when `daemon stop` answers, and is seen by
    /// others until the kernel is done with it.
    fn left_processes(&self) -> Vec<Process> {
        let began = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() || std::thread::panicking() || began.elapsed() > ENDED_WITHIN {
                return left;
            }
            std::thread::yield_now();
        }
    }

    /// A test has failed: what the daemon has to say helps to see why.
    fn show_daemon_log(&self) {
        let Ok(logs) = std::fs::read_dir(self.root().join("logs")) else { return };
        for path in logs.flatten().map(|entry| entry.path()) {
            let own =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains("svcctl"));
            if let (true, Ok(text)) = (own, std::fs::read_to_string(&path)) {
                eprintln!("{}:\n{text}", path.display());
            }
        }
    }
}

/// Copies a program by a process of its own: were it open for writing here while another test starts a process, that
/// one would hold it open too, and it could not be run ("text file busy").
fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status().expect("cp(1) is there");
    assert!(status.success(), "{} cannot be copied", from.display());
}

/// Waits for the end of a child and of its output; `None` (and the child is killed) if that takes too long. Output
/// that a process left behind holds open counts as no end: a command of svcctl must not do that.
fn finish(mut child: Child, within: Duration) -> Option<(ExitStatus, String, String)> {
    let (sender, receiver) = mpsc::channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    for (index, pipe) in pipes.into_iter().enumerate() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_end(&mut bytes);
            }
            let _ = sender.send((index, String::from_utf8_lossy(&bytes).into_owned()));
        });
    }
    let mut texts = [String::new(), String::new()];
    for _ in 0..texts.len() {
        let Ok((index, text)) = receiver.recv_timeout(within) else {
            let _ = child.kill();
            return None;
        };
        texts[index] = text;
    }
    let [stdout, stderr] = texts;
    child.wait().ok().map(|status| (status, stdout, stderr))
}
