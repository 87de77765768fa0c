//! Sentences about what happened, for people.

use super::event::ExitStatus;
use super::restart::Outcome;
use super::state::Gate;
use crate::spec::model::{Check, Kind, TcpTarget};
use crate::spec::{ServiceSpec, Template, duration, signal_name};
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
        Outcome::Unwell(reason) if reason.is_empty() => "was not well".to_owned(),
        Outcome::Unwell(reason) => format!("was not well: {reason}"),
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

/// What a check asks: `tcp 127.0.0.1:5432`.
pub(super) fn check(check: &Check) -> String {
    match check {
        Check::Tcp(TcpTarget::Address(address)) => format!("tcp {address}"),
        Check::Tcp(TcpTarget::Name(host, port)) => format!("tcp {host}:{port}"),
        Check::Tcp(TcpTarget::Template(address)) => format!("tcp {}", address.as_written()),
        Check::Http(http) => format!("http {}", http.url.as_written()),
        Check::Exec(words) => {
            let words: Vec<&str> = words.iter().map(Template::as_written).collect();
            format!("exec {}", words.join(" "))
        }
        Check::Log(pattern) => format!("log {pattern}"),
        Check::Exists(path) => format!("exists {}", path.as_written()),
    }
}

/// `waits for redis, which is not ready` (and others).
pub(super) fn waits_for(gates: &[Gate]) -> String {
    let all = gates.iter().map(|gate| match gate {
        Gate::Dependency { on, missing } => format!("{on}, which {missing}"),
        Gate::Condition { check, missing: None } => check.clone(),
        Gate::Condition { check, missing: Some(missing) } => format!("{check}, which {missing}"),
        Gate::Hold { reason } if reason.is_empty() => "an unhold: it is held".to_owned(),
        Gate::Hold { reason } => format!("an unhold: it is held ({reason})"),
    });
    format!("waits for {}", all.collect::<Vec<_>>().join(", and for "))
}

/// When the next attempt is, for an answer.
pub(super) fn next_attempt(wait: Duration) -> String {
    format!("the next attempt is in {}", duration::for_people(wait))
}
