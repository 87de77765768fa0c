//! What the supervisor is told.

use super::memo::Memo;
use crate::ident::{InstanceId, ServiceName, SlotKey};
use crate::spec::ServiceSpec;
use crate::spec::model::Signal;
use crate::time::{Mono, Wall};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The number under which an answer is awaited; the shell's, unique among those open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One thing that happened. Events about a process name it; those of a stale generation are dropped.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody wants something; it is answered by exactly one `Reply` with this ticket.
    Command(Ticket, Command),
    /// At the beginning of an engine: a service that the store holds. Comes before `Adopted` and `Resumed`.
    Restored(Restored),
    /// At the beginning of an engine: what the keeper holds for a slot. At most one for each slot; a slot of a service
    /// that the store does not know is killed and let go.
    Adopted(Adopted),
    /// At the beginning of an engine: all `Restored` and `Adopted` have come, work begins. Until then nothing is
    /// spawned or signalled.
    Resumed,
    /// The process exists and its exec succeeded.
    Spawned(InstanceId, Process),
    /// There is no process.
    SpawnFailed(InstanceId, SpawnError),
    /// The main process ended.
    Exited {
        /// Which.
        id: InstanceId,
        /// How.
        status: ExitStatus,
        /// Whether no descendant lives on; else `TreeEmpty` comes once that is so.
        tree_empty: bool,
    },
    /// No process of the tree is left (after an `Exited` that left some).
    TreeEmpty(InstanceId),
    /// The tree could not be ended: these pids remain after all that could be done (for example in uninterruptible sleep).
    TreeStuck(InstanceId, Vec<u32>),
    /// One attempt of a probe was answered.
    Probe(ProbeId, ProbeResult),
    /// A hook is done.
    HookDone(HookId, HookResult),
    /// Something changed at the paths that are watched; which paths, as far as they are known.
    Changed(WatchId, Vec<String>),
    /// The wall clock jumped (it was set, or the machine slept): what is due by it is to be looked at again.
    ClockJumped,
}

/// A probe: about whom, and which of its questions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId {
    /// The process; for a condition or a trigger, the last one of the slot (there may be none now).
    pub id: InstanceId,
    /// Which question.
    pub what: ProbeWhat,
}

/// Which question of a specification a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeWhat {
    /// `ready`.
    Ready,
    /// `health.liveness`.
    Liveness,
    /// `health.readiness`.
    Readiness,
    /// `start.when`, by place in the list.
    Condition(u16),
    /// `trigger.condition`.
    Trigger,
}

/// A run of a hook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookId {
    /// The process it is for (which may be there no more, or not yet).
    pub id: InstanceId,
    /// Which hook.
    pub what: HookWhat,
    /// Its place in the list; 0 where there is one.
    pub index: u16,
}

/// Which hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HookWhat {
    /// `hooks.before_start`.
    BeforeStart,
    /// `hooks.after_start`.
    AfterStart,
    /// `hooks.before_stop`.
    BeforeStop,
    /// `hooks.after_exit`.
    AfterExit,
    /// `reload.command`.
    Reload,
    /// A `command` of `stop.steps`.
    StopStep,
}

impl HookWhat {
    /// The word in the specification, and in `SVCCTL_HOOK`.
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeStart => "before_start",
            Self::AfterStart => "after_start",
            Self::BeforeStop => "before_stop",
            Self::AfterExit => "after_exit",
            Self::Reload => "reload",
            Self::StopStep => "stop",
        }
    }
}

/// What a hook came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookResult {
    /// It ended with code 0.
    Ok,
    /// It did not, for this reason: `exited with code 3; it said: last line of its output`, `took longer than 10 s`.
    Failed(String),
}

/// A watch: whose, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId {
    /// The service.
    pub name: ServiceName,
    /// For what.
    pub what: WatchWhat,
}

/// What a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchWhat {
    /// `reload.watch`.
    Reload,
    /// `trigger.path`.
    Trigger,
}

/// A process that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it was spawned.
    pub since: Mono,
    /// The same, for people.
    pub since_wall: Wall,
}

/// A service as the store holds it.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What it is.
    pub spec: Arc<ServiceSpec>,
    /// Which revision of the specification that is; from 1, rising with every change.
    pub revision: u64,
    /// What was wanted of it (after a boot, the shell gives what `autostart` says).
    pub desired: super::state::Desired,
    /// Why it is held, if it is.
    pub held: Option<Hold>,
    /// What is known of its runs, if it has a schedule or a trigger.
    pub job: Option<JobRecord>,
}

/// That a service is not to be started, whatever is wanted of it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What the one who held it said; may be empty.
    pub reason: String,
    /// Since when.
    pub since: Wall,
}

