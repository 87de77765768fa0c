//! From what the core says to what the API says: sentences with a remedy, and the views as documents.

mod job;

use crate::queue::Answer;
use std::collections::BTreeSet;
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::event::ExitStatus;
use svcctl_core::supervisor::reply::{Failure as ServiceFailure, Left, Refusal, Reply};
use svcctl_core::supervisor::state::{Desired, Gate};
use svcctl_core::supervisor::view::{Health, ServiceView};
use svcctl_core::time::{Now, Wall};
use svckit::control::types::{Done, Failure, FailureKind, Held, LastExit, Outcome, Service};

/// A failure of this kind.
pub(crate) fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into(), problems: Vec::new() }
}

/// The API's answer to a command that changes something.
///
/// # Errors
/// The [`Failure`] that the reply is.
pub(crate) fn outcome(answer: Answer) -> Result<Outcome, Failure> {
    let outcome = reply_outcome(answer.reply)?;
    match answer.not_durable {
        None => Ok(outcome),
        Some(why) => Err(failure(
            FailureKind::Failed,
            format!(
                "it is done, but may be forgotten at the next start of the daemon: {why}; mend that and repeat the command"
            ),
        )),
    }
}

fn reply_outcome(reply: Reply) -> Result<Outcome, Failure> {
    match reply {
        Reply::Done(done) => Ok(Outcome {
            services: done
                .into_iter()
                .map(|done| Done {
                    name: done.name.to_string(),
                    changed: done.changed,
                    taken_along: done.taken_along,
                })
                .collect(),
        }),
        Reply::Views(_) | Reply::Applied(_) => Ok(Outcome::default()),
        Reply::Refused(refusal) => Err(refused(refusal)),
        Reply::Failed(failures) => {
            let told: Vec<String> = failures.iter().map(failed).collect();
            Err(failure(FailureKind::Failed, told.join("; ")))
        }
        Reply::TimedOut(left) => {
            let told: Vec<String> = left.iter().map(left_over).collect();
            Err(failure(FailureKind::TimedOut, format!("not done in time: {}", told.join("; "))))
        }
        Reply::Superseded(name) => Err(failure(
            FailureKind::Conflict,
            format!("a later command wants something else of {name}; see: svcctl status {name}"),
        )),
    }
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::NoSuchService(name, nearest) => {
            let hint = nearest
                .map_or_else(|| "see: svcctl list".to_owned(), |nearest| format!("did you mean {nearest}?"));
            failure(FailureKind::NoSuchService, format!("there is no service {name}; {hint}"))
        }
        Refusal::Differs(name, differences) => failure(
            FailureKind::Conflict,
            format!(
                "{name} is already installed with another specification ({}); to change it, repeat with --update",
                differences.join(", ")
            ),
        ),
        Refusal::Needed(name, by) => {
            let by: Vec<&str> = by.iter().map(ServiceName::as_str).collect();
            failure(
                FailureKind::Conflict,
                format!(
                    "{name} is needed by {}; stop them too with --with-dependants, or leave them as they are with --force",
                    by.join(", ")
                ),
            )
        }
        Refusal::Invalid(problems) => {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure { kind: FailureKind::Invalid, message: told.join("; "), problems }
        }
        Refusal::NotApplicable(name, why) => failure(FailureKind::Usage, format!("{name} {why}")),
        Refusal::Held(name, reason) => failure(
            FailureKind::Conflict,
            if reason.is_empty() {
                format!("{name} is held; let it go with: svcctl unhold {name}")
            } else {
                format!("{name} is held ({reason}); let it go with: svcctl unhold {name}")
            },
        ),
        Refusal::ShuttingDown => failure(
            FailureKind::NoDaemon,
            "the daemon is ending; wait for that, then start it with: svcctl daemon",
        ),
    }
}

