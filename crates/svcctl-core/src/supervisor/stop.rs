//! How a process is stopped: dependants first, then the steps of its specification, at the deadline the whole tree.

use super::Supervisor;
use super::action::Action;
use super::memo::Then;
use super::restart::Outcome;
use super::slot::{Main, Progress, State, Stopping};
use super::state::Desired;
use super::text;
use crate::ident::{InstanceId, ServiceName};
use crate::spec::model::{Signal, Stop, StopStep};
use crate::time::Mono;
use std::time::Duration;

/// The next thing that a stop does.
enum Next {
    /// This signal, then wait until the given time.
    Signal(Signal, Mono),
    /// The kill of the whole tree.
    Kill,
}

impl Supervisor {
    /// Lets the stop of `name` wait for the dependants that are being stopped, or go on at the end of this event.
    pub(super) fn hold(&mut self, name: &ServiceName) {
        let being_stopped = |dependant: &&ServiceName| {
            self.services.get(*dependant).is_some_and(|service| service.slot.state.blocks_dependencies())
        };
        let found = self.dependants.of(name).filter(being_stopped).cloned().collect();
        let Some(stopping) = self.stopping_mut(name) else { return };
        if let Progress::Held { blockers } = &mut stopping.progress {
            *blockers = found;
            self.unsettled.insert(name.clone());
        }
    }

    /// Takes the first step, if nothing holds it back any more.
    pub(super) fn begin_stop(&mut self, name: &ServiceName) {
        let now = self.now.mono;
        let Some(stopping) = self.stopping_mut(name) else { return };
        let Progress::Held { blockers } = &stopping.progress else { return };
        if !blockers.is_empty() {
            return;
        }
        match stopping.main {
            Main::Unborn => {}
            Main::Alive(_) => {
                let deadline = now.after(stopping.attempt.spec.stop.timeout);
                self.take_step(name, 0, deadline);
            }
            Main::Ended => self.kill(name),
        }
    }

    /// The time of a step is over.
    pub(super) fn advance_stop(&mut self, name: &ServiceName) {
        let now = self.now.mono;
        let Some(stopping) = self.stopping_mut(name) else { return };
        let Progress::Step { index, deadline, .. } = stopping.progress else { return };
        match stopping.main {
            Main::Alive(_) if now < deadline => self.take_step(name, index + 1, deadline),
            Main::Alive(_) | Main::Ended | Main::Unborn => self.kill(name),
        }
    }

    fn take_step(&mut self, name: &ServiceName, index: usize, deadline: Mono) {
        let now = self.now.mono;
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Stopping(stopping) = &mut slot.state else { return };
        match step(&stopping.attempt.spec.stop, index, now, deadline) {
            Next::Kill => self.kill(name),
            Next::Signal(signal, until) => {
                stopping.progress = Progress::Step { index, until, deadline };
                let id = stopping.attempt.id.clone();
                let action = Action::Signal { id, signal, memo: slot.memo(), kill_by: Some(deadline) };
                self.actions.push_back(action);
                self.retime(name);
            }
        }
    }

    /// Kills the tree of `name`, now.
    pub(super) fn kill(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Stopping(stopping) = &mut slot.state else { return };
        stopping.progress = Progress::Killing;
        let id = stopping.attempt.id.clone();
        let action = Action::KillTree { id, memo: slot.memo() };
        self.actions.push_back(action);
        self.retime(name);
    }

    /// Nothing is left of what was being stopped.
    pub(super) fn stopped(&mut self, name: &ServiceName, done: Option<InstanceId>) {
        let ending = self.is_ending();
        let Some(service) = self.services.get(name) else { return };
        let State::Stopping(stopping) = &service.slot.state else { return };
        if ending || service.desired == Desired::Down {
            self.enter(name, State::Stopped, "stopped".to_owned(), done);
            return;
        }
        match stopping.then {
            Then::Fresh => self.try_start(name, "started by command", done),
            Then::Judge => {
                let status = service.slot.last_status();
                self.judge(name, &Outcome::Exit(status), done);
            }
            Then::TimedOut => self.judge(name, &Outcome::TimedOut, done),
        }
    }

    /// Keeps the blockers of the services that `name` depends on, after its state was `old`.
    pub(super) fn note_stop(&mut self, name: &ServiceName, old: &State) {
        let Some(service) = self.services.get(name) else { return };
        match (old.blocks_dependencies(), service.slot.state.blocks_dependencies()) {
            (false, true) => self.block_dependencies(name),
            (true, false) => self.unblock_dependencies(name),
            (true, true) | (false, false) => {}
        }
    }

    /// The services that `name` depends on and that did nothing yet for their own stop wait for its end.
    pub(super) fn block_dependencies(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let spec = service.spec.clone();
        for on in spec.depends_on.keys() {
            if let Some(Stopping { progress: Progress::Held { blockers }, .. }) = self.stopping_mut(on) {
                blockers.insert(name.clone());
            }
        }
    }

    /// `name` is gone, or cannot be ended: the services it depends on wait for it no longer.
    pub(super) fn unblock_dependencies(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let spec = service.spec.clone();
        self.unblock(name, spec.depends_on.keys());
    }

    /// These services wait for the end of `name` no longer.
    pub(super) fn unblock<'a>(&mut self, name: &ServiceName, these: impl Iterator<Item = &'a ServiceName>) {
        for on in these {
            let Some(Stopping { progress: Progress::Held { blockers }, .. }) = self.stopping_mut(on) else {
                continue;
            };
            blockers.remove(name);
            if blockers.is_empty() {
                self.unsettled.insert(on.clone());
            }
        }
    }

    /// The data of a stop that is under way.
    pub(super) fn stopping_mut(&mut self, name: &ServiceName) -> Option<&mut Stopping> {
        if let State::Stopping(stopping) = &mut self.slot_mut(name)?.state { Some(stopping) } else { None }
    }

    /// The text for a service that waits for its gates.
    pub(super) fn waiting_text(&self, name: &ServiceName) -> Option<String> {
        let waiting = matches!(self.services.get(name)?.slot.state, State::Waiting);
        waiting.then(|| text::waits_for(&self.closed_gates(name)))
    }
}

/// What step `index` is. The last step waits until the deadline.
fn step(stop: &Stop, index: usize, now: Mono, deadline: Mono) -> Next {
    match stop.steps.get(index) {
        None | Some(StopStep::KillTree) => Next::Kill,
        Some(StopStep::Signal { signal, wait }) => {
            let last = index + 1 == stop.steps.len();
            let until = wait.filter(|_| !last).map_or(deadline, |wait| now.after(wait).min(deadline));
            Next::Signal(*signal, until)
        }
    }
}

/// Where a stop stands that an earlier engine began: the steps are counted from its deadline back.
pub(super) fn resume_step(stop: &Stop, stop_step: u8, deadline: Mono) -> Progress {
    let taken = usize::from(stop_step);
    let begun = Mono(deadline.0.saturating_sub(u64::try_from(stop.timeout.as_nanos()).unwrap_or(u64::MAX)));
    let waits = stop.steps.iter().take(taken).map(|step| match step {
        StopStep::Signal { wait, .. } => wait.unwrap_or(stop.timeout),
        StopStep::KillTree => Duration::ZERO,
    });
    let until = if taken >= stop.steps.len() {
        deadline
    } else {
        begun.after(waits.fold(Duration::ZERO, Duration::saturating_add)).min(deadline)
    };
    Progress::Step { index: taken.saturating_sub(1), until, deadline }
}
