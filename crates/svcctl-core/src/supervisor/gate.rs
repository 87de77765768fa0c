//! Whether a service may start: the gates that its specification puts before a spawn.

use super::Supervisor;
use super::slot::{Running, Service, Stage, Starting, State};
use super::state::Gate;
use crate::ident::ServiceName;
use crate::spec::model::{DependencyKind, Kind};

impl Supervisor {
    /// The gates of `name` that are closed.
    pub(super) fn closed_gates(&self, name: &ServiceName) -> Vec<Gate> {
        let Some(service) = self.services.get(name) else { return Vec::new() };
        let closed = service.spec.depends_on.iter().filter_map(|(on, kind)| {
            let missing = self.services.get(on).map_or(Some("is not installed"), |on| missing(on, *kind))?;
            Some(Gate::Dependency { on: on.clone(), missing: missing.to_owned() })
        });
        closed.collect()
    }
}

/// What a dependency lacks; `None` if it is as it must be.
fn missing(dependency: &Service, kind: DependencyKind) -> Option<&'static str> {
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
        State::Running(Running { attempt, .. }) => attempt.spec.kind == Kind::Simple,
        State::Completed => service.spec.kind == Kind::Oneshot,
        State::Stopped
        | State::Waiting
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
        State::Stopped | State::Waiting | State::Stopping(_) | State::Backoff { .. } | State::Failed => false,
    }
}
