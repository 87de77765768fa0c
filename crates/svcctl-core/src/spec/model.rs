//! The specification of one service, checked and with every default filled in.
//!
//! A value of these types is valid in itself; what it means among others (unknown dependencies, cycles) is checked by
//! [`super::validate`]. Keys of the full format that have no effect yet are not here: [`super::decode()`] refuses
//! them by name, so that nobody relies on what does nothing.

mod activation;
mod check;

pub use activation::{
    Hook, Hooks, Missed, Overlap, PathEvent, Reload, ReloadHow, Schedule, Timing, Trigger, TriggerOn,
};
pub use check::{Check, Condition, Health, HealthProbe, HttpCheck, Ready, TcpTarget};

use super::template::Template;
use crate::ident::ServiceName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One service, as its owner wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// Its name.
    pub name: ServiceName,
    /// A name for people; the name itself when absent.
    pub display_name: Option<String>,
    /// What it does, for people.
    pub description: Option<String>,
    /// Who runs it; resolved at install, so it is never `auto` here.
    pub manager: Manager,
    /// Program and arguments; at least the program, which is an absolute path or a name to be found in `PATH`.
    pub exec: Vec<Template>,
    /// Working directory (absolute); the root directory when absent.
    pub cwd: Option<Template>,
    /// The user to run as (name or number); the daemon's own when absent.
    pub user: Option<String>,
    /// The primary group (name or number); the user's own when absent.
    pub group: Option<String>,
    /// Supplementary groups; the user's own when absent.
    pub groups: Option<Vec<String>>,
    /// The mask of permission bits that its new files do not get (POSIX `umask`); the daemon's own when absent.
    pub umask: Option<u32>,
    /// Variables set for the program; they outrank those of `env_file`.
    pub env: BTreeMap<String, Template>,
    /// Files of `NAME=value` lines, read at each start; a later one outranks an earlier one.
    pub env_file: Vec<EnvFile>,
    /// Variables taken over from the daemon's environment beside `PATH HOME USER LANG TZ`.
    pub inherit_env: InheritEnv,
    /// Whether a boot of the machine starts it.
    pub autostart: bool,
    /// What must be there before it starts.
    pub depends_on: BTreeMap<ServiceName, DependencyKind>,
    /// What "running" means for it.
    pub kind: Kind,
    /// Rules for the start.
    pub start: Start,
    /// How it is known to be ready; without it, a program is ready once its exec succeeded.
    pub ready: Option<Ready>,
    /// How it is known to be well while it runs.
    pub health: Health,
    /// Rules for what follows an exit.
    pub restart: Restart,
    /// Rules for the stop.
    pub stop: Stop,
    /// How it takes up a changed configuration of its own.
    pub reload: Option<Reload>,
    /// When it runs by itself; it is [`Kind::Oneshot`] then, and has no `trigger`.
    pub schedule: Option<Schedule>,
    /// What makes it run; it is [`Kind::Oneshot`] then, and has no `schedule`.
    pub trigger: Option<Trigger>,
    /// Limits of its processes.
    pub limits: Limits,
    /// Programs run around it.
    pub hooks: Hooks,
}

/// A file of `NAME=value` lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvFile {
    /// Where (absolute).
    pub path: Template,
    /// Whether it may be missing.
    pub optional: bool,
}

/// Resource limits of every process of a service (POSIX `setrlimit`, soft and hard alike); the daemon's own where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most open files (`RLIMIT_NOFILE`).
    pub open_files: Option<Amount>,
    /// The most processes of its user (`RLIMIT_NPROC`).
    pub processes: Option<Amount>,
    /// The largest core file, in bytes (`RLIMIT_CORE`).
    pub core: Option<Amount>,
    /// The largest file it may write, in bytes (`RLIMIT_FSIZE`).
    pub file_size: Option<Amount>,
    /// The largest stack, in bytes (`RLIMIT_STACK`).
    pub stack: Option<Amount>,
    /// The most locked memory, in bytes (`RLIMIT_MEMLOCK`).
    pub locked_memory: Option<Amount>,
    /// The most address space, in bytes (`RLIMIT_AS`).
    pub address_space: Option<Amount>,
}

