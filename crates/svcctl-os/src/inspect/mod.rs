//! What the system says about itself, as plain data: for `svcctl doctor`, which judges it, and for `svcctl init`, which
//! guesses by it. Nothing here is decided, nothing is kept, and what cannot be read is absent.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

use std::net::SocketAddr;
use std::path::Path;

/// Whether the kernel has something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// It has.
    Yes,
    /// It has not, or does not let this process have it; what it says.
    No(String),
}

/// What of the kernel svcctl builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its release, such as `6.1.0`.
    pub release: String,
    /// Making processes (clone3).
    pub clone3: Support,
    /// Holding on to processes (pidfd).
    pub pidfd: Support,
    /// Identities of processes that no later one gets (pidfs, Linux 6.9).
    pub pidfs: Support,
    /// A group of its own for each service (cgroup v2, with cgroup.kill).
    pub cgroup: Support,
    /// Locks of open files (`F_OFD_SETLK`).
    pub ofd_locks: Support,
    /// Files in memory.
    pub memfd: Support,
    /// Whether this process sees a process table of its own, as in a container.
    pub own_pid_namespace: bool,
}

/// A soft and a hard limit; absent where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What counts.
    pub soft: Option<u64>,
    /// Up to where it may be raised.
    pub hard: Option<u64>,
}

/// How much of what this process and the machine may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open files of this process.
    pub open_files: Limit,
    /// Processes of this user.
    pub processes: Limit,
    /// Process numbers of the machine.
    pub pid_max: Option<u64>,
    /// Threads of the machine.
    pub threads_max: Option<u64>,
    /// Processes that are visible now.
    pub processes_now: u64,
    /// Watched files of this user.
    pub inotify_watches: Option<u64>,
    /// Watchers of this user.
    pub inotify_instances: Option<u64>,
}

/// A directory and the file system that it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its owner's number.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
    /// Whether this process may make files in it.
    pub writable: bool,
    /// Whether its file system is mounted read-only.
    pub read_only: bool,
    /// Free bytes, as an ordinary user has them.
    pub bytes_free: u64,
    /// All bytes.
    pub bytes_total: u64,
    /// Free inodes.
    pub inodes_free: u64,
    /// All inodes; 0 where the file system does not count them.
    pub inodes_total: u64,
}

/// A process that was started as a service and has no keeper above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its id.
    pub pid: u32,
    /// What its environment says that it is.
    pub instance: String,
}

/// The kernel; absent where this system is not one that svcctl keeps services on.
pub fn kernel() -> Option<Kernel> {
    system::kernel()
}

/// The limits.
pub fn limits() -> Option<Limits> {
    system::limits()
}

/// A directory that is there.
///
/// # Errors
/// What the system says, such as that there is none, or that it may not be looked at.
pub fn directory(path: &Path) -> std::io::Result<Directory> {
    system::directory(path)
}

/// Processes whose environment has `variable`, but no process named `keeper` among their ancestors.
pub fn orphans(variable: &str, keeper: &str) -> Vec<Orphan> {
    system::orphans(variable, keeper)
}

/// The slots that have live processes in the cgroups below a keeper's directory of this name, and these processes.
pub fn occupied_groups(name: &str) -> Vec<(String, Vec<u32>)> {
    system::occupied_groups(name)
}

/// Whether the user, and the group where one is named, exist; the error is a sentence fragment such as `user svc does
/// not exist`.
///
/// # Errors
/// They do not, or cannot be looked up.
pub fn account(user: Option<&str>, group: Option<&str>) -> Result<(), String> {
    system::account(user, group)
}

/// The processes that execute this file and are visible.
pub fn processes_of(program: &Path) -> Vec<u32> {
    system::processes_of(program)
}

/// A process and all that descend from it.
pub fn tree_of(pid: u32) -> Vec<u32> {
    system::tree_of(pid)
}

/// The addresses at which these processes accept TCP connections, each once, in order.
pub fn listeners(pids: &[u32]) -> Vec<SocketAddr> {
    system::listeners(pids)
}

/// The arguments of a process as it shows them now, the first included; none if it has ended or shows none.
pub fn arguments(pid: u32) -> Vec<String> {
    system::arguments(pid)
}
