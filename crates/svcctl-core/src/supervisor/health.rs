//! Whether what runs is well: its liveness and readiness probes, counted.

use super::Supervisor;
use super::action::{Action, NoteKind, NoteLevel, Probe};
use super::event::{ProbeId, ProbeResult, ProbeWhat};
use super::memo::Then;
use super::process::stable;
use super::slot::{Running, State};
use super::view::Health;
use crate::ident::ServiceName;
use crate::spec::model::HealthProbe;

impl Supervisor {
    /// Begins to ask how a service is that came to run.
    pub(super) fn start_health(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Running(Running { attempt, .. }) = &slot.state else { return };
        let health = &attempt.spec.health;
        let probe = |what: ProbeWhat, probe: &HealthProbe| {
            Action::StartProbe(Probe {
                id: ProbeId { id: attempt.id.clone(), what },
                spec: attempt.spec.clone(),
                check: probe.check.clone(),
                delay: probe.interval,
                interval: probe.interval,
                timeout: probe.timeout,
            })
        };
        let live = health.liveness.as_ref().map(|one| probe(ProbeWhat::Liveness, one));
        let ready = health.readiness.as_ref().map(|one| probe(ProbeWhat::Readiness, one));
        let both: Vec<Action> = live.into_iter().chain(ready).collect();
        self.actions.extend(both);
    }

    /// One liveness probe was answered.
    pub(super) fn liveness_told(&mut self, name: &ServiceName, result: ProbeResult) {
        let now = self.now.mono;
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Running(Running { attempt, wellness, .. }) = &mut slot.state else { return };
        let Some(probe) = &attempt.spec.health.liveness else { return };
        match result {
            ProbeResult::Ok => {
                wellness.live_failures = 0;
                self.weigh(name);
            }
            ProbeResult::Failed(reason) => {
                wellness.live_failures = wellness.live_failures.saturating_add(1);
                wellness.error = Some(reason.clone());
                if wellness.live_failures < probe.fail_after.max(1) {
                    return;
                }
                if stable(slot, now) {
                    slot.history.row = 0;
                }
                slot.history.unwell = Some(reason.clone());
                let why = format!("was not well: {reason}");
                self.stop_process(name, Then::Unwell, why);
            }
        }
    }

    /// One readiness probe of what runs was answered.
    pub(super) fn readiness_told(&mut self, name: &ServiceName, result: ProbeResult) {
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Running(Running { wellness, .. }) = &mut slot.state else { return };
        match result {
            ProbeResult::Ok => wellness.ready_failures = 0,
            ProbeResult::Failed(reason) => {
                wellness.ready_failures = wellness.ready_failures.saturating_add(1);
                wellness.error = Some(reason);
            }
        }
        self.weigh(name);
    }

    /// Decides anew whether `name` is well, and tells when that is another answer than before.
    fn weigh(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Running(Running { attempt, wellness, process, .. }) = &mut slot.state else { return };
        let (before, pid) = (wellness.health, process.pid);
        let fail_after =
            attempt.spec.health.readiness.as_ref().map_or(u32::MAX, |probe| probe.fail_after.max(1));
        // Failures that are too few yet leave it as it was.
        let health = if wellness.ready_failures >= fail_after {
            Health::Unhealthy
        } else if wellness.ready_failures == 0 && wellness.live_failures == 0 {
            wellness.error = None;
            Health::Healthy
        } else if before == Health::Unhealthy && wellness.ready_failures == 0 {
            Health::Healthy
        } else {
            before
        };
        wellness.health = health;
        let error = wellness.error.clone().unwrap_or_default();
        match (before, health) {
            (Health::Healthy | Health::Unknown, Health::Unhealthy) => {
                let message = format!("is not well: {error}");
                self.note(name, Some(pid), NoteKind::Probe, NoteLevel::Warn, message);
            }
            (Health::Unhealthy, Health::Healthy) => {
                let message = "is well again".to_owned();
                self.note(name, Some(pid), NoteKind::Probe, NoteLevel::Info, message);
                self.ticket_up(name);
                self.wake_dependants(name);
            }
            (Health::Unknown | Health::Healthy, Health::Unknown | Health::Healthy)
            | (Health::Unhealthy, Health::Unhealthy | Health::Unknown) => {}
        }
    }
}
