//! When a dead engine is followed by the next, and when the next is to be careful.
//!
//! The first death is followed at once. Engines that die again and again right after their start are started ever more
//! slowly; one that served for a while counts as a good start, however it ended. Nothing here ever gives up.

use std::collections::VecDeque;
use std::time::Duration;

/// So many deaths in [`WITHIN`] put the next engine into recovery mode.
pub(super) const RECOVERY_DEATHS: usize = 5;
/// The time in which deaths count towards recovery mode.
pub(super) const WITHIN: Duration = Duration::from_mins(1);
/// An engine that served and lived this long had a good start.
pub(super) const GOOD_START: Duration = Duration::from_secs(1);
/// The wait after the second bad start in a row; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The memory of deaths.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    recent: VecDeque<u64>,
    bad_starts: u32,
}

impl Deaths {
    /// Counts a death at `now` of an engine that lived for `lived`, and gives the wait before the next.
    pub(super) fn count(&mut self, now: u64, lived: Duration, served: bool) -> Duration {
        self.recent.push_back(now);
        if self.recent.len() > RECOVERY_DEATHS {
            self.recent.pop_front();
        }
        if served && lived >= GOOD_START {
            self.bad_starts = 0;
            return Duration::ZERO;
        }
        self.bad_starts = self.bad_starts.saturating_add(1);
        match self.bad_starts {
            1 => Duration::ZERO,
            row => PAUSE_FIRST.saturating_mul(1 << (row - 2).min(16)).min(PAUSE_MAX),
        }
    }

    /// The engine was ended on purpose: those before it are no reason for care with the next one.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether an engine that starts at `now` is to be careful.
    pub(super) fn recovery(&self, now: u64) -> bool {
        let oldest_counted = now.saturating_sub(u64::try_from(WITHIN.as_nanos()).unwrap_or(u64::MAX));
        self.recent.len() >= RECOVERY_DEATHS
            && self.recent.front().is_some_and(|first| *first >= oldest_counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn bad_starts_in_a_row_wait_longer_up_to_a_limit() {
        let mut deaths = Deaths::default();
        let waits: Vec<u128> =
            (0..9).map(|_| deaths.count(0, Duration::from_millis(10), false).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(deaths.count(0, Duration::from_secs(2), true), Duration::ZERO);
        assert_eq!(deaths.count(0, Duration::from_secs(2), false), Duration::ZERO);
        for _ in 0..100 {
            assert!(deaths.count(0, Duration::ZERO, true) <= PAUSE_MAX);
        }
    }

    #[test]
    fn five_deaths_within_a_minute_call_for_care() {
        let mut deaths = Deaths::default();
        for at in 0..4 {
            deaths.count(at * SECOND, Duration::from_secs(1), true);
        }
        assert!(!deaths.recovery(4 * SECOND));
        deaths.count(4 * SECOND, Duration::from_secs(1), true);
        assert!(deaths.recovery(4 * SECOND));
        assert!(!deaths.recovery(61 * SECOND));
        deaths.forget();
        assert!(!deaths.recovery(4 * SECOND));
    }
}
