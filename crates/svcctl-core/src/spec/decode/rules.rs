//! The keys that say how a service starts, is restarted and stopped; and their defaults.

use super::super::keys;
use super::super::model::{
    Backoff, Kind, Limit, Pause, Restart, RestartPolicy, Signal, Start, Stop, StopStep,
};
use super::super::nearest::nearest;
use super::super::signal::SIGNALS;
use super::reader::{Reader, child};
use super::{activation, checks};
use serde_json::Value;
use std::time::Duration;

/// How long a `simple` service has to become ready, when nothing is said.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a stop may take, when nothing is said.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// The most exit codes in one list: there are no more.
const CODES_MAX: usize = 256;
/// The most steps of a stop.
const STEPS_MAX: usize = 16;
/// The most restarts that a limit may count.
const LIMIT_MAX: i64 = 1_000_000;
/// The largest factor of a backoff, in thousandths.
const FACTOR_MAX_PERMILLE: u32 = 100_000;

/// The rules for a start when nothing is said: a oneshot may take as long as it likes.
pub(in crate::spec) fn default_start(kind: Kind) -> Start {
    match kind {
        Kind::Simple => Start { timeout: Some(START_TIMEOUT), when: Vec::new() },
        Kind::Oneshot => Start { timeout: None, when: Vec::new() },
    }
}

/// What makes a service run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::spec) enum RunBy {
    /// That it is wanted up.
    Want,
    /// Its schedule or its trigger.
    Itself,
}

/// The rules for a restart when nothing is said. What runs by a schedule or a trigger is not tried again: the next run
/// is the next try.
pub(in crate::spec) fn default_restart(kind: Kind, run_by: RunBy) -> Restart {
    let policy = match (kind, run_by) {
        (Kind::Simple, RunBy::Want) => RestartPolicy::Always,
        (Kind::Oneshot, RunBy::Want) => RestartPolicy::OnFailure,
        (Kind::Simple | Kind::Oneshot, RunBy::Itself) => RestartPolicy::Never,
    };
    Restart {
        policy,
        pause: Pause::Backoff(default_backoff()),
        limit: None,
        success_codes: vec![0],
        never_on: Vec::new(),
    }
}

/// The backoff when nothing is said.
pub(in crate::spec) fn default_backoff() -> Backoff {
    Backoff {
        initial: Duration::from_secs(1),
        factor_permille: 2_000,
        max: Duration::from_mins(1),
        jitter_permille: 100,
        reset_after: Duration::from_mins(1),
    }
}

/// The rules for a stop when nothing is said.
pub(in crate::spec) fn default_stop() -> Stop {
    Stop {
        timeout: STOP_TIMEOUT,
        steps: vec![StopStep::Signal { signal: Signal::Term, wait: None }, StopStep::KillTree],
    }
}

pub(super) fn start(reader: &mut Reader, at: &str, value: &Value, kind: Kind) -> Option<Start> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::START, &[]);
    let timeout = reader.optional(&section, "timeout", Reader::duration);
    let when = reader.optional(&section, "when", checks::conditions).unwrap_or_default();
    Some(Start { timeout: timeout.or(default_start(kind).timeout), when })
}

pub(super) fn restart(reader: &mut Reader, at: &str, value: &Value, default: Restart) -> Option<Restart> {
    const POLICIES: [(&str, RestartPolicy); 3] = [
        ("always", RestartPolicy::Always),
        ("on-failure", RestartPolicy::OnFailure),
        ("never", RestartPolicy::Never),
    ];
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::RESTART, &[]);
    let policy = reader.optional(&section, "policy", |r, at, v| r.choice(at, v, &POLICIES, &[]));
    reader.only_one(&section, &["delay", "backoff"]);
    let delay = reader.optional(&section, "delay", Reader::duration).map(Pause::Fixed);
    let growing = reader.optional(&section, "backoff", backoff).map(Pause::Backoff);
    let limit = reader.optional(&section, "limit", limit);
    reader.optional(&section, "on_exhausted", on_exhausted);
    let success_codes = reader.optional(&section, "success_codes", codes);
    let never_on = reader.optional(&section, "never_on", codes);
    Some(Restart {
        policy: policy.unwrap_or(default.policy),
        pause: delay.or(growing).unwrap_or(default.pause),
        limit,
        success_codes: success_codes.unwrap_or(default.success_codes),
        never_on: never_on.unwrap_or(default.never_on),
    })
}

fn on_exhausted(reader: &mut Reader, at: &str, value: &Value) -> Option<()> {
    let word = reader.text(at, value)?;
    if word != "fail" {
        reader.not_yet(at, &format!("{word:?} is (only `fail` is supported, which is)"));
    }
    Some(())
}

