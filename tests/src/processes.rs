//! Processes as /proc shows them.

use std::path::{Path, PathBuf};

/// One process of a sandbox.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its command line, or its name in brackets when it has none.
    pub command: String,
}

/// The processes that live (zombies excepted) and belong to `root`: their program, working directory or command line
/// lies in it.
///
/// # Panics
/// There is no /proc.
pub fn of(root: &Path) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("there is no /proc");
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let processes = pids.filter(|pid: &u32| *pid != std::process::id()).filter_map(|pid| belongs(pid, root));
    processes.collect()
}

fn belongs(pid: u32, root: &Path) -> Option<Process> {
    let link =
        |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_else(|_| PathBuf::new());
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned();
    let ours = link("exe").starts_with(root) || link("cwd").starts_with(root);
    let ours = ours || command.contains(&*root.to_string_lossy());
    (ours && is_alive(pid)).then_some(Process { pid, command })
}

/// Whether the process exists and is not a zombie.
pub fn is_alive(pid: u32) -> bool {
    !matches!(status_field(pid, "State").as_deref(), None | Some("Z" | "X"))
}

/// The first word of a field of /proc/PID/status.
pub fn status_field(pid: u32, field: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// Sends SIGKILL to a process that the caller has started, or had started.
///
/// # Panics
/// There is no such process.
pub fn kill(pid: u32) {
    signal(pid, rustix::process::Signal::KILL);
}

/// Sends a signal to a process that the caller has started, or had started.
///
/// # Panics
/// There is no such process.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let raw = i32::try_from(pid).expect("a pid is a positive i32");
    let pid = rustix::process::Pid::from_raw(raw).expect("a pid is not 0");
    rustix::process::kill_process(pid, signal)
        .unwrap_or_else(|error| panic!("failed to signal {raw}: {error}"));
}
