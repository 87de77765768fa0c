//! All services, a row each.

use super::super::age::{ago, since, until};
use super::super::printable::printable;
use super::super::style::{RED, Style, YELLOW};
use super::super::table::{self, Cell};
use super::reason;
use jiff::Timestamp;
use svckit::control::types::{Job, Service};

/// How rows are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// When.
    pub(crate) now: Timestamp,
    /// In which colours.
    pub(crate) style: Style,
    /// How many characters a line has; as many as it needs where there is no terminal.
    pub(crate) room: Option<usize>,
}

/// All services as a table.
pub(crate) fn list(services: &[Service], look: Look) -> String {
    let header = ["NAME", "STATE", "AGE", "PID", "RESTARTS", "WHY/NEXT"].map(Cell::from);
    let rows: Vec<[Cell; 6]> =
        std::iter::once(header).chain(services.iter().map(|one| row(one, look))).collect();
    table::render(&rows, look.room)
}

fn row(service: &Service, look: Look) -> [Cell; 6] {
    let age = if service.engine.is_some() { since(&service.since, look.now) } else { "-".to_owned() };
    [
        service.name.as_str().into(),
        Cell::dressed(&service.state, look.style.of_state(&service.state)),
        age.into(),
        service.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()).into(),
        service.restarts.to_string().into(),
        last_column(service, look),
    ]
}

/// Marks before the reason, so that a narrow terminal still shows them.
fn last_column(service: &Service, look: Look) -> Cell {
    let glance = reason::glance(service, look.now);
    let mut marks = reason::marks(service);
    // It says so itself.
    marks.retain(|mark| *mark != "held" || !glance.starts_with("held"));
    if marks.is_empty() {
        return glance.into();
    }
    let text = format!("[{}] {glance}", marks.join(", "));
    let colour = if marks.contains(&"unhealthy") { RED } else { YELLOW };
    Cell::dressed(text.trim_end(), look.style.code(colour))
}

/// The services that have a schedule or a trigger, with their runs.
pub(crate) fn jobs(services: &[Service], look: Look) -> String {
    let header =
        ["NAME", "WHEN", "NEXT", "LAST", "RESULT", "RUNS", "FAILED", "SKIPPED", "MISSED"].map(Cell::from);
    let with_job = services.iter().filter_map(|service| Some((service, service.job.as_ref()?)));
    let rows: Vec<[Cell; 9]> =
        std::iter::once(header).chain(with_job.map(|(service, job)| job_row(service, job, look))).collect();
    table::render(&rows, look.room)
}

fn job_row(service: &Service, job: &Job, look: Look) -> [Cell; 9] {
    let none = || "-".to_owned();
    let next = job.next.as_deref().and_then(|next| next.parse::<Timestamp>().ok());
    let next = next
        .map(|next| format!("{} ({})", until(next, look.now), reason::clock(service).short(next, look.now)));
    let (last, result) = match &job.last {
        None => (none(), Cell::from(none())),
        Some(run) => match (&run.ended, run.succeeded) {
            (None, _) => (ago(&run.started, look.now), Cell::dressed("under way", look.style.code(YELLOW))),
            (Some(ended), Some(false)) => {
                (ago(ended, look.now), Cell::dressed(&printable(&run.result), look.style.code(RED)))
            }
            (Some(ended), Some(true) | None) => {
                (ago(ended, look.now), Cell::from(printable(&run.result).into_owned()))
            }
        },
    };
    [
        service.name.as_str().into(),
        printable(&job.when).into_owned().into(),
        next.unwrap_or_else(none).into(),
        last.into(),
        result,
        job.runs.to_string().into(),
        job.failures.to_string().into(),
        job.skipped.to_string().into(),
        job.missed.to_string().into(),
    ]
}
