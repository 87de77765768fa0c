//! Sentences about what happened, for people.

use super::event::ExitStatus;
use super::restart::Outcome;
use super::state::Gate;
use crate::spec::model::Kind;
use crate::spec::{ServiceSpec, duration, signal_name};
use std::time::Duration;

/// How a process ended: `exited with code 1`, `killed by SIGKILL`, `ended unseen`.
impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(number) => write!(f, "killed by {}", signal_name(*number)),
            Self::Unknown => f.write_str("ended unseen"),
        }
    }
}

/// How an attempt ended.
pub(super) fn outcome(outcome: &Outcome, spec: &ServiceSpec) -> String {
    match outcome {
        Outcome::Exit(status) => status.to_string(),
        Outcome::NoProcess(message) => format!("could not be started: {message}"),
        Outcome::TimedOut => {
            let what = match spec.kind {
                Kind::Simple => "was not ready",
                Kind::Oneshot => "did not end",
            };
            let within = spec
                .start
                .timeout
                .map_or_else(String::new, |timeout| format!(" within {}", duration::for_people(timeout)));
            format!("{what}{within}")
        }
    }
}

/// `waits for redis, which is not ready` (and others).
pub(super) fn waits_for(gates: &[Gate]) -> String {
    let all = gates.iter().map(|Gate::Dependency { on, missing }| format!("{on}, which {missing}"));
    format!("waits for {}", all.collect::<Vec<_>>().join(", and for "))
}

/// When the next attempt is, for an answer.
pub(super) fn next_attempt(wait: Duration) -> String {
    format!("the next attempt is in {}", duration::for_people(wait))
}
