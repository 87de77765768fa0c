//! What the supervisor wants done.
//!
//! Actions are executed in order. A [`Action::Persist`] is a barrier: what follows it **for the same service**, and
//! every `Reply` that promises something, is carried out once it is durable; views and refusals promise nothing and
//! need not wait. So intent is durable before its first signal, and what a reply promises before the reply.

use super::event::Ticket;
use super::memo::Memo;
use super::reply::Reply;
use super::state::{Desired, Transition};
use crate::ident::{InstanceId, ServiceName, SlotKey};
use crate::spec::{ServiceSpec, model};
use crate::time::Mono;
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
    StartProbe {
        /// About whom.
        id: InstanceId,
        /// What to ask.
        check: model::Check,
        /// How often, counted from the end of one attempt to the beginning of the next.
        interval: Duration,
        /// How long one may take.
        timeout: Duration,
    },
    /// Ask no more.
    StopProbe(InstanceId),
    /// Answer a command.
    Reply(Ticket, Reply),
    /// Make durable.
    Persist(Persist),
    /// Tell observers.
    Publish(Transition),
}

/// What is to be made durable.
#[derive(Clone, Debug)]
pub enum Persist {
    /// The accepted specification, and what is wanted.
    Service {
        /// The specification.
        spec: Arc<ServiceSpec>,
        /// Its revision.
        revision: u64,
        /// What is wanted.
        desired: Desired,
    },
    /// What is wanted.
    Desired(ServiceName, Desired),
    /// The service is forgotten.
    Forget(ServiceName),
}

impl Persist {
    /// The service it is about.
    pub fn name(&self) -> &ServiceName {
        match self {
            Self::Service { spec, .. } => &spec.name,
            Self::Desired(name, _) | Self::Forget(name) => name,
        }
    }
}
