//! Points in time as arguments: the core never reads a clock.
//!
//! Deadlines are monotonic, so a jump of the wall clock moves none of them; wall-clock time is carried along only to
//! be shown to people.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Nanoseconds of the machine's monotonic clock since boot (Linux: `CLOCK_MONOTONIC`), the same for every process of
/// one boot: a deadline given by one engine means the same to the keeper and to the next engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mono(pub u64);

impl Mono {
    /// The point `after` later; saturates at the end of time.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long it is from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds of the wall clock since 1970-01-01T00:00:00Z; for showing, never for deadlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wall(pub i64);

/// Both clocks, read at one moment by the shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// The monotonic clock.
    pub mono: Mono,
    /// The wall clock.
    pub wall: Wall,
}
