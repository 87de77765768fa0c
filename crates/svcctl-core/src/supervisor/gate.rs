//! Whether a service may start: the gates that its specification puts before a spawn.

use super::action::{Action, Probe};
use super::event::{ProbeId, ProbeResult, ProbeWhat};
use super::slot::{Answer, Asked, Running, Service, Stage, Starting, State, Waiting};
use super::state::Gate;
use super::view::Health;
use super::{Supervisor, text};
use crate::ident::{InstanceId, ServiceName};
use crate::spec::model::{DependencyKind, Kind};
use std::time::Duration;

impl Supervisor {
    /// The gates of `name` that are closed.
    pub(super) fn closed_gates(&self, name: &ServiceName) -> Vec<Gate> {
        let Some(service) = self.services.get(name) else { return Vec::new() };
        let mut gates = self.outer_gates(name);
        let conditions = &service.spec.start.when;
        let asked = match &service.slot.state {
            State::Waiting(Waiting { asked }) => asked.as_ref(),
            State::Stopped
            | State::Scheduled
            | State::Starting(_)
            | State::Running(_)
            | State::Stopping(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => None,
        };
        for (index, condition) in conditions.iter().enumerate() {
            let missing = match asked.and_then(|asked| asked.answers.get(index)) {
                Some(Answer::Yes) => continue,
                Some(Answer::No(reason)) => Some(format!("does not hold: {reason}")),
                Some(Answer::NotYet) | None => None,
            };
            gates.push(Gate::Condition { check: text::check(&condition.check), missing });
        }
        gates
    }

    /// The gates of `name` that are closed and need not be asked.
    fn outer_gates(&self, name: &ServiceName) -> Vec<Gate> {
        let Some(service) = self.services.get(name) else { return Vec::new() };
        let hold = service.held.as_ref().map(|hold| Gate::Hold { reason: hold.reason.clone() });
        let closed = service.spec.depends_on.iter().filter_map(|(on, kind)| {
            let missing = self.services.get(on).map_or(Some("is not installed"), |on| missing(on, *kind))?;
            Some(Gate::Dependency { on: on.clone(), missing: missing.to_owned() })
        });
        hold.into_iter().chain(closed).collect()
    }

    /// Goes on with a service that waits: asks its conditions once its other gates are open, launches it once they hold.
    pub(super) fn settle_waiting(&mut self, name: &ServiceName) {
        let open = self.outer_gates(name).is_empty();
        let Some(service) = self.services.get_mut(name) else { return };
        let count = service.spec.start.when.len();
        let slot = &mut service.slot;
        let probes = slot.state.probes();
        let State::Waiting(Waiting { asked }) = &mut slot.state else { return };
        match asked {
            Some(_) if !open => {
                *asked = None;
                self.actions.extend(probes.into_iter().map(Action::StopProbe));
            }
            None if open && count > 0 => {
                let id = InstanceId { slot: slot.key.clone(), generation: slot.generation };
                *asked = Some(Asked { id: id.clone(), answers: vec![Answer::NotYet; count] });
                let spec = service.spec.clone();
                for (index, condition) in (0_u16..).zip(&spec.start.when) {
                    self.actions.push_back(Action::StartProbe(Probe {
                        id: ProbeId { id: id.clone(), what: ProbeWhat::Condition(index) },
                        spec: spec.clone(),
                        check: condition.check.clone(),
                        delay: Duration::ZERO,
                        interval: condition.interval,
                        timeout: condition.timeout,
                    }));
                }
            }
            Some(asked) if asked.answers.iter().any(|answer| *answer != Answer::Yes) => {}
            None if !open => {}
            Some(_) | None => self.launch(name, "what it waited for is there".to_owned(), None),
        }
    }

    /// A condition was answered.
    pub(super) fn condition_told(&mut self, probe: &ProbeId, index: u16, result: ProbeResult) {
        let name = &probe.id.slot.name;
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Waiting(Waiting { asked: Some(asked) }) = &mut slot.state else { return };
        if asked.id != probe.id {
            return;
        }
        if let Some(answer) = asked.answers.get_mut(usize::from(index)) {
            *answer = match result {
                ProbeResult::Ok => Answer::Yes,
                ProbeResult::Failed(reason) => Answer::No(reason),
            };
            self.unsettled.insert(name.clone());
        }
    }

    /// The conditions of `name` are others now: they are asked anew.
    pub(super) fn ask_anew(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        let probes = slot.state.probes();
        if let State::Waiting(waiting) = &mut slot.state {
            waiting.asked = None;
            self.actions.extend(probes.into_iter().map(Action::StopProbe));
            self.unsettled.insert(name.clone());
        }
    }
}

/// What a dependency lacks; `None` if it is as it must be.
fn missing(dependency: &Service, kind: DependencyKind) -> Option<&'static str> {
    if dependency.is_job() {
        let open = dependency.job.succeeded
            || (kind == DependencyKind::Started && is_started(&dependency.slot.state));
        return (!open).then_some("runs by itself, and has not run with success yet");
    }
    let open = match kind {
        DependencyKind::Ready => is_ready(dependency),
        DependencyKind::Started => is_started(&dependency.slot.state),
        DependencyKind::Completed => matches!(dependency.slot.state, State::Completed),
    };
    if open {
        return None;
    }
    Some(match (&dependency.slot.state, kind) {
        (State::Stopped, _) => "is stopped",
        (State::Failed, _) => "has failed",
        (State::Completed, DependencyKind::Ready) => "has ended",
        (_, DependencyKind::Ready) => "is not ready",
        (_, DependencyKind::Started) => "is not started",
        (_, DependencyKind::Completed) => "has not completed",
    })
}

/// Whether dependants may take it as ready: a program that runs (and was ready), a oneshot that completed.
pub(super) fn is_ready(service: &Service) -> bool {
    match &service.slot.state {
        State::Running(Running { attempt, wellness, .. }) => {
            attempt.spec.kind == Kind::Simple && wellness.health != Health::Unhealthy
        }
        State::Completed => service.spec.kind == Kind::Oneshot,
        State::Stopped
        | State::Scheduled
        | State::Waiting(_)
        | State::Starting(_)
        | State::Stopping(_)
        | State::Backoff { .. }
        | State::Failed => false,
    }
}

fn is_started(state: &State) -> bool {
    match state {
        State::Starting(Starting { stage, .. }) => matches!(stage, Stage::Probing { .. }),
        State::Running(_) | State::Completed => true,
        State::Stopped
        | State::Scheduled
        | State::Waiting(_)
        | State::Stopping(_)
        | State::Backoff { .. }
        | State::Failed => false,
    }
}
