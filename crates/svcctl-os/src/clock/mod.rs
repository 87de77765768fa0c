//! The machine's clocks, read in one place: everything else takes the time as an argument.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

use std::time::{SystemTime, UNIX_EPOCH};
use svcctl_core::time::{Mono, Now, Wall};

/// Both clocks. On Linux the monotonic one is `CLOCK_MONOTONIC`, the same for all processes of one boot; elsewhere it
/// counts from the first call in this process.
pub fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Now { mono: Mono(system::monotonic_ns()), wall: Wall(i64::try_from(wall).unwrap_or(i64::MAX)) }
}

/// Why jumps of the wall clock are not told.
#[derive(Debug, thiserror::Error)]
pub enum JumpError {
    /// The system has nothing to tell them by.
    #[error(transparent)]
    Unsupported(#[from] crate::Unsupported),
    /// The system refuses it, or a thread.
    #[error("watch the wall clock: {0}")]
    System(#[from] std::io::Error),
}

/// Calls `told` each time the wall clock was set, or jumped since the machine slept, on a thread of its own that sleeps
/// until then and lives as long as the process. Small corrections (`adjtime`) are no jumps.
///
/// # Errors
/// [`JumpError`]; on other systems than Linux always `Unsupported`.
pub fn on_jump(told: impl Fn() + Send + 'static) -> Result<(), JumpError> {
    system::on_jump(told)
}

/// An opaque text that differs between two boots of the machine; `None` where the system does not tell.
pub fn boot_id() -> Option<String> {
    system::boot_id()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let first = now();
        assert!(now().mono >= first.mono);
        assert!(first.wall.0 > 1_700_000_000_000);
    }
}
