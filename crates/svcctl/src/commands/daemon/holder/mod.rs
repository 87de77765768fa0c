//! The process that holds the daemon's lock, for when it does not answer by the API.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

use std::io;
use svcctl_os::lock::Holder;

/// Asks a keeper without an engine to start one.
pub(super) fn ask_for_an_engine(holder: &Holder) -> io::Result<()> {
    system::signal(pid(holder)?, system::Word::StartEngine)
}

/// Asks a keeper to stop everything and end.
pub(super) fn ask_to_end(holder: &Holder) -> io::Result<()> {
    system::signal(pid(holder)?, system::Word::End)
}

fn pid(holder: &Holder) -> io::Result<u32> {
    holder.pid.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "its pid is not known"))
}
