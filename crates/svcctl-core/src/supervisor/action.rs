//! What the supervisor wants done.
//!
//! Actions are executed in order. A [`Action::Persist`] is a barrier: what follows it **for the same service**, and
//! every `Reply` that promises something, is carried out once it is durable; views and refusals promise nothing and
//! need not wait. So intent is durable before its first signal, and what a reply promises before the reply.

use super::event::{ExitStatus, Hold, HookId, JobRecord, ProbeId, Source, Ticket, WatchId};
use super::memo::Memo;
use super::reply::Reply;
use super::state::{Desired, Transition};
use crate::ident::{InstanceId, ServiceName, SlotKey};
use crate::spec::{ServiceSpec, model};
use crate::time::{Mono, Now};
use std::sync::Arc;
use std::time::Duration;

/// One thing to be done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Make a process. Answered by `Spawned` or `SpawnFailed`; idempotent by the instance's generation.
    Spawn {
        /// Who it will be.
        id: InstanceId,
        /// From what.
        spec: Arc<ServiceSpec>,
        /// Which revision that is.
        revision: u64,
        /// To be kept with the slot.
        memo: Memo,
    },
    /// Send a signal to the main process. With `kill_by`, what outlives the main process gets it too (the keeper sees
    /// to that: it may be long before an engine hears of the exit).
    Signal {
        /// To whom.
        id: InstanceId,
        /// What.
        signal: model::Signal,
        /// To be kept with the slot.
        memo: Memo,
        /// When the keeper kills the tree by itself, should no engine do it.
        kill_by: Option<Mono>,
    },
    /// Kill every process of the tree, until none is left. Answered by `Exited` (unless that came before) and
    /// `TreeEmpty`, or by `TreeStuck`.
    KillTree {
        /// Whose tree.
        id: InstanceId,
        /// To be kept with the slot.
        memo: Memo,
    },
    /// Keep this with the slot, for the next engine.
    Remember {
        /// Where.
        slot: SlotKey,
        /// What.
        memo: Memo,
    },
    /// The exit and the end of this process's tree have been taken into account and need not be told again.
    Acknowledge(InstanceId),
    /// Nothing is to be kept for this slot any more.
    Release(SlotKey),
    /// Ask this question every `interval`, at most `timeout` each, and report each answer by `Probe`.
    StartProbe(Probe),
    /// Ask no more.
    StopProbe(ProbeId),
    /// Run this program once, and report its end by `HookDone`.
    RunHook(HookRun),
    /// End this hook, if it still runs; no `HookDone` is needed any more.
    CancelHook(HookId),
    /// Watch these paths from now on (in place of what the id watched before), and report by `Changed`.
    Watch(Watch),
    /// Watch no more.
    Unwatch(WatchId),
    /// Answer a command.
    Reply(Ticket, Reply),
    /// Make durable.
    Persist(Persist),
    /// Tell observers of a change of state.
    Publish(Transition),
    /// Tell observers, and the log of the service, of something that is no change of state.
    Note(Note),
}

/// Something worth telling that is no change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The service.
    pub name: ServiceName,
    /// When.
    pub at: Now,
    /// The process it is about, if there is one.
    pub pid: Option<u32>,
    /// What it is about.
    pub kind: NoteKind,
    /// How bad it is.
    pub level: NoteLevel,
    /// What happened, as a sentence without a full stop.
    pub message: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// A hook.
    Hook,
    /// A probe: health changed.
    Probe,
    /// A run of a job.
    Job,
    /// The specification, or the service's own configuration.
    Config,
    /// What somebody commanded.
    Command,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteLevel {
    /// As it should be.
    Info,
    /// Somebody may want to look at it.
    Warn,
    /// Somebody must look at it.
    Error,
}

/// A question to be asked again and again.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Which.
    pub id: ProbeId,
    /// The specification of the service: a program that asks is run as the service is.
    pub spec: Arc<ServiceSpec>,
    /// What to ask.
    pub check: model::Check,
    /// The pause before the first attempt.
    pub delay: Duration,
    /// How often, counted from the end of one attempt to the beginning of the next.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
}

/// A program to be run for a service.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// Which.
    pub id: HookId,
    /// The specification of the service: the hook is run as the service is.
    pub spec: Arc<ServiceSpec>,
    /// What to run.
    pub hook: model::Hook,
    /// The main process, where there is one.
    pub pid: Option<u32>,
    /// How it ended, where it has.
    pub exit: Option<ExitStatus>,
}

/// Paths to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whose, and for what.
    pub id: WatchId,
    /// Files, directories (for what is directly in them) or globs.
    pub patterns: Vec<String>,
    /// What counts.
    pub events: Vec<model::PathEvent>,
}

/// What is to be made durable.
#[derive(Clone, Debug)]
pub enum Persist {
    /// The accepted specification, and what is wanted.
    Service {
        /// The specification.
        spec: Arc<ServiceSpec>,
        /// The text it was read from, to be kept as its file; where it is absent, and the file that is there means
        /// something else, one is written from the specification.
        source: Option<Source>,
        /// Its revision.
        revision: u64,
        /// What is wanted.
        desired: Desired,
    },
    /// What is wanted.
    Desired(ServiceName, Desired),
    /// Why it is held, or that it is held no more.
    Hold(ServiceName, Option<Hold>),
    /// What is known of its runs. No reply waits for this one, and nothing else: it is written behind.
    Job(ServiceName, JobRecord),
    /// The service is forgotten.
    Forget(ServiceName),
}

impl Persist {
    /// The service it is about.
    pub fn name(&self) -> &ServiceName {
        match self {
            Self::Service { spec, .. } => &spec.name,
            Self::Desired(name, _) | Self::Hold(name, _) | Self::Job(name, _) | Self::Forget(name) => name,
        }
    }
}
