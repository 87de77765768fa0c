//! Carries out the core's actions: requests to the keeper, probes, and notes in the logs.

use crate::auxiliary::{self, Auxiliary, RunId};
use crate::events::Events;
use crate::keeper_link::{KeeperSender, key_of};
use crate::logs::{Level, LogsHandle, Note};
use crate::prepare::{Preparer, Wanted};
use crate::probes::Probes;
use crate::queue::{DriverHandle, Input, Prepared};
use crate::say;
use crate::watches::Watches;
use std::collections::BTreeMap;
use std::sync::Arc;
use svcctl_core::ident::{InstanceId, ServiceName, SlotKey};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::{self, Action, HookRun, NoteKind, NoteLevel};
use svcctl_core::supervisor::event::{Event, HookId, SpawnError};
use svcctl_core::supervisor::memo::Memo;
use svcctl_core::supervisor::state::{Phase, Transition};
use svcctl_keeper::client::LinkError;
use svcctl_keeper::protocol::{Image, Request};
use svcctl_os::signal;

/// Is told of every transition, on the driver's thread, which it must not hold up.
pub(crate) type Observer = Box<dyn Fn(&Transition) + Send>;

/// Carries out actions, in the order in which it is given them.
pub(crate) struct Executor {
    /// Where processes are made and ended.
    pub(crate) keeper: KeeperSender,
    /// Where files are read for programs.
    pub(crate) preparer: Preparer,
    /// Where it is told what came of that.
    pub(crate) driver: DriverHandle,
    /// The spawns that wait for their files, with what is to be kept for them.
    pub(crate) preparing: BTreeMap<SlotKey, (InstanceId, Memo)>,
    /// Where hooks are run.
    pub(crate) auxiliary: Auxiliary,
    /// The last run of each hook, by the keeper's key.
    pub(crate) hooks: BTreeMap<String, (HookId, RunId)>,
    /// Where paths are watched.
    pub(crate) watches: Watches,
    /// Where questions are asked.
    pub(crate) probes: Arc<Probes>,
    /// Where the services' logs are.
    pub(crate) logs: LogsHandle,
    /// Where what happened is kept.
    pub(crate) events: Events,
    /// Told of every transition, beside the log.
    pub(crate) observer: Observer,
}