/// What is known of the runs of a service that has a schedule or a trigger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The last time that was due by the schedule and taken into account (run, skipped or missed).
    pub last_due: Option<Wall>,
    /// The last run.
    pub last_run: Option<JobRun>,
    /// How many runs there have been.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many due times were skipped, since the last run was not over.
    pub skipped: u64,
    /// How many due times passed while nobody was there.
    pub missed: u64,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// Why it ran.
    pub cause: JobCause,
    /// When it began.
    pub started: Wall,
    /// When it ended; `None` while it runs.
    pub ended: Option<Wall>,
    /// Whether it succeeded; `None` while it runs.
    pub succeeded: Option<bool>,
    /// How it ended: `exited with code 1`; empty while it runs.
    pub result: String,
}

/// Why a job ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobCause {
    /// It was due at this time.
    Schedule(Wall),
    /// A time that was due had been missed; the last such.
    Missed(Wall),
    /// Its trigger fired; by these paths, as far as they are known.
    Trigger(Vec<String>),
    /// `svcctl start --once`.
    Command,
}

/// What the keeper holds for a slot when an engine begins.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// Which slot.
    pub slot: SlotKey,
    /// What the last engine noted with its last request; `None` if it cannot be read.
    pub memo: Option<Memo>,
    /// The process that the keeper has there. If it ended since, `Exited` and `TreeEmpty` follow as usual.
    pub process: Option<(InstanceId, Process)>,
}

/// What somebody wants.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take a service's specification. The same again changes nothing; another one is a conflict unless `update`
    /// is set, and then takes effect with the next start.
    Install {
        /// What it is.
        spec: Arc<ServiceSpec>,
        /// The text it was read from, to be kept as its file; one is written from the specification when absent.
        source: Option<Source>,
        /// Whether another specification of that name may be replaced.
        update: bool,
    },
    /// Bring the set of services to these: install what is new (and start it if it has autostart), update what differs
    /// (and restart it if it runs and the change needs that), leave what is the same. All or nothing; answered by
    /// [`super::reply::Reply::Applied`] when it is accepted, not when all of it is up.
    Apply {
        /// The specifications.
        services: Vec<(Arc<ServiceSpec>, Option<Source>)>,
        /// Whether services that are not among them are uninstalled.
        prune: bool,
    },
    /// Stop a service and forget it.
    Uninstall(Request),
    /// Want it up, and with it all that it depends on. Answered when it is up, completed, or has failed once.
    Start(Request),
    /// Want it down. Answered when no process is left.
    Stop(Request),
    /// Stop what runs and start it again; start what does not run.
    Restart(Request),
    /// Clear `Failed`, so that it starts again if it is wanted up.
    Reset(Request),
    /// Run a service that has a schedule or a trigger (or a oneshot) once, now; what is wanted of it stays as it is.
    /// Answered when the run is over.
    StartOnce(Request),
    /// Let running services take up their own changed configuration, as their `reload` says.
    Reload(Request),
    /// Send a signal to the main process of running services.
    Signal(Request, Signal),
    /// Start nothing of these any more until `Unhold`; what runs goes on. The text is the reason given.
    Hold(Request, String),
    /// Take back a hold; what is wanted up starts.
    Unhold(Request),
    /// Set `autostart` in the specification; nothing is started or stopped.
    Enable(Request, bool),
    /// Stop everything, dependants first, for the end of the engine. What is wanted stays as it is in the store.
    /// From then on nothing is spawned. Answered when no process is left.
    Shutdown {
        /// When to answer with what is left, having killed it.
        deadline: Mono,
    },
    /// Tell the state of one service, or of all.
    Show(Option<ServiceName>),
}

/// The text of a specification as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The text, whole.
    pub text: Arc<str>,
    /// The ending of a file of its format: `yaml`, `json` or `toml`; or [`Source::AS_IT_STANDS`].
    pub ending: &'static str,
}

impl Source {
    /// In place of an ending: the text was read from the service's own file, which is left as it stands (it may have
    /// been edited again since).
    pub const AS_IT_STANDS: &'static str = "";
}

/// What a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The services, at least one; an unknown one refuses the whole, before anything is done.
    pub names: Vec<ServiceName>,
    /// Answer at once, when the intent is durable.
    pub no_wait: bool,
    /// When to answer with what is not done yet (the intent stays).
    pub deadline: Option<Mono>,
    /// For stop and uninstall, what about running services that depend on these ones.
    pub dependants: Dependants,
}

/// What a stop does with running services that depend on the stopped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dependants {
    /// Refuse, and name them.
    Refuse,
    /// Stop them first.
    StopToo,
    /// Leave them as they are.
    Ignore,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitStatus {
    /// By exit, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody was there to see it.
    Unknown,
}

/// Why there is no process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnError {
    /// A sentence fragment such as `/opt/web/server: no such file` or `user svc does not exist`.
    pub message: String,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What one attempt of a probe gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// It answered as it should.
    Ok,
    /// It did not, for this reason.
    Failed(String),
}
