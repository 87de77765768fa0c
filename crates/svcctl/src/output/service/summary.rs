//! All services in a few lines: how many are in which state, and which are not well.

use super::super::age::{moment, since};
use super::super::table::{self, Cell};
use super::reason;
use super::rows::Look;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use svckit::control::types::{Service, Version};

/// The order in which states are told; others follow.
const STATES: [&str; 7] = ["RUNNING", "STARTING", "STOPPING", "ERROR", "SCHEDULED", "COMPLETED", "STOPPED"];

/// What is known of all services.
#[derive(Clone, Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Summary {
    /// How many services there are.
    total: usize,
    /// How many are in each state.
    states: BTreeMap<String, usize>,
    /// Those that somebody should look at.
    not_well: Vec<Service>,
    /// The daemon; null where none runs.
    daemon: Option<Version>,
}

impl Summary {
    /// The summary of `services`.
    pub(crate) fn of(services: Vec<Service>, daemon: Option<Version>) -> Self {
        let mut states = BTreeMap::new();
        for service in &services {
            *states.entry(service.state.clone()).or_insert(0) += 1;
        }
        let total = services.len();
        let not_well = services.into_iter().filter(|service| !is_well(service)).collect();
        Self { total, states, not_well, daemon }
    }

    /// Whether a service is in ERROR or unhealthy.
    pub(crate) fn is_alarming(&self) -> bool {
        self.not_well.iter().any(|service| service.phase == "failed" || service.health == "unhealthy")
    }

    /// For people.
    pub(crate) fn text(&self, look: Look) -> String {
        let mut text = match self.total {
            0 => "no services; install one with: svcctl install NAME -- PROGRAM".to_owned(),
            1 => "1 service: ".to_owned(),
            several => format!("{several} services: "),
        };
        let others = self.states.keys().map(String::as_str).filter(|state| !STATES.contains(state));
        let order = STATES.into_iter().chain(others);
        let counts = order.filter_map(|state| Some((state, self.states.get(state)?)));
        let counts: Vec<String> =
            counts.map(|(state, count)| format!("{count} {}", look.style.state(state))).collect();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}", counts.join(", "));
        text.push_str(&self.daemon_text(look));
        if !self.not_well.is_empty() {
            let rows: Vec<[Cell; 3]> = self.not_well.iter().map(|service| row(service, look)).collect();
            text.push('\n');
            text.push_str(&table::render(&rows, look.room));
        }
        text
    }

    fn daemon_text(&self, look: Look) -> String {
        let Some(daemon) = &self.daemon else {
            return "no daemon runs; start it with: svcctl daemon --background\n".to_owned();
        };
        let mut text = format!(
            "the daemon runs as pid {}, its engine since {} ({})\n",
            daemon.pid,
            moment(&daemon.since),
            since(&daemon.since, look.now)
        );
        if daemon.recovery {
            text.push_str(
                "engines died in quick succession: it only supervises and takes no changes for now\n",
            );
        }
        text
    }
}

/// Whether nobody need look at it.
fn is_well(service: &Service) -> bool {
    let is_settled = match service.phase.as_str() {
        "running" | "completed" | "scheduled" => true,
        // Where no engine runs, nothing can.
        "stopped" => service.desired == "down" || service.engine.is_none(),
        _ => false,
    };
    let last_run = service.job.as_ref().and_then(|job| job.last.as_ref()?.succeeded);
    is_settled && service.health != "unhealthy" && service.stuck.is_empty() && last_run != Some(false)
}

fn row(service: &Service, look: Look) -> [Cell; 3] {
    let glance = reason::glance(service, look.now);
    let last_run = service.job.as_ref().and_then(|job| job.last.as_ref());
    let why = match last_run {
        Some(run) if run.succeeded == Some(false) && service.phase == "scheduled" => {
            format!("last run: {}; {glance}", reason::run(run, look.now))
        }
        Some(_) | None if service.health == "unhealthy" => format!("unhealthy: {glance}"),
        Some(_) | None => glance,
    };
    [
        service.name.as_str().into(),
        Cell::dressed(&service.state, look.style.of_state(&service.state)),
        why.into(),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn its_schema_is_published() {
        crate::output::published::is_current::<super::Summary>("summary");
    }
}