impl Executor {
    /// Carries out one action; gives what is known of its outcome at once. `Persist` and `Reply` are the driver's own
    /// and come to nothing here.
    pub(crate) fn execute(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn { id, spec, revision: _, memo } => return self.prepare(id, spec, memo),
            Action::Signal { id, signal, memo, kill_by } => {
                self.keep(&id.slot, &memo);
                self.request(&Request::Signal {
                    slot: key_of(&id.slot),
                    generation: id.generation.0,
                    signal: signal::number(signal),
                    state: memo.encode(),
                    kill_by: kill_by.map(|at| at.0),
                });
            }
            Action::KillTree { id, memo } => {
                self.keep(&id.slot, &memo);
                self.request(&Request::KillTree {
                    slot: key_of(&id.slot),
                    generation: id.generation.0,
                    state: memo.encode(),
                });
            }
            Action::Remember { slot, memo } => {
                self.keep(&slot, &memo);
                self.request(&Request::Remember { slot: key_of(&slot), state: memo.encode() });
            }
            Action::Acknowledge(id) => {
                self.request(&Request::Acknowledge { slot: key_of(&id.slot), generation: id.generation.0 });
            }
            Action::Release(slot) => self.request(&Request::Release { slot: key_of(&slot) }),
            Action::StartProbe(probe) => self.probes.start(probe),
            Action::RunHook(run) => self.run_hook(run),
            Action::CancelHook(id) => self.cancel_hook(&id),
            Action::Watch(watch) => self.watches.watch(watch),
            Action::Unwatch(id) => self.watches.unwatch(&id),
            Action::StopProbe(id) => self.probes.stop(&id),
            Action::Publish(transition) => self.publish(&transition),
            Action::Note(note) => self.note(note),
            Action::Persist(_) | Action::Reply(..) => debug_assert!(false, "not the executor's"),
        }
        None
    }

    /// The service is no more: nothing of it is kept but its log.
    pub(crate) fn forget(&mut self, name: &ServiceName) {
        self.hooks.retain(|_, (id, _)| id.id.slot.name != *name);
        self.logs.forget(name.clone());
    }

    /// Makes the process, or has its files read first.
    fn prepare(&mut self, id: InstanceId, spec: Arc<ServiceSpec>, memo: Memo) -> Option<Event> {
        self.probes.look_for_ready_line(&id, &spec, &self.logs);
        let wanted = Wanted { spec, extra: None };
        if let Some(image) = Preparer::now(&wanted) {
            return self.spawn(id, image, &memo);
        }
        let driver = self.driver.clone();
        let of = id.clone();
        let done = Box::new(move |image| driver.push(Input::Prepared(Box::new(Prepared { id: of, image }))));
        self.preparer.later(key_of(&id.slot), wanted, done);
        self.preparing.insert(id.slot.clone(), (id, memo));
        None
    }

    /// The files of a program have been read, or could not be.
    pub(crate) fn prepared(&mut self, prepared: Prepared) -> Option<Event> {
        let Prepared { id, image } = prepared;
        let waits = self.preparing.get(&id.slot).is_some_and(|(waiting, _)| *waiting == id);
        let (_, memo) = waits.then(|| self.preparing.remove(&id.slot)).flatten()?;
        self.spawn(id, image, &memo)
    }

    /// What is to be kept for a slot whose spawn waits goes with that spawn.
    fn keep(&mut self, slot: &SlotKey, memo: &Memo) {
        if let Some((_, kept)) = self.preparing.get_mut(slot) {
            *kept = memo.clone();
        }
    }

    /// A request that cannot be sent, although there is a keeper, is a spawn that failed.
    fn spawn(&self, id: InstanceId, image: Result<Image, String>, memo: &Memo) -> Option<Event> {
        let image = match image {
            Ok(image) => image,
            Err(message) => return Some(Event::SpawnFailed(id, SpawnError { message })),
        };
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

    fn run_hook(&mut self, run: HookRun) {
        let (id, driver) = (run.id.clone(), self.driver.clone());
        let of = id.clone();
        let done = Box::new(move |result| driver.push(Input::Event(Event::HookDone(of, result))));
        let run = auxiliary::hook_run(run, done);
        let key = run.key.clone();
        let number = self.auxiliary.run(run);
        self.hooks.insert(key, (id, number));
    }

    fn cancel_hook(&mut self, id: &HookId) {
        let key = auxiliary::key_of_hook(id);
        if let Some((_, number)) = self.hooks.get(&key).filter(|(last, _)| last == id) {
            self.auxiliary.cancel(*number);
            self.hooks.remove(&key);
        }
    }

    fn request(&self, request: &Request) {
        report(self.keeper.send(request, &[]));
    }

    fn note(&self, note: action::Note) {
        self.events.note(&note);
        let kind = match note.kind {
            NoteKind::Hook => "hook",
            NoteKind::Probe => "probe",
            NoteKind::Job => "job",
            NoteKind::Config => "config",
            NoteKind::Command => "command",
        };
        self.logs.note(Note {
            service: note.name,
            index: 0,
            pid: note.pid,
            level: level_of_note(note.level),
            message: note.message,
            fields: vec![("kind".to_owned(), kind.to_owned())],
        });
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
        self.events.transition(transition);
        (self.observer)(transition);
    }
}

fn level_of_note(level: NoteLevel) -> Level {
    match level {
        NoteLevel::Info => Level::Info,
        NoteLevel::Warn => Level::Warn,
        NoteLevel::Error => Level::Error,
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
        | Phase::Scheduled
        | Phase::Starting
        | Phase::Running
        | Phase::Stopping
        | Phase::Completed => Level::Info,
    }
}
