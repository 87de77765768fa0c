//! How a process is stopped: dependants first, then the steps of its specification, at the deadline the whole tree.

use super::Supervisor;
use super::action::Action;
use super::memo::Then;
use super::restart::Outcome;
use super::slot::{Main, Progress, State, Stopping};
use super::text;
use crate::ident::{InstanceId, ServiceName};
use crate::spec::model::{Signal, Stop, StopStep};
use crate::time::Mono;
use std::time::Duration;

/// The next thing that a stop does.
enum Next {
    /// This signal, then wait until the given time.
    Signal(Signal, Mono),
    /// A program, then wait until the given time.
    Command(Mono),
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
        let by_will = match stopping.then {
            Then::Fresh | Then::Unwell => true,
            Then::Judge | Then::TimedOut => false,
        };
        match stopping.main {
            Main::Unborn => {}
            Main::Alive(_) => {
                let deadline = now.after(stopping.attempt.spec.stop.timeout);
                if by_will && !stopping.attempt.spec.hooks.before_stop.is_empty() {
                    stopping.progress = Progress::BeforeStop { index: 0, deadline };
                    self.remember(name);
                    self.retime(name);
                    self.follow_hook(name);
                } else {
                    self.take_step(name, 0, deadline);
                }
            }
            Main::Ended => self.kill(name),
        }
    }

    /// The time of a step is over.
    pub(super) fn advance_stop(&mut self, name: &ServiceName) {
        let now = self.now.mono;
        let Some(stopping) = self.stopping_mut(name) else { return };
        let (index, deadline) = match stopping.progress {
            Progress::Step { index, deadline, .. } => (index, deadline),
            // The hook took too long; the program still gets its steps, and their time.
            Progress::BeforeStop { .. } => return self.begin_steps(name),
            Progress::Held { .. } | Progress::Killing | Progress::AfterExit { .. } => return,
        };
        match stopping.main {
            Main::Alive(_) if now < deadline => self.take_step(name, index + 1, deadline),
            Main::Alive(_) | Main::Ended | Main::Unborn => self.kill(name),
        }
    }

    /// Takes the first step; the time of a stop counts from here, not from its hooks.
    pub(super) fn begin_steps(&mut self, name: &ServiceName) {
        let now = self.now.mono;
        let Some(stopping) = self.stopping_mut(name) else { return };
        let deadline = now.after(stopping.attempt.spec.stop.timeout);
        match stopping.main {
            Main::Alive(_) => self.take_step(name, 0, deadline),
            Main::Ended | Main::Unborn => self.kill(name),
        }
    }

    /// The command of the step under way failed: the next step is taken at once. Where none follows that asks the
    /// program to end, it gets SIGTERM, for what is left of the time.
    pub(super) fn skip_step(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        let State::Stopping(stopping) = &mut slot.state else { return };
        let (Main::Alive(_), &mut Progress::Step { index, deadline, ref mut runs, .. }) =
            (stopping.main, &mut stopping.progress)
        else {
            return;
        };
        *runs = false;
        match stopping.attempt.spec.stop.steps.get(index + 1) {
            Some(StopStep::Signal { .. } | StopStep::Command { .. }) => {
                self.take_step(name, index + 1, deadline);
            }
            Some(StopStep::KillTree) | None => {
                let id = stopping.attempt.id.clone();
                let memo = slot.memo(&service.job);
                let kill_by = Some(deadline);
                self.actions.push_back(Action::Signal { id, signal: Signal::Term, memo, kill_by });
            }
        }
    }

    /// Takes step `index`.
    pub(super) fn take_step(&mut self, name: &ServiceName, index: usize, deadline: Mono) {
        let now = self.now.mono;
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        let State::Stopping(stopping) = &mut slot.state else { return };
        match step(&stopping.attempt.spec.stop, index, now, deadline) {
            // An engine that died may have left it past its deadline.
            Next::Signal(..) | Next::Command(_) if now >= deadline => self.kill(name),
            Next::Kill => self.kill(name),
            Next::Signal(signal, until) => {
                stopping.progress = Progress::Step { index, until, deadline, runs: false };
                let id = stopping.attempt.id.clone();
                let memo = slot.memo(&service.job);
                let action = Action::Signal { id, signal, memo, kill_by: Some(deadline) };
                self.actions.push_back(action);
                self.retime(name);
                self.follow_hook(name);
            }
            Next::Command(until) => {
                stopping.progress = Progress::Step { index, until, deadline, runs: true };
                self.remember(name);
                self.retime(name);
                self.follow_hook(name);
            }
        }
    }

    /// Kills the tree of `name`, now.
    pub(super) fn kill(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        let State::Stopping(stopping) = &mut slot.state else { return };
        stopping.progress = Progress::Killing;
        let id = stopping.attempt.id.clone();
        let action = Action::KillTree { id, memo: slot.memo(&service.job) };
        self.actions.push_back(action);
        self.retime(name);
        self.follow_hook(name);
    }

    /// Nothing is left of what was being stopped.
    pub(super) fn stopped(&mut self, name: &ServiceName, done: Option<InstanceId>) {
        let ending = self.is_ending();
        let Some(service) = self.services.get(name) else { return };
        let State::Stopping(stopping) = &service.slot.state else { return };
        if ending || !service.is_wanted() {
            self.end_run(name, false, "stopped");
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
            Then::Unwell => {
                let reason = service.slot.history.unwell.clone().unwrap_or_default();
                self.judge(name, &Outcome::Unwell(reason), done);
            }
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
        let waiting = matches!(self.services.get(name)?.slot.state, State::Waiting(_));
        waiting.then(|| text::waits_for(&self.closed_gates(name)))
    }
}

/// What step `index` is. The last step waits until the deadline.
fn step(stop: &Stop, index: usize, now: Mono, deadline: Mono) -> Next {
    let last = index + 1 == stop.steps.len();
    let until = |wait: Option<Duration>| {
        wait.filter(|_| !last).map_or(deadline, |wait| now.after(wait).min(deadline))
    };
    match stop.steps.get(index) {
        None | Some(StopStep::KillTree) => Next::Kill,
        Some(StopStep::Signal { signal, wait }) => Next::Signal(*signal, until(*wait)),
        Some(StopStep::Command { wait, .. }) => Next::Command(until(*wait)),
    }
}

/// Where a stop stands that an earlier engine began: the steps are counted from its deadline back.
/// `runs` tells whether the command of the last step is to be run again.
pub(super) fn resume_step(stop: &Stop, stop_step: u8, deadline: Mono, runs: bool) -> Progress {
    let taken = usize::from(stop_step);
    let begun = Mono(deadline.0.saturating_sub(u64::try_from(stop.timeout.as_nanos()).unwrap_or(u64::MAX)));
    let waits = stop.steps.iter().take(taken).map(|step| match step {
        StopStep::Signal { wait, .. } | StopStep::Command { wait, .. } => wait.unwrap_or(stop.timeout),
        StopStep::KillTree => Duration::ZERO,
    });
    let until = if taken >= stop.steps.len() {
        deadline
    } else {
        begun.after(waits.fold(Duration::ZERO, Duration::saturating_add)).min(deadline)
    };
    Progress::Step { index: taken.saturating_sub(1), until, deadline, runs }
}
