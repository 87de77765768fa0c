//! How a slot goes from one state to the next: the one place where states change, and what always follows.

use super::action::{Action, Persist};
use super::slot::{Attempt, Fate, Progress, Service, Slot, Stage, Starting, State, Stopping, Waiting};
use super::state::{IllegalTransition, Phase, Transition};
use super::timer::Timer;
use super::{ILLEGAL_MAX, Supervisor, text};
use crate::ident::{InstanceId, ServiceName};

impl Supervisor {
    /// Takes the slot of `name` to `state`, with all that follows: its deadline, the action that carries its memo,
    /// the transition for observers, and whoever waited for it. `done` is a process of which nothing is left; it is
    /// acknowledged where the decision cannot be lost any more.
    pub(super) fn enter(&mut self, name: &ServiceName, state: State, why: String, done: Option<InstanceId>) {
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        let (from, to) = (slot.state.phase(), state.phase());
        if !from.may_become(to) {
            return self.refuse(name, to, why);
        }
        let pid = state.process().or(slot.state.process()).map(|process| process.pid);
        if from == Phase::Scheduled && to != Phase::Starting {
            self.stop_trigger(name);
        }
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        let old = std::mem::replace(&mut slot.state, state);
        slot.since = self.now;
        slot.why.clone_from(&why);
        let transition = Transition { slot: slot.key.clone(), at: self.now, pid, from, to, why };
        self.timers.set(Timer::Slot(slot.key.clone()), slot.state.timer());
        self.actions.extend(old.probes().into_iter().map(Action::StopProbe));
        self.carry(name, done);
        self.actions.push_back(Action::Publish(transition));
        self.note_stop(name, &old);
        self.follow_hook(name);
        match to {
            Phase::Running => {
                self.start_health(name);
                self.wake_dependants(name);
            }
            Phase::Completed => self.wake_dependants(name),
            Phase::Scheduled => {
                self.start_trigger(name);
                self.ticket_up(name);
                self.wake_dependants(name);
                self.unsettled.insert(name.clone());
            }
            Phase::Waiting => {
                self.unsettled.insert(name.clone());
            }
            Phase::Stopped => self.after_stop(name),
            Phase::Starting | Phase::Stopping | Phase::Backoff | Phase::Failed => {}
        }
    }

    fn refuse(&mut self, name: &ServiceName, to: Phase, why: String) {
        let Some(service) = self.services.get(name) else { return };
        let (slot, from) = (service.slot.key.clone(), service.slot.state.phase());
        let illegal = IllegalTransition { slot, from, to, why };
        debug_assert!(false, "failed to {illegal}");
        if self.illegal.len() < ILLEGAL_MAX {
            self.illegal.push_back(illegal);
        }
    }

