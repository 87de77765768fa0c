//! Services as people see them: one line, one row, one screen.

mod reason;
mod rows;
mod screen;
mod summary;

pub(crate) use rows::{Look, jobs, list};
pub(crate) use screen::{Details, block, screen};
pub(crate) use summary::Summary;

use super::pager::columns_of_stdout;
use super::style::Style;
use jiff::Timestamp;
use svckit::control::types::Service;

impl Look {
    /// Now, on standard output as it is.
    pub(crate) fn of_stdout() -> Self {
        Self { now: Timestamp::now(), style: Style::of_stdout(), room: columns_of_stdout() }
    }
}

/// What a service is doing, in a few words: `running (pid 123)`.
pub(crate) fn brief(service: &Service) -> String {
    let pid = service.pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    match service.phase.as_str() {
        "waiting" => format!("waiting: {}", service.waiting_for.join(", ")),
        "backoff" => format!("not running: {}", service.why),
        "failed" => format!("ERROR: {}", service.why),
        phase => format!("{phase}{pid}"),
    }
}

#[cfg(test)]
pub(crate) use tests::sample;

#[cfg(test)]
mod tests;
