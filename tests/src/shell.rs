//! A person's shell: a working directory with programs of theirs, svcctl in `PATH`, a root of its own.

use crate::net::free_address;
use crate::sandbox::Sandbox;
use regex::Regex;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The ports that documents write, each of which becomes one that is free.
const WRITTEN_PORTS: [&str; 3] = ["8080", "8081", "6379"];

/// What is printed anew at each run, and what stands for it.
const VOLATILE: [(&str, &str); 16] = [
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "…"),
    (r"\bpid \d+", "pid …"),
    (r"(pid:? +)\d+", "${1}…"),
    (r"\buid \d+", "uid …"),
    (r"/tmp/svcctl-edit-[^/]+", "/tmp/svcctl-edit-…"),
    (r"processes left: [\d, ]+", "processes left: …"),
    (r"(just now|\b\d+ (ms|s|m|h|d)( \d+ (s|m|h))? ago)", "…"),
    (r"\((\d+ (ms|s|m|h|d)( \d+ (s|m|h))?|\d+|\d\d-\d\d \d\d:\d\d)\)", "(…)"),
    (r"\bfor \d+ ?(ms|s|m|h|d)\b", "for …"),
    (r"\bin \d+(\.\d+)? ?(ms|s|m|h|d)( \d+ ?(s|m|h))?\b", "in …"),
    (r"\d+(\.\d+)? ?(KiB|MiB|GiB)\b", "… $2"),
    (r"\d+\.\d+ s of cpu", "… of cpu"),
    (r"\bAGE +PID +", "AGE … "),
    (r"(RUNNING|SCHEDULED|STOPPED|ERROR|STARTING|COMPLETED) +(\d+ (s|m)|-) +(\d+|-) +", "$1 … "),
    (r"(RUNS +FAILED|\(…\) +…) +", "$1 "),
    (r"kill [\d ]+", "kill …"),
];

/// A shell in a sandbox.
pub struct Shell {
    sandbox: Sandbox,
    home: PathBuf,
    ports: Vec<(&'static str, String)>,
}

impl Default for Shell {
    fn default() -> Self {
        Self::new()
    }
}

impl Shell {
    /// A shell with `./server` (serves HTTP) in its working directory.
    ///
    /// # Panics
    /// The sandbox cannot be made.
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let home = sandbox.make_directory("home");
        std::fs::copy(sandbox.fixture().program(), home.join("server")).expect("room for a program");
        let ports = WRITTEN_PORTS.map(|port| (port, free_address().port().to_string())).to_vec();
        Self { sandbox, home, ports }
    }

    /// The sandbox below it.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The working directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Runs a command to its end; gives its exit code, and what it printed: standard output, then standard error.
    ///
    /// # Panics
    /// There is no shell, or it takes longer than a minute.
    pub fn run(&self, command: &str) -> (i32, String) {
        let mut typed = command.to_owned();
        for (written, free) in &self.ports {
            typed = typed.replace(written, free);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(&typed).current_dir(&self.home).stdin(Stdio::null());
        shell.env("PATH", format!("{}:{path}", self.sandbox.path().join("bin").display()));
        shell.env("SVCCTL_ROOT", self.sandbox.root()).env("HOME", &self.home).env("TZ", "UTC");
        shell.env_remove("NO_COLOR").env_remove("EDITOR").env_remove("VISUAL");
        shell.env("SANDBOX", self.sandbox.path());
        let ran = self.sandbox.run(shell);
        (ran.code.unwrap_or(-1), format!("{}{}", ran.stdout, ran.stderr))
    }

    /// What was printed, with all that is another at each run replaced by `…` or by what documents write.
    ///
    /// # Panics
    /// Never: the expressions are sound.
    pub fn normal(&self, printed: &str) -> String {
        let mut text = printed.to_owned();
        for (written, free) in &self.ports {
            text = text.replace(free.as_str(), written);
        }
        text = text.replace(&*self.home.to_string_lossy(), "/home/ada");
        text = text.replace(&*self.sandbox.root().to_string_lossy(), "/root-of-svcctl");
        text = text.replace(&*self.sandbox.path().to_string_lossy(), "/sandbox");
        for (expression, instead) in VOLATILE {
            text =
                Regex::new(expression).expect("a sound expression").replace_all(&text, instead).into_owned();
        }
        text
    }

    /// All that a mistake must leave as it is: the files of services, and what each service is and does.
    ///
    /// # Panics
    /// The files cannot be read.
    pub fn fingerprint(&self) -> String {
        let mut seen = String::new();
        let services = self.sandbox.root().join("services");
        let mut files: Vec<PathBuf> = std::fs::read_dir(&services)
            .map(|found| found.flatten().map(|one| one.path()).collect())
            .unwrap_or_default();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let _ = writeln!(seen, "{}\n{text}", file.display());
        }
        let ran = self.sandbox.svcctl(&["list", "--output", "json"]);
        let list: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let services = list.get("services").unwrap_or(&list).as_array().cloned().unwrap_or_default();
        for service in services {
            for key in ["name", "desired", "pid", "revision", "held", "autostart"] {
                let _ = write!(seen, "{key}={} ", service[key]);
            }
            seen.push('\n');
        }
        seen
    }
}