    /// Emits the action that tells the keeper of the new state. A spawn follows its acknowledgement, since the slot
    /// must be free for it; everywhere else the decision is kept before the exit it follows from is let go.
    fn carry(&mut self, name: &ServiceName, done: Option<InstanceId>) {
        let Some(service) = self.services.get(name) else { return };
        let slot = &service.slot;
        let key = slot.key.clone();
        let acknowledge = done.map(Action::Acknowledge);
        let (before, action, after) = match &slot.state {
            State::Starting(Starting { attempt, stage: Stage::Spawning, .. }) => {
                let (id, spec, revision) = (attempt.id.clone(), attempt.spec.clone(), attempt.revision);
                (acknowledge, Action::Spawn { id, spec, revision, memo: slot.memo(&service.job) }, None)
            }
            State::Stopped => (acknowledge, Action::Release(key), None),
            State::Stopping(Stopping { attempt, progress: Progress::Killing, .. }) => (
                None,
                Action::KillTree { id: attempt.id.clone(), memo: slot.memo(&service.job) },
                acknowledge,
            ),
            State::Scheduled
            | State::Waiting(_)
            | State::Starting(_)
            | State::Running(_)
            | State::Stopping(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => {
                (None, Action::Remember { slot: key, memo: slot.memo(&service.job) }, acknowledge)
            }
        };
        self.actions.extend(before);
        self.actions.push_back(action);
        self.actions.extend(after);
    }

    /// Keeps the memo of `name` after a change within its state.
    pub(super) fn remember(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let slot = service.slot.key.clone();
        self.actions.push_back(Action::Remember { slot, memo: service.slot.memo(&service.job) });
    }

    /// Sets the deadline of `name` after a change within its state.
    pub(super) fn retime(&mut self, name: &ServiceName) {
        if let Some(service) = self.services.get(name) {
            self.timers.set(Timer::Slot(service.slot.key.clone()), service.slot.state.timer());
        }
    }

    fn after_stop(&mut self, name: &ServiceName) {
        self.ticket_down(name);
        if self.services.get(name).is_some_and(|service| service.fate == Fate::Forgotten) {
            self.forget(name);
        }
    }

    /// Takes a stopped service out of the set, and its slot from the keeper.
    pub(super) fn forget(&mut self, name: &ServiceName) {
        let Some(service) = self.services.remove(name) else { return };
        self.dependants.remove(&service.spec);
        self.timers.set(Timer::Slot(service.slot.key.clone()), None);
        self.timers.set(Timer::Job(service.slot.key.clone()), None);
        self.actions.extend(service.watches.values().map(|watch| Action::Unwatch(watch.id.clone())));
        self.forgotten = self.forgotten.max(service.slot.generation);
        self.actions.push_back(Action::Persist(Persist::Forget(name.clone())));
        self.actions.push_back(Action::Release(service.slot.key));
        self.ticket_gone(name);
    }

    /// Looks again at the services that wait for `name`.
    pub(super) fn wake_dependants(&mut self, name: &ServiceName) {
        for dependant in self.dependants.of(name) {
            let state = self.services.get(dependant).map(|service| &service.slot.state);
            if matches!(state, Some(State::Waiting(_))) {
                self.unsettled.insert(dependant.clone());
            }
        }
    }

    /// Goes on with every service that something has changed for, until nothing does.
    pub(super) fn settle(&mut self) {
        while let Some(name) = self.unsettled.pop_first() {
            let Some(service) = self.services.get(&name) else { continue };
            match &service.slot.state {
                State::Waiting(_) => self.settle_waiting(&name),
                State::Scheduled => self.settle_job(&name),
                State::Stopping(_) => self.begin_stop(&name),
                State::Stopped
                | State::Starting(_)
                | State::Running(_)
                | State::Backoff { .. }
                | State::Failed
                | State::Completed => {}
            }
        }
    }

    /// Starts `name` if its gates are open, else lets it wait for them.
    pub(super) fn try_start(&mut self, name: &ServiceName, why: &str, done: Option<InstanceId>) {
        let rests = |service: &Service| service.is_job() && service.job.run.is_none();
        if self.services.get(name).is_some_and(rests) {
            return self.enter(name, State::Scheduled, why.to_owned(), done);
        }
        let gates = self.closed_gates(name);
        if gates.is_empty() {
            self.launch(name, why.to_owned(), done);
        } else {
            let why = format!("{why}; {}", text::waits_for(&gates));
            self.enter(name, State::Waiting(Waiting::default()), why, done);
        }
    }

    pub(super) fn launch(&mut self, name: &ServiceName, why: String, done: Option<InstanceId>) {
        let Some(service) = self.services.get(name) else { return };
        if service.slot.state.phase() == Phase::Scheduled {
            // It is asked under the number that is about to change.
            self.stop_trigger(name);
        }
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        slot.generation = slot.generation.next(self.now.mono);
        let id = InstanceId { slot: slot.key.clone(), generation: slot.generation };
        let attempt = Attempt { id, spec: service.spec.clone(), revision: service.revision };
        let deadline = service.spec.start.timeout.map(|timeout| self.now.mono.after(timeout));
        let stage = if service.spec.hooks.before_start.is_empty() { Stage::Spawning } else { Stage::Hook(0) };
        self.enter(name, State::Starting(Starting { attempt, stage, deadline }), why, done);
    }

    /// The slot of `name`.
    pub(super) fn slot_mut(&mut self, name: &ServiceName) -> Option<&mut Slot> {
        self.services.get_mut(name).map(|service| &mut service.slot)
    }
}
