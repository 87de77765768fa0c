//! Other systems: the clock of the standard library, which has no origin that two processes share.

use std::sync::OnceLock;
use std::time::Instant;

static ORIGIN: OnceLock<Instant> = OnceLock::new();

pub(super) fn monotonic_ns() -> u64 {
    u64::try_from(ORIGIN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn boot_id() -> Option<String> {
    None
}

pub(super) fn on_jump(_told: impl Fn() + Send + 'static) -> Result<(), super::JumpError> {
    Err(crate::Unsupported { what: "watching the wall clock" }.into())
}