/// How much of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amount {
    /// At most so much.
    At(u64),
    /// As much as there is.
    Unlimited,
}

/// Who runs a service. More managers come with their own issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// svcctl's own daemon.
    Embedded,
}

/// Which variables of the daemon's environment a program sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InheritEnv {
    /// The usual few and these.
    These(Vec<String>),
    /// All of them (what `svcctl run` does).
    All,
}

/// What a dependant waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// The dependency runs and is ready.
    Ready,
    /// Its process has been started.
    Started,
    /// It ended with success (a oneshot).
    Completed,
}

/// What "running" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A program that stays.
    Simple,
    /// A program that does one thing and ends; success completes it.
    Oneshot,
}

/// Rules for the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// How long from the spawn to readiness (for a oneshot: to its end) before it counts as failed.
    pub timeout: Option<Duration>,
    /// What must hold before each spawn; asked again and again until all of it does.
    pub when: Vec<Condition>,
}

/// When a program that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Whatever its exit was.
    Always,
    /// After anything but success.
    OnFailure,
    /// Never.
    Never,
}

/// Rules for what follows an exit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// When at all.
    pub policy: RestartPolicy,
    /// How long to wait.
    pub pause: Pause,
    /// When to give up; never when absent.
    pub limit: Option<Limit>,
    /// Exit codes that count as success.
    pub success_codes: Vec<i32>,
    /// Exit codes after which it is never started again.
    pub never_on: Vec<i32>,
}

/// How long to wait before a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pause {
    /// Always this long, also the first time.
    Fixed(Duration),
    /// The first restart at once, then longer and longer.
    Backoff(Backoff),
}

/// The n-th restart in a row (n ≥ 2) waits `initial × factor^(n−2)`, at most `max`, changed by up to ± `jitter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// The wait before the second restart in a row.
    pub initial: Duration,
    /// By how much each wait is longer than the last, in thousandths (2000 = twice); at least 1000.
    pub factor_permille: u32,
    /// The longest wait (before jitter).
    pub max: Duration,
    /// The share of the wait that is left to chance, in thousandths (100 = ± 10 %); at most 1000.
    pub jitter_permille: u32,
    /// After running this long, the next exit is the first in a row again.
    pub reset_after: Duration,
}

/// More than `count` restarts in a window of `within` are too many. The window opens with its first restart (as
/// systemd's start limit does), it does not slide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many restarts are allowed in a window.
    pub count: u32,
    /// How long the window is.
    pub within: Duration,
}

/// Rules for the stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// When the whole tree is killed, whatever the steps say.
    pub timeout: Duration,
    /// What is done, in order; each step that waits has its time, the last waits until the timeout.
    pub steps: Vec<StopStep>,
}

/// One step of a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopStep {
    /// A signal to the main process (and to what outlives it), then a wait; up to the stop timeout when `wait` is absent.
    Signal {
        /// Which.
        signal: Signal,
        /// How long before the next step.
        wait: Option<Duration>,
    },
    /// A program that makes the service end, then a wait for that.
    Command {
        /// What to run.
        command: Hook,
        /// How long before the next step, counted from its begin; up to the stop timeout when absent.
        wait: Option<Duration>,
    },
    /// SIGKILL to every process of the tree, until none is left.
    KillTree,
}

/// A signal by its POSIX name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// SIGHUP
    Hup,
    /// SIGINT
    Int,
    /// SIGQUIT
    Quit,
    /// SIGKILL
    Kill,
    /// SIGUSR1
    Usr1,
    /// SIGUSR2
    Usr2,
    /// SIGTERM
    Term,
    /// SIGWINCH
    Winch,
}
