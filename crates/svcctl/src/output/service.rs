//! Services as people see them: one line, one row, one screen.

use super::age::{moment, since};
use super::style::Style;
use super::table::{self, Cell};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::time::Duration;
use svcctl_core::spec::duration;
use svckit::control::types::Service;

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

fn wait(ms: u64) -> String {
    duration::for_people(Duration::from_millis(ms))
}

/// All services as a table.
pub(crate) fn list(services: &[Service], now: Timestamp, style: Style) -> String {
    let header = ["NAME", "STATE", "PID", "UPTIME", "RESTARTS", "WHY"].map(Cell::from);
    let rows: Vec<[Cell; 6]> =
        std::iter::once(header).chain(services.iter().map(|one| row(one, now, style))).collect();
    table::render(&rows)
}

fn row(service: &Service, now: Timestamp, style: Style) -> [Cell; 6] {
    [
        service.name.as_str().into(),
        Cell::dressed(&service.state, style.state(&service.state)),
        service.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()).into(),
        service.started.as_deref().map_or_else(|| "-".to_owned(), |at| since(at, now)).into(),
        service.restarts.to_string().into(),
        why(service).into(),
    ]
}

/// Why it is in its state: what it waits for, where it waits.
fn why(service: &Service) -> String {
    if service.waiting_for.is_empty() { service.why.clone() } else { service.waiting_for.join(", ") }
}

/// One service on one screen. `log` has its last lines.
pub(crate) fn screen(service: &Service, log: &[String], now: Timestamp, style: Style) -> String {
    let mut text = service.name.clone();
    if let Some(title) = service.display_name.as_ref().or(description(service).as_ref()) {
        // Writing into a String cannot fail.
        let _ = write!(text, " - {title}");
    }
    text.push('\n');
    for (label, value) in fields(service, now, style) {
        let _ = writeln!(text, "{label:>11}: {value}");
    }
    if !log.is_empty() {
        text.push('\n');
        for line in log {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn description(service: &Service) -> Option<String> {
    service.spec.get("description")?.as_str().map(str::to_owned)
}

fn fields(service: &Service, now: Timestamp, style: Style) -> Vec<(&'static str, String)> {
    let mut fields = vec![("state", state(service, now, style))];
    let mut add = |label, value: Option<String>| fields.extend(value.map(|value| (label, value)));
    add("why", Some(service.why.clone()).filter(|why| !why.is_empty()));
    add("waits for", Some(service.waiting_for.join(", ")).filter(|waits| !waits.is_empty()));
    add("pid", service.pid.map(|pid| process(pid, service.started.as_deref(), now)));
    add("probe", service.last_probe_error.clone());
    add("spawn error", service.last_spawn_error.clone());
    add(
        "last exit",
        service
            .last_exit
            .as_ref()
            .map(|exit| format!("{}, {} ({} ago)", exit.text, moment(&exit.at), since(&exit.at, now))),
    );
    add("next", service.next_attempt_ms.map(|ms| format!("attempt in {}", wait(ms))));
    add("restarts", Some(service.restarts.to_string()));
    add("stuck", Some(stuck(&service.stuck)).filter(|_| !service.stuck.is_empty()));
    add("program", program(service));
    add(
        "outdated",
        service.outdated.then(|| {
            format!(
                "the process is older than revision {}; svcctl restart {} brings it",
                service.revision, service.name
            )
        }),
    );
    add(
        "pending",
        service.pending.then(|| "its file in services/ differs from what was accepted".to_owned()),
    );
    add("engine", Some(service.engine.clone().unwrap_or_else(|| "none runs".to_owned())));
    fields
}

fn state(service: &Service, now: Timestamp, style: Style) -> String {
    let mut text = style.state(&service.state);
    if !service.state.eq_ignore_ascii_case(&service.phase) && service.phase != "failed" {
        let _ = write!(text, " ({})", service.phase);
    }
    if service.since.parse::<Timestamp>().is_ok() && service.engine.is_some() {
        let _ = write!(text, " since {} ({})", moment(&service.since), since(&service.since, now));
    }
    if service.phase == "stopped" && service.desired == "up" {
        text.push_str(", wanted up");
    }
    text
}

fn process(pid: u32, started: Option<&str>, now: Timestamp) -> String {
    started.map_or_else(|| pid.to_string(), |at| format!("{pid}, for {}", since(at, now)))
}

fn stuck(pids: &[u32]) -> String {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    format!("processes that cannot be ended: {}", pids.join(", "))
}

fn program(service: &Service) -> Option<String> {
    match service.spec.get("exec")? {
        serde_json::Value::String(line) => Some(line.clone()),
        serde_json::Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(serde_json::Value::as_str).collect();
            Some(words.join(" "))
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Object(_) => None,
    }
}

#[cfg(test)]
pub(crate) use tests::sample;

#[cfg(test)]
mod tests;