fn codes(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<i32>> {
    let codes = reader
        .list(at, value, CODES_MAX, |r, at, v| i32::try_from(r.integer(at, v, 0..=0xffff_ffff)?).ok())?;
    Some(codes)
}

fn limit(reader: &mut Reader, at: &str, value: &Value) -> Option<Limit> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::LIMIT, &[]);
    let example = "both, as in `{count: 10, within: 10m}`";
    let count = reader.required(&section, "count", example, |r, at, v| r.integer(at, v, 1..=LIMIT_MAX));
    let within = reader.required(&section, "within", example, Reader::duration);
    Some(Limit { count: u32::try_from(count?).ok()?, within: within? })
}

fn backoff(reader: &mut Reader, at: &str, value: &Value) -> Option<Backoff> {
    let default = default_backoff();
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::BACKOFF, &[]);
    let initial = reader.optional(&section, "initial", Reader::duration).unwrap_or(default.initial);
    let factor =
        reader.optional(&section, "factor", |r, at, v| r.permille(at, v, 1_000, FACTOR_MAX_PERMILLE));
    let max = reader.optional(&section, "max", Reader::duration).unwrap_or(default.max);
    let jitter = reader.optional(&section, "jitter", |r, at, v| r.permille(at, v, 0, 1_000));
    let reset_after = reader.optional(&section, "reset_after", Reader::duration);
    if max < initial {
        reader.problem(&child(at, "max"), "must not be shorter than `initial`");
    }
    Some(Backoff {
        initial,
        factor_permille: factor.unwrap_or(default.factor_permille),
        max,
        jitter_permille: jitter.unwrap_or(default.jitter_permille),
        reset_after: reset_after.unwrap_or(default.reset_after),
    })
}

pub(super) fn stop(reader: &mut Reader, at: &str, value: &Value) -> Option<Stop> {
    let default = default_stop();
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::STOP, &[]);
    let timeout = reader.optional(&section, "timeout", Reader::duration).unwrap_or(default.timeout);
    let steps = reader.optional(&section, "steps", |r, at, v| r.list(at, v, STEPS_MAX, step));
    if let Some(steps) = &steps {
        step_order(reader, &child(at, "steps"), steps);
    }
    Some(Stop { timeout, steps: steps.unwrap_or(default.steps) })
}

/// Steps that would never be taken are a mistake of the writer.
fn step_order(reader: &mut Reader, at: &str, steps: &[StopStep]) {
    if steps.is_empty() {
        reader.problem(at, "needs at least one step, as in `[{signal: TERM}, {kill: tree}]`");
    }
    for (index, pair) in steps.windows(2).enumerate() {
        match pair {
            [StopStep::KillTree, _] => {
                reader.problem(&format!("{at}[{}]", index + 1), "is never reached after `kill: tree`");
            }
            [
                StopStep::Signal { wait: None, .. } | StopStep::Command { wait: None, .. },
                StopStep::Signal { .. } | StopStep::Command { .. },
            ] => {
                let message = "needs a `wait`, or the step after it is never taken";
                reader.problem(&format!("{at}[{index}]"), message);
            }
            _ => {}
        }
    }
}

fn step(reader: &mut Reader, at: &str, value: &Value) -> Option<StopStep> {
    const STEPS: [&str; 3] = ["signal", "command", "kill"];
    const LATER: [&str; 3] = ["ctrl_c", "ctrl_break", "close"];
    let section = reader.section(at, value)?;
    let which = reader.only_one(&section, &STEPS);
    reader.keys(&section, keys::STEP, &LATER);
    if which == Some("kill") {
        if section.map.contains_key("wait") {
            reader.key_problem(
                &child(at, "wait"),
                "has no meaning with `kill`, which waits for the end; leave it out",
            );
        }
        return reader
            .optional(&section, "kill", |r, at, v| r.choice(at, v, &[("tree", StopStep::KillTree)], &[]));
    }
    let wait = reader.optional(&section, "wait", Reader::duration);
    match which {
        Some("signal") => {
            reader.optional(&section, "signal", signal).map(|signal| StopStep::Signal { signal, wait })
        }
        Some(_) => reader
            .optional(&section, "command", activation::hook)
            .map(|command| StopStep::Command { command, wait }),
        None => {
            if !LATER.iter().any(|key| section.map.contains_key(*key)) {
                reader.problem(at, "names no step; give `signal: TERM`, `command: [...]` or `kill: tree`");
            }
            None
        }
    }
}

/// A signal by its name.
pub(super) fn signal(reader: &mut Reader, at: &str, value: &Value) -> Option<Signal> {
    let name = reader.text(at, value)?;
    let signal = Signal::from_name(&name);
    if signal.is_none() {
        let known: Vec<&str> = SIGNALS.iter().map(|signal| signal.name()).collect();
        let hint = nearest(&name, known.iter().copied())
            .map_or_else(|| format!("one of {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        reader.problem(at, &format!("unknown signal {name:?}; {hint}"));
    }
    signal
}
