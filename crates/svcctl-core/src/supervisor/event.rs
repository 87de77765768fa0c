//! What the supervisor is told.

use super::memo::Memo;
use crate::ident::{InstanceId, ServiceName, SlotKey};
use crate::spec::ServiceSpec;
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
    /// One readiness probe was answered.
    Probe(InstanceId, ProbeResult),
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
        /// Whether another specification of that name may be replaced.
        update: bool,
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
    /// Stop everything, dependants first, for the end of the engine. What is wanted stays as it is in the store.
    /// From then on nothing is spawned. Answered when no process is left.
    Shutdown {
        /// When to answer with what is left, having killed it.
        deadline: Mono,
    },
    /// Tell the state of one service, or of all.
    Show(Option<ServiceName>),
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

/// What one readiness probe gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// It answered as it should.
    Ok,
    /// It did not, for this reason.
    Failed(String),
}
