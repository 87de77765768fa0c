//! The state of services as it is shown.

use super::Supervisor;
use super::gate::is_ready;
use super::slot::{Attempt, Service, Stage, Starting, State};
use super::text;
use super::view::{Health, ServiceView};
use crate::ident::ServiceName;
use crate::spec::plan::{Effect, effect};

impl Supervisor {
    /// Every service at this moment, in the order of names.
    pub fn views(&self) -> Vec<ServiceView> {
        self.services.iter().map(|(name, service)| self.view_of(name, service)).collect()
    }

    /// One service at this moment.
    pub fn view(&self, name: &ServiceName) -> Option<ServiceView> {
        self.services.get(name).map(|service| self.view_of(name, service))
    }

    fn view_of(&self, name: &ServiceName, service: &Service) -> ServiceView {
        let slot = &service.slot;
        let state = &slot.state;
        let process = state.process();
        let wellness = if let State::Running(running) = state { Some(&running.wellness) } else { None };
        let gates = if matches!(state, State::Waiting(_)) { self.closed_gates(name) } else { Vec::new() };
        let why = if gates.is_empty() { slot.why.clone() } else { text::waits_for(&gates) };
        ServiceView {
            name: name.clone(),
            spec: service.spec.clone(),
            revision: service.revision,
            running_revision: state.attempt().map(|attempt| attempt.revision),
            outdated: state.attempt().is_some_and(|attempt| is_outdated(attempt, service)),
            desired: service.desired,
            phase: state.phase(),
            ready: is_ready(service) && !service.is_job(),
            since: slot.since.wall,
            pid: process.map(|process| process.pid),
            started: process.map(|process| process.since_wall),
            restarts: slot.history.restarts,
            generation: slot.generation.0,
            last_exit: slot.history.last_exit,
            last_spawn_error: slot.history.spawn_error.clone(),
            last_probe_error: probe_error(state),
            next_attempt: if let State::Backoff { until } = state { Some(*until) } else { None },
            gates,
            why,
            stuck: if let State::Stopping(stopping) = state { stopping.stuck.clone() } else { Vec::new() },
            health: wellness.map_or(Health::Unknown, |one| one.health),
            health_error: wellness.and_then(|one| one.error.clone()),
            held: service.held.clone(),
            job: Self::job_view(service),
        }
    }
}

/// Whether a restart would change something for the process.
fn is_outdated(attempt: &Attempt, service: &Service) -> bool {
    // Of an attempt that outlived an engine only its revision is known.
    let unknown = attempt.spec == service.spec && attempt.revision != service.revision;
    unknown || effect(&attempt.spec, &service.spec) == Effect::Restart
}

fn probe_error(state: &State) -> Option<String> {
    if let State::Starting(Starting { stage: Stage::Probing { error, .. }, .. }) = state {
        error.clone()
    } else {
        None
    }
}
