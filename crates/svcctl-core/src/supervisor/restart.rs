//! What follows when a process ended, or none came to be: pure rules over a specification and a history.

use super::event::ExitStatus;
use super::slot::History;
use super::text;
use crate::rng::Rng;
use crate::spec::model::{Backoff, Kind, Limit, Pause, Restart, RestartPolicy};
use crate::spec::{ServiceSpec, duration};
use crate::time::Mono;
use std::time::Duration;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The process ended by itself.
    Exit(ExitStatus),
    /// It was not ready in time (a oneshot: not done in time) and was stopped for it.
    TimedOut,
    /// It was not well, for this reason, and was stopped for it.
    Unwell(String),
    /// There was no process.
    NoProcess(String),
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another attempt now.
    AtOnce,
    /// Another attempt after this long.
    After(Duration),
    /// It did what it should.
    Complete,
    /// No more attempts, for this reason.
    GiveUp(String),
}

/// Decides, and counts the restart in `history` if there is one.
pub(super) fn judge(
    spec: &ServiceSpec,
    history: &mut History,
    outcome: &Outcome,
    now: Mono,
    rng: &mut Rng,
) -> Verdict {
    let rules = &spec.restart;
    let ended = text::outcome(outcome, spec);
    if let Outcome::Exit(ExitStatus::Code(code)) = outcome
        && rules.never_on.contains(code)
    {
        return Verdict::GiveUp(format!("{ended}, which is never restarted"));
    }
    let success = is_success(rules, outcome);
    let restarts = match (rules.policy, success) {
        (RestartPolicy::Always, true) => spec.kind == Kind::Simple,
        (RestartPolicy::OnFailure | RestartPolicy::Never, true) | (RestartPolicy::Never, false) => false,
        (RestartPolicy::Always | RestartPolicy::OnFailure, false) => true,
    };
    if restarts {
        return pause(rules, history, outcome, &ended, now, rng);
    }
    if success { Verdict::Complete } else { Verdict::GiveUp(format!("{ended}; its restart policy is never")) }
}

fn is_success(rules: &Restart, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Exit(ExitStatus::Code(code)) => rules.success_codes.contains(code),
        Outcome::Exit(ExitStatus::Signal(_) | ExitStatus::Unknown)
        | Outcome::TimedOut
        | Outcome::Unwell(_)
        | Outcome::NoProcess(_) => false,
    }
}

fn pause(
    rules: &Restart,
    history: &mut History,
    outcome: &Outcome,
    ended: &str,
    now: Mono,
    rng: &mut Rng,
) -> Verdict {
    if let Some(limit) = &rules.limit
        && !within_limit(limit, history, now)
    {
        let within = duration::for_people(limit.within);
        let times = if limit.count == 1 { "once".to_owned() } else { format!("{} times", limit.count) };
        return Verdict::GiveUp(format!("restarted {times} within {within}; at last it {ended}"));
    }
    history.row = history.row.saturating_add(1);
    history.restarts = history.restarts.saturating_add(1);
    match &rules.pause {
        Pause::Fixed(delay) => Verdict::After(*delay),
        Pause::Backoff(backoff) => match (history.row, outcome) {
            (1, Outcome::Exit(_) | Outcome::TimedOut | Outcome::Unwell(_)) => Verdict::AtOnce,
            (row, _) => Verdict::After(with_jitter(wait(backoff, row), backoff.jitter_permille, rng)),
        },
    }
}

/// Counts one more restart in the limit's window, unless that would be one too many.
fn within_limit(limit: &Limit, history: &mut History, now: Mono) -> bool {
    let count = match history.window {
        Some((opened, count)) if now.since(opened) < limit.within => count,
        Some(_) | None => {
            history.window = Some((now, 1));
            return limit.count >= 1;
        }
    };
    if count >= limit.count {
        return false;
    }
    history.window = history.window.map(|(opened, _)| (opened, count + 1));
    true
}

/// The wait before restart number `row` in a row, without jitter: `initial × factor^(row−2)`, at most `max`. The
/// first one, if it waits at all, waits as long as the second.
fn wait(backoff: &Backoff, row: u32) -> Duration {
    let max = backoff.max.as_nanos();
    let mut nanos = backoff.initial.as_nanos();
    for _ in 2..row {
        let grown = nanos.saturating_mul(u128::from(backoff.factor_permille)) / 1_000;
        if grown <= nanos || nanos >= max {
            break;
        }
        nanos = grown;
    }
    from_nanos(nanos.min(max))
}

/// `wait`, changed by up to ± `permille` thousandths of it, evenly.
fn with_jitter(wait: Duration, permille: u32, rng: &mut Rng) -> Duration {
    let reach = wait.as_nanos() * u128::from(permille) / 1_000;
    let reach = u64::try_from(reach).unwrap_or(u64::MAX / 2).min(u64::MAX / 2);
    let share = rng.below(2 * reach + 1);
    from_nanos((wait.as_nanos() + u128::from(share)).saturating_sub(u128::from(reach)))
}

fn from_nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "restart_tests.rs"]
mod tests;