fn failed(failure: &ServiceFailure) -> String {
    let next = failure.next.as_deref().map_or_else(
        || format!("; see: svcctl logs {}", failure.name),
        |next| format!("; {next}; see: svcctl logs {}", failure.name),
    );
    format!("{}: {}{next}", failure.name, failure.why)
}

fn left_over(left: &Left) -> String {
    let pids: Vec<String> = left.pids.iter().map(ToString::to_string).collect();
    let pids =
        if pids.is_empty() { String::new() } else { format!(" (processes left: {})", pids.join(", ")) };
    format!("{} {}{pids}", left.name, left.why)
}

/// What a view is shown with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// When.
    pub(crate) now: Now,
    /// By which engine, if one runs.
    pub(crate) engine: Option<&'a str>,
    /// The services whose file means something else than what is accepted.
    pub(crate) pending: &'a BTreeSet<ServiceName>,
}

/// A view as the API's document.
pub(crate) fn service(view: ServiceView, shown: Shown<'_>) -> Service {
    let phase = serde_json::to_value(view.phase).ok().and_then(|word| word.as_str().map(str::to_owned));
    let pending = shown.pending.contains(&view.name);
    Service {
        name: view.name.to_string(),
        display_name: view.spec.display_name.clone(),
        state: view.phase.word().to_owned(),
        phase: phase.unwrap_or_default(),
        why: view.why,
        desired: desired_word(view.desired).to_owned(),
        ready: view.ready,
        since: timestamp(view.since),
        pid: view.pid,
        started: view.started.map(timestamp),
        restarts: view.restarts,
        last_exit: view.last_exit.map(|(status, at)| last_exit(status, at)),
        last_spawn_error: view.last_spawn_error,
        last_probe_error: view.last_probe_error,
        next_attempt_ms: view
            .next_attempt
            .map(|at| u64::try_from(at.since(shown.now.mono).as_millis()).unwrap_or(u64::MAX)),
        waiting_for: view.gates.iter().map(gate).collect(),
        stuck: view.stuck,
        manager: "embedded".to_owned(),
        engine: shown.engine.map(str::to_owned),
        revision: view.revision,
        outdated: view.outdated,
        pending,
        autostart: view.spec.autostart,
        health: match view.health {
            Health::Unknown => "unknown",
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
        }
        .to_owned(),
        health_error: view.health_error,
        held: view.held.map(|hold| Held { reason: hold.reason, since: timestamp(hold.since) }),
        job: view.job.map(|job| job::job(&view.spec, job)),
        spec: view.spec.to_document(),
    }
}

fn desired_word(desired: Desired) -> &'static str {
    match desired {
        Desired::Up => "up",
        Desired::Down => "down",
    }
}

fn gate(gate: &Gate) -> String {
    match gate {
        Gate::Dependency { on, missing } => format!("{on} {missing}"),
        Gate::Condition { check, missing: None } => format!("{check} has not been asked yet"),
        Gate::Condition { check, missing: Some(missing) } => format!("{check}: {missing}"),
        Gate::Hold { reason } if reason.is_empty() => "it is held".to_owned(),
        Gate::Hold { reason } => format!("it is held: {reason}"),
    }
}

fn last_exit(status: ExitStatus, at: Wall) -> LastExit {
    let (text, code, signal) = match status {
        ExitStatus::Code(code) => (format!("exited with code {code}"), Some(code), None),
        ExitStatus::Signal(signal) => {
            (format!("killed by {}", svcctl_os::signal::name(signal)), None, Some(signal))
        }
        ExitStatus::Unknown => ("ended unseen".to_owned(), None, None),
    };
    LastExit { text, code, signal, at: timestamp(at) }
}

/// A wall-clock time as RFC 3339 in UTC, with milliseconds.
pub(crate) fn timestamp(wall: Wall) -> String {
    jiff::Timestamp::from_millisecond(wall.0).map_or_else(|_| "unknown".to_owned(), |at| format!("{at:.3}"))
}
