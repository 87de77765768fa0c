//! What must follow an exit, written a second time from the specification's words, without the core's code.

use std::time::Duration;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{Kind, Pause, RestartPolicy};
use svcctl_core::supervisor::event::ExitStatus;
use svcctl_core::time::Mono;

/// How an attempt ended, as the world saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Exit(ExitStatus),
    NotInTime,
    NoProcess,
}

/// What the world counts for a service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) row: u32,
    pub(crate) window: Option<(Mono, u32)>,
    /// Engines died since, so what the next one knows is not known here.
    pub(crate) unsure: bool,
}

/// What must follow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    AtOnce,
    /// A pause from the one to the other.
    Pause(Duration, Duration),
    Completed,
    Failed,
    /// The counts are not sure: a failure or a restart, whose pause is at most this long.
    AtMost(Duration),
}

/// What must follow `end` at `now`; counts it.
pub(crate) fn expected(spec: &ServiceSpec, counts: &mut Counts, end: End, now: Mono) -> Expected {
    let code = if let End::Exit(ExitStatus::Code(code)) = end { Some(code) } else { None };
    let success = code.is_some_and(|code| spec.restart.success_codes.contains(&code));
    if code.is_some_and(|code| spec.restart.never_on.contains(&code)) {
        return Expected::Failed;
    }
    if success && (spec.kind == Kind::Oneshot || spec.restart.policy != RestartPolicy::Always) {
        return Expected::Completed;
    }
    if spec.restart.policy == RestartPolicy::Never {
        return Expected::Failed;
    }
    if counts.unsure {
        return Expected::AtMost(longest(&spec.restart.pause));
    }
    if let Some(limit) = &spec.restart.limit {
        let open = counts.window.filter(|(opened, _)| now < opened.after(limit.within));
        let (opened, count) = open.unwrap_or((now, 0));
        if count >= limit.count {
            return Expected::Failed;
        }
        counts.window = Some((opened, count + 1));
    }
    counts.row += 1;
    match &spec.restart.pause {
        Pause::Fixed(delay) => Expected::Pause(*delay, *delay),
        Pause::Backoff(_) if counts.row == 1 && !matches!(end, End::NoProcess) => Expected::AtOnce,
        Pause::Backoff(backoff) => {
            let power = i32::try_from(counts.row.max(2) - 2).unwrap_or(i32::MAX);
            let factor = f64::from(backoff.factor_permille) / 1_000.0;
            let wait = (backoff.initial.as_secs_f64() * factor.powi(power)).min(backoff.max.as_secs_f64());
            let jitter = f64::from(backoff.jitter_permille) / 1_000.0;
            // The core counts in nanoseconds and rounds down at each power.
            let slack = 1e-6;
            let low = (wait * (1.0 - jitter) - slack).max(0.0);
            Expected::Pause(
                Duration::from_secs_f64(low),
                Duration::from_secs_f64(wait * (1.0 + jitter) + slack),
            )
        }
    }
}

fn longest(pause: &Pause) -> Duration {
    match pause {
        Pause::Fixed(delay) => *delay,
        Pause::Backoff(backoff) => backoff.max.mul_f64(1.0 + f64::from(backoff.jitter_permille) / 1_000.0),
    }
}
