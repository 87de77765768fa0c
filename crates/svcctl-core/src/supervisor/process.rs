//! What processes do, and what follows: the events of the keeper and the probes, and the deadline of a slot.

use super::action::{Action, Probe};
use super::event::{ExitStatus, ProbeId, ProbeResult, ProbeWhat, Process, SpawnError};
use super::memo::Then;
use super::restart::{self, Outcome, Verdict};
use super::slot::{
    Attempt, Main, Progress, Reloading, Running, Slot, Stage, Starting, State, Stopping, Wellness,
};
use super::state::Desired;
use super::{Life, Supervisor, text};
use crate::ident::{InstanceId, ServiceName};
use crate::spec::model::{Kind, Pause};
use std::collections::BTreeSet;

impl Supervisor {
    /// The process exists.
    pub(super) fn handle_spawned(&mut self, id: &InstanceId, process: Process) {
        if self.orphan_spawned(id, process) {
            return;
        }
        let killing = matches!(self.life, Life::Ending { killing: true });
        let name = &id.slot.name;
        let Some(slot) = self.holder(id) else { return };
        slot.history.spawn_error = None;
        match &mut slot.state {
            State::Starting(Starting { attempt, stage: stage @ Stage::Spawning, .. }) => {
                let kind = attempt.spec.kind;
                match (kind, &attempt.spec.ready) {
                    (Kind::Simple, Some(ready)) => {
                        let probe = Probe {
                            id: ProbeId { id: id.clone(), what: ProbeWhat::Ready },
                            spec: attempt.spec.clone(),
                            check: ready.check.clone(),
                            delay: std::time::Duration::ZERO,
                            interval: ready.interval,
                            timeout: ready.timeout,
                        };
                        *stage = Stage::Probing { process, error: None };
                        self.actions.push_back(Action::StartProbe(probe));
                        self.wake_dependants(name);
                    }
                    (Kind::Simple, None) | (Kind::Oneshot, _) => self.is_running(name, process, "started"),
                }
            }
            State::Stopping(Stopping { main: main @ Main::Unborn, progress, .. }) => {
                *main = Main::Alive(process);
                if killing || matches!(progress, Progress::Killing) {
                    self.kill(name);
                } else {
                    self.hold(name);
                }
            }
            State::Stopped
            | State::Scheduled
            | State::Waiting(_)
            | State::Starting(_)
            | State::Running(_)
            | State::Stopping(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => {}
        }
    }

    /// The process is there and does its work.
    fn is_running(&mut self, name: &ServiceName, process: Process, why: &str) {
        self.refresh(name, true);
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Starting(Starting { attempt, deadline, .. }) = &slot.state else { return };
        let kind = attempt.spec.kind;
        let deadline = match kind {
            Kind::Simple => None,
            Kind::Oneshot => *deadline,
        };
        let running = Running {
            attempt: attempt.clone(),
            process,
            deadline,
            after: (!attempt.spec.hooks.after_start.is_empty()).then_some(0),
            reload: Reloading::No,
            wellness: Wellness::default(),
        };
        self.enter(name, State::Running(running), why.to_owned(), None);
        match kind {
            Kind::Simple => self.ticket_up(name),
            Kind::Oneshot => {}
        }
    }

    /// There is no process.
    pub(super) fn handle_spawn_failed(&mut self, id: &InstanceId, error: &SpawnError) {
        if self.orphan_gone(id) {
            return;
        }
        let name = &id.slot.name;
        let Some(slot) = self.holder(id) else { return };
        if let State::Starting(Starting { stage: Stage::Spawning, .. }) = &slot.state {
            slot.history.spawn_error = Some(error.message.clone());
            self.judge(name, &Outcome::NoProcess(error.message.clone()), None);
        } else if let State::Stopping(Stopping { main: Main::Unborn, .. }) = &slot.state {
            slot.history.spawn_error = Some(error.message.clone());
            self.stopped(name, None);
        }
    }

    /// The main process ended.
    pub(super) fn handle_exited(&mut self, id: &InstanceId, status: ExitStatus, tree_empty: bool) {
        if self.orphan_exited(id, tree_empty) {
            return;
        }
        let now = self.now;
        let name = &id.slot.name;
        let Some(slot) = self.holder(id) else {
            // It is over and done with, or of a service that is gone: it need not be told again.
            self.actions.push_back(Action::Acknowledge(id.clone()));
            return;
        };
        slot.history.last_exit = Some((status, now.wall));
        if stable(slot, now.mono) {
            slot.history.row = 0;
        }
        if tree_empty {
            self.nothing_left(name, id.clone());
        } else {
            self.tree_lives_on(name, status);
        }
    }

    /// No process of the tree is left.
    pub(super) fn handle_tree_empty(&mut self, id: &InstanceId) {
        if self.orphan_gone(id) {
            return;
        }
        if self.holder(id).is_some() {
            self.nothing_left(&id.slot.name, id.clone());
        } else {
            self.actions.push_back(Action::Acknowledge(id.clone()));
        }
    }

    /// These could not be ended.
    pub(super) fn handle_tree_stuck(&mut self, id: &InstanceId, pids: Vec<u32>) {
        let name = &id.slot.name;
        let Some(slot) = self.holder(id) else { return };
        let State::Stopping(stopping) = &mut slot.state else { return };
        if matches!(stopping.progress, Progress::AfterExit { .. }) {
            return;
        }
        stopping.stuck = pids;
        self.unblock_dependencies(name);
        self.ticket_stuck(name);
    }

    /// One attempt of a probe was answered.
    pub(super) fn handle_probe(&mut self, probe: &ProbeId, result: ProbeResult) {
        let name = &probe.id.slot.name;
        match probe.what {
            ProbeWhat::Condition(index) => return self.condition_told(probe, index, result),
            ProbeWhat::Trigger => return self.trigger_told(probe, &result),
            ProbeWhat::Ready | ProbeWhat::Liveness | ProbeWhat::Readiness => {}
        }
        let Some(slot) = self.holder(&probe.id) else { return };
        match probe.what {
            ProbeWhat::Liveness => return self.liveness_told(name, result),
            ProbeWhat::Readiness => return self.readiness_told(name, result),
            ProbeWhat::Ready | ProbeWhat::Condition(_) | ProbeWhat::Trigger => {}
        }
        let State::Starting(Starting { stage: Stage::Probing { process, error }, .. }) = &mut slot.state
        else {
            return;
        };
        match result {
            ProbeResult::Failed(reason) => *error = Some(reason),
            ProbeResult::Ok => {
                let process = *process;
                self.is_running(name, process, "ready");
            }
        }
    }

    /// The slot's deadline has come.
    pub(super) fn slot_timeout(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        match &slot.state {
            State::Starting(Starting { attempt, .. }) | State::Running(Running { attempt, .. }) => {
                let why = text::outcome(&Outcome::TimedOut, &attempt.spec);
                self.stop_process(name, Then::TimedOut, why);
            }
            State::Backoff { .. } => {
                let why = format!("restart {}", slot.history.restarts);
                self.try_start(name, &why, None);
            }
            State::Stopping(_) => self.advance_stop(name),
            State::Stopped | State::Scheduled | State::Waiting(_) | State::Failed | State::Completed => {}
        }
    }

    /// The slot that holds this very process.
    pub(super) fn holder(&mut self, id: &InstanceId) -> Option<&mut Slot> {
        self.services.get_mut(&id.slot.name).map(|service| &mut service.slot).filter(|slot| slot.holds(id))
    }

    /// The main process ended, others of its tree did not.
    fn tree_lives_on(&mut self, name: &ServiceName, status: ExitStatus) {
        let Some(slot) = self.slot_mut(name) else { return };
        match &mut slot.state {
            State::Starting(Starting { attempt, .. }) | State::Running(Running { attempt, .. }) => {
                let stopping = Stopping {
                    attempt: attempt.clone(),
                    main: Main::Ended,
                    progress: Progress::Killing,
                    then: Then::Judge,
                    stuck: Vec::new(),
                };
                let why = format!("{status}; what it left behind is being ended");
                self.enter(name, State::Stopping(stopping), why, None);
            }
            State::Stopping(stopping) => {
                stopping.main = Main::Ended;
                match stopping.progress {
                    Progress::Held { .. } | Progress::BeforeStop { .. } => self.kill(name),
                    Progress::Step { .. } | Progress::Killing | Progress::AfterExit { .. } => {}
                }
            }
            State::Stopped
            | State::Scheduled
            | State::Waiting(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => {}
        }
    }

    fn nothing_left(&mut self, name: &ServiceName, id: InstanceId) {
        let after_exit = self.has_after_exit(name);
        let Some(slot) = self.slot_mut(name) else { return };
        let status = slot.last_status();
        match &slot.state {
            State::Starting(_) | State::Running(_) if after_exit => {
                let Some(attempt) = slot.state.attempt().cloned() else { return };
                let stopping = Stopping {
                    attempt,
                    main: Main::Ended,
                    progress: Progress::AfterExit { index: 0 },
                    then: Then::Judge,
                    stuck: Vec::new(),
                };
                let why = format!("{status}; its after_exit hook runs");
                self.enter(name, State::Stopping(stopping), why, Some(id));
            }
            State::Starting(_) | State::Running(_) => self.judge(name, &Outcome::Exit(status), Some(id)),
            State::Stopping(Stopping { progress: Progress::AfterExit { .. }, .. }) => {
                self.actions.push_back(Action::Acknowledge(id));
            }
            State::Stopping(_) if after_exit => self.run_after_exit(name, id),
            State::Stopping(_) => self.stopped(name, Some(id)),
            State::Stopped
            | State::Scheduled
            | State::Waiting(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => {}
        }
    }

    /// Nothing is left of what was being stopped: its hooks run before what follows.
    fn run_after_exit(&mut self, name: &ServiceName, id: InstanceId) {
        let Some(stopping) = self.stopping_mut(name) else { return };
        stopping.main = Main::Ended;
        stopping.progress = Progress::AfterExit { index: 0 };
        stopping.stuck.clear();
        self.remember(name);
        self.actions.push_back(Action::Acknowledge(id));
        self.retime(name);
        self.follow_hook(name);
    }

    /// Decides what follows an attempt that ended by itself.
    pub(super) fn judge(&mut self, name: &ServiceName, outcome: &Outcome, done: Option<InstanceId>) {
        let now = self.now.mono;
        let Some(service) = self.services.get_mut(name) else { return };
        let Some(Attempt { spec, .. }) = service.slot.state.attempt() else { return };
        let (spec, history) = (spec.clone(), &mut service.slot.history);
        let ended = text::outcome(outcome, &spec);
        let verdict = restart::judge(&spec, history, outcome, now, &mut self.rng);
        let restarts = history.restarts;
        match verdict {
            Verdict::AtOnce => {
                self.try_start(name, &format!("{ended}; restarts at once"), done);
                let next =
                    self.waiting_text(name).unwrap_or_else(|| "it is started again at once".to_owned());
                self.ticket_trouble(name, &ended, &next);
            }
            Verdict::After(wait) => {
                let pause = crate::spec::duration::for_people(wait);
                let why = format!("{ended}; restart {restarts} in {pause}");
                self.enter(name, State::Backoff { until: now.after(wait) }, why, done);
                self.ticket_trouble(name, &ended, &text::next_attempt(wait));
            }
            Verdict::Complete => self.is_over(name, true, ended, done),
            Verdict::GiveUp(why) => self.is_over(name, false, why, done),
        }
    }

    /// No other attempt follows.
    fn is_over(&mut self, name: &ServiceName, succeeded: bool, why: String, done: Option<InstanceId>) {
        self.end_run(name, succeeded, &why);
        let Some(service) = self.services.get(name) else { return };
        let Some(kind) = service.slot.state.attempt().map(|attempt| attempt.spec.kind) else { return };
        if service.desired == Desired::Down {
            self.enter(name, State::Stopped, why, done);
        } else if service.is_job() {
            self.enter(name, State::Scheduled, why, done);
        } else if succeeded {
            self.enter(name, State::Completed, why, done);
            self.ticket_completed(name, kind);
        } else {
            self.enter(name, State::Failed, why.clone(), done);
            self.ticket_given_up(name, &why);
        }
    }

    /// Begins to stop the process of `name`; its dependants that are being stopped go first.
    pub(super) fn stop_process(&mut self, name: &ServiceName, then: Then, why: String) {
        let Some(slot) = self.slot_mut(name) else { return };
        let (State::Starting(Starting { attempt, .. }) | State::Running(Running { attempt, .. })) =
            &slot.state
        else {
            return;
        };
        let nothing = matches!(&slot.state, State::Starting(Starting { stage: Stage::Hook(_), .. }));
        let main = slot.state.process().map_or(Main::Unborn, Main::Alive);
        let main = if nothing { Main::Ended } else { main };
        let progress = Progress::Held { blockers: BTreeSet::new() };
        let stopping = Stopping { attempt: attempt.clone(), main, progress, then, stuck: Vec::new() };
        self.enter(name, State::Stopping(stopping), why, None);
        if nothing {
            self.stopped(name, None);
        } else {
            self.hold(name);
        }
    }
}

/// Whether the process ran long enough for the next exit to be the first in a row.
pub(super) fn stable(slot: &Slot, now: crate::time::Mono) -> bool {
    let State::Running(running) = &slot.state else { return false };
    match &running.attempt.spec.restart.pause {
        Pause::Backoff(backoff) => now.since(slot.since.mono) >= backoff.reset_after,
        Pause::Fixed(_) => false,
    }
}
