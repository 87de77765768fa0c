//! Carries out the core's actions: requests to the keeper, probes, and notes in the logs.

use crate::keeper_link::{KeeperSender, key_of};
use crate::logs::{Level, LogsHandle, Note};
use crate::probes::{Probe, Probes};
use crate::{image, say};
use std::sync::Arc;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::Action;
use svcctl_core::supervisor::event::{Event, SpawnError};
use svcctl_core::supervisor::memo::Memo;
use svcctl_core::supervisor::state::{Phase, Transition};
use svcctl_keeper::client::LinkError;
use svcctl_keeper::protocol::Request;
use svcctl_os::signal;

/// Carries out actions, in the order in which it is given them.
pub(crate) struct Executor {
    /// Where processes are made and ended.
    pub(crate) keeper: KeeperSender,
    /// Where readiness is asked for.
    pub(crate) probes: Arc<Probes>,
    /// Where the services' logs are.
    pub(crate) logs: LogsHandle,
    /// Told of every transition, beside the log.
    pub(crate) observer: Box<dyn Fn(&Transition) + Send>,
}

impl Executor {
    /// Carries out one action; gives what is known of its outcome at once. `Persist` and `Reply` are the driver's own
    /// and come to nothing here.
    pub(crate) fn execute(&self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn { id, spec, revision: _, memo } => return self.spawn(id, &spec, &memo),
            Action::Signal { id, signal, memo, kill_by } => self.request(&Request::Signal {
                slot: key_of(&id.slot),
                generation: id.generation.0,
                signal: signal::number(signal),
                state: memo.encode(),
                kill_by: kill_by.map(|at| at.0),
            }),
            Action::KillTree { id, memo } => self.request(&Request::KillTree {
                slot: key_of(&id.slot),
                generation: id.generation.0,
                state: memo.encode(),
            }),
            Action::Remember { slot, memo } => {
                self.request(&Request::Remember { slot: key_of(&slot), state: memo.encode() });
            }
            Action::Acknowledge(id) => {
                self.request(&Request::Acknowledge { slot: key_of(&id.slot), generation: id.generation.0 });
            }
            Action::Release(slot) => self.request(&Request::Release { slot: key_of(&slot) }),
            Action::StartProbe { id, check, interval, timeout } => {
                self.probes.start(id, Probe { check, interval, timeout });
            }
            Action::StopProbe(id) => self.probes.stop(&id),
            Action::Publish(transition) => self.publish(&transition),
            Action::Persist(_) | Action::Reply(..) => debug_assert!(false, "not the executor's"),
        }
        None
    }

    /// The service is no more: nothing of it is kept but its log.
    pub(crate) fn forget(&self, name: &ServiceName) {
        self.logs.forget(name.clone());
    }

    /// A request that cannot be sent, although there is a keeper, is a spawn that failed.
    fn spawn(&self, id: InstanceId, spec: &ServiceSpec, memo: &Memo) -> Option<Event> {
        let image = image::of(spec, environment());
        match self.keeper.spawn(&key_of(&id.slot), id.generation.0, image, memo.encode()) {
            Ok(()) => None,
            sent @ Err(LinkError::Gone) => {
                report(sent);
                None
            }
            Err(error) => {
                let message = format!("the keeper could not be asked: {error}");
                Some(Event::SpawnFailed(id, SpawnError { message }))
            }
        }
    }

    fn request(&self, request: &Request) {
        report(self.keeper.send(request, &[]));
    }

    fn publish(&self, transition: &Transition) {
        self.logs.note(Note {
            service: transition.slot.name.clone(),
            index: transition.slot.index,
            pid: transition.pid,
            level: level_of(transition.to),
            message: transition.why.clone(),
            fields: vec![("state".to_owned(), transition.to.word().to_owned())],
        });
        (self.observer)(transition);
    }
}

/// Without a keeper there is nothing to act on; the reader sees its end too, and ends the engine.
fn report(sent: Result<(), LinkError>) {
    if let Err(error) = sent {
        say::error(&format!("failed to {error}"));
    }
}

fn level_of(phase: Phase) -> Level {
    match phase {
        Phase::Failed => Level::Error,
        Phase::Backoff => Level::Warn,
        Phase::Stopped
        | Phase::Waiting
        | Phase::Starting
        | Phase::Running
        | Phase::Stopping
        | Phase::Completed => Level::Info,
    }
}

fn environment() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    std::env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes()))
}
