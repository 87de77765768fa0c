//! The keys that say how a service starts, is known to be ready, is restarted and stopped; and their defaults.

use super::super::model::{
    Backoff, Check, Kind, Limit, Pause, Ready, Restart, RestartPolicy, Signal, Start, Stop, StopStep,
    TcpTarget,
};
use super::super::nearest::nearest;
use super::super::signal::SIGNALS;
use super::reader::{Reader, Section, child};
use serde_json::Value;
use std::time::Duration;

/// How long a `simple` service has to become ready, when nothing is said.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often readiness is asked, when nothing is said: a dependant is held back by this at most.
pub(in crate::spec) const READY_INTERVAL: Duration = Duration::from_millis(250);
/// How long one such question may take, when nothing is said.
pub(in crate::spec) const READY_TIMEOUT: Duration = Duration::from_secs(1);
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
        Kind::Simple => Start { timeout: Some(START_TIMEOUT) },
        Kind::Oneshot => Start { timeout: None },
    }
}

/// The rules for a restart when nothing is said.
pub(in crate::spec) fn default_restart(kind: Kind) -> Restart {
    let policy = match kind {
        Kind::Simple => RestartPolicy::Always,
        Kind::Oneshot => RestartPolicy::OnFailure,
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
    reader.keys(&section, &["timeout"], &["when"]);
    let timeout = reader.optional(&section, "timeout", Reader::duration);
    Some(Start { timeout: timeout.or(default_start(kind).timeout) })
}

pub(super) fn ready(reader: &mut Reader, at: &str, value: &Value) -> Option<Ready> {
    const LATER: [&str; 5] = ["http", "exec", "log", "notify", "fd"];
    let section = reader.section(at, value)?;
    reader.keys(&section, &["tcp", "interval", "timeout"], &LATER);
    if !section.map.contains_key("tcp") && !LATER.iter().any(|key| section.map.contains_key(*key)) {
        reader.problem(at, "names no check; give one, as in `tcp: \"127.0.0.1:8080\"`");
    }
    let check = reader.optional(&section, "tcp", tcp).map(Check::Tcp);
    let interval = reader.optional(&section, "interval", Reader::duration).unwrap_or(READY_INTERVAL);
    let timeout = reader.optional(&section, "timeout", Reader::duration).unwrap_or(READY_TIMEOUT);
    Some(Ready { check: check?, interval, timeout })
}

fn tcp(reader: &mut Reader, at: &str, value: &Value) -> Option<TcpTarget> {
    let text = reader.text(at, value)?;
    let target = tcp_target(&text);
    if target.is_none() {
        reader.problem(
            at,
            &format!(
                "must be an address with a port from 1 to 65535, as in \"127.0.0.1:8080\", and is {text:?}"
            ),
        );
    }
    target
}

fn tcp_target(text: &str) -> Option<TcpTarget> {
    if let Ok(address) = text.parse::<core::net::SocketAddr>() {
        return (address.port() != 0).then_some(TcpTarget::Address(address));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // What is made of digits and dots alone was meant as an address, and is none.
    let a_name = host.chars().any(|c| c.is_ascii_alphabetic());
    let sound = a_name && host.len() <= 253 && host.chars().all(letters) && !host.starts_with(['.', '-']);
    sound.then(|| TcpTarget::Name(host.to_owned(), port))
}

pub(super) fn restart(reader: &mut Reader, at: &str, value: &Value, kind: Kind) -> Option<Restart> {
    const POLICIES: [(&str, RestartPolicy); 3] = [
        ("always", RestartPolicy::Always),
        ("on-failure", RestartPolicy::OnFailure),
        ("never", RestartPolicy::Never),
    ];
    const KNOWN: [&str; 7] =
        ["policy", "delay", "backoff", "limit", "success_codes", "never_on", "on_exhausted"];
    let default = default_restart(kind);
    let section = reader.section(at, value)?;
    reader.keys(&section, &KNOWN, &[]);
    let policy = reader.optional(&section, "policy", |r, at, v| r.choice(at, v, &POLICIES, &[]));
    if section.map.contains_key("delay") && section.map.contains_key("backoff") {
        reader.problem(&child(at, "delay"), "excludes `backoff`; keep one of them");
    }
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
    reader.keys(&section, &["count", "within"], &[]);
    let example = "both, as in `{count: 10, within: 10m}`";
    let count = reader.required(&section, "count", example, |r, at, v| r.integer(at, v, 1..=LIMIT_MAX));
    let within = reader.required(&section, "within", example, Reader::duration);
    Some(Limit { count: u32::try_from(count?).ok()?, within: within? })
}

fn backoff(reader: &mut Reader, at: &str, value: &Value) -> Option<Backoff> {
    let default = default_backoff();
    let section = reader.section(at, value)?;
    reader.keys(&section, &["initial", "factor", "max", "jitter", "reset_after"], &[]);
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
    reader.keys(&section, &["timeout", "steps"], &[]);
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
            [StopStep::Signal { wait: None, .. }, StopStep::Signal { .. }] => {
                let message = "needs a `wait`, or the signal after it is never sent";
                reader.problem(&format!("{at}[{index}]"), message);
            }
            _ => {}
        }
    }
}

fn step(reader: &mut Reader, at: &str, value: &Value) -> Option<StopStep> {
    const LATER: [&str; 4] = ["command", "ctrl_c", "ctrl_break", "close"];
    let section = reader.section(at, value)?;
    if section.map.contains_key("kill") {
        reader.keys(&section, &["kill"], &[]);
        return reader
            .optional(&section, "kill", |r, at, v| r.choice(at, v, &[("tree", StopStep::KillTree)], &[]));
    }
    reader.keys(&section, &["signal", "wait", "kill"], &LATER);
    if !section.map.contains_key("signal") {
        if !LATER.iter().any(|key| section.map.contains_key(*key)) {
            reader.problem(at, "names no step; give `signal: TERM` or `kill: tree`");
        }
        return None;
    }
    let wait = reader.optional(&section, "wait", Reader::duration);
    signal(reader, &section).map(|signal| StopStep::Signal { signal, wait })
}

fn signal(reader: &mut Reader, section: &Section<'_>) -> Option<Signal> {
    reader.optional(section, "signal", |reader, at, value| {
        let name = reader.text(at, value)?;
        let signal = Signal::from_name(&name);
        if signal.is_none() {
            let known: Vec<&str> = SIGNALS.iter().map(|signal| signal.name()).collect();
            let hint = nearest(&name, known.iter().copied()).map_or_else(
                || format!("one of {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            reader.problem(at, &format!("unknown signal {name:?}; {hint}"));
        }
        signal
    })
}
