//! Waiting for a condition of other processes, with a deadline.

use std::time::{Duration, Instant};

/// How long to wait for what should come at once. Far more than it takes, for a machine that is busy.
pub const SOON: Duration = Duration::from_secs(20);

/// How long between two looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(2);

/// Waits until `look` gives a value, and returns it.
///
/// # Panics
/// `deadline` has passed without one; `what` says what did not come.
pub fn wait_until<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < deadline, "{what}: not so after {deadline:?}");
        // real delay: what another process does to the world gives this one no event.
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}
