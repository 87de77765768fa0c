//! What a simulated process does with its life.

use std::time::Duration;
use svcctl_core::rng::Rng;
use svcctl_core::supervisor::event::ExitStatus;

/// The life of one process, drawn at its spawn.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Why there is no process at all.
    pub(crate) spawn_error: Option<String>,
    /// When it ends by itself, and how.
    pub(crate) ends: Option<(Duration, ExitStatus)>,
    /// When it answers its probe; never when absent.
    pub(crate) ready_after: Option<Duration>,
    /// How long it takes to end after a signal; it ignores signals when absent.
    pub(crate) heeds: Option<(Duration, ExitStatus)>,
    /// How many other processes it leaves behind when it ends.
    pub(crate) leaves: u32,
    /// When those end by themselves.
    pub(crate) leaves_for: Option<Duration>,
    /// Whether its tree cannot be killed for a while, and how long.
    pub(crate) stuck_for: Option<Duration>,
}

fn ms(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(rng.below(most + 1))
}

fn status(rng: &mut Rng) -> ExitStatus {
    match rng.below(8) {
        0..3 => ExitStatus::Code(0),
        3 | 4 => ExitStatus::Code(1),
        5 => ExitStatus::Code(78),
        6 => ExitStatus::Signal(11),
        _ => ExitStatus::Unknown,
    }
}

impl Program {
    /// A program as bad as they come.
    pub(crate) fn drawn(rng: &mut Rng, oneshot: bool) -> Self {
        let ends = match rng.below(if oneshot { 6 } else { 8 }) {
            0 | 1 => Some((ms(rng, 3), status(rng))),
            2 | 3 => Some((ms(rng, 4_000), status(rng))),
            4 | 5 => Some((ms(rng, 30_000), status(rng))),
            _ => None,
        };
        let on_signal = if rng.below(2) == 0 { ExitStatus::Signal(15) } else { ExitStatus::Code(0) };
        Self {
            spawn_error: (rng.below(10) == 0).then(|| "/bin/x: no such file".to_owned()),
            ends,
            ready_after: (rng.below(5) != 0).then(|| ms(rng, 3_000)),
            heeds: (rng.below(4) != 0).then(|| (ms(rng, 2_500), on_signal)),
            leaves: if rng.below(4) == 0 { 1 + u32::try_from(rng.below(3)).unwrap_or(0) } else { 0 },
            leaves_for: (rng.below(2) == 0).then(|| ms(rng, 5_000)),
            stuck_for: (rng.below(25) == 0).then(|| ms(rng, 8_000)),
        }
    }

    /// A program that does what it should.
    pub(crate) fn good(oneshot: bool) -> Self {
        let soon = Duration::from_millis(20);
        Self {
            spawn_error: None,
            ends: oneshot.then_some((soon, ExitStatus::Code(0))),
            ready_after: Some(soon),
            heeds: Some((soon, ExitStatus::Code(0))),
            leaves: 0,
            leaves_for: None,
            stuck_for: None,
        }
    }
}
