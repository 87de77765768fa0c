//! One service on one screen.

use super::super::age::{ago, moment, since};
use super::super::printable::{printable, size};
use super::super::style::{RED, Style, YELLOW};
use super::super::table::{cut_lines, shortened};
use super::super::{age, event};
use super::reason;
use super::rows::Look;
use jiff::Timestamp;
use std::fmt::Write as _;
use svckit::control::types::{Event, Process, Service};

/// How many processes of a tree are shown.
const PROCESSES_MAX: usize = 10;

/// Where the values begin, behind their labels.
const VALUES_BEGIN: usize = 13;

/// What a screen has beside the service itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// The main process first; empty where they are not known.
    pub(crate) processes: Vec<Process>,
    /// The last ones.
    pub(crate) events: Vec<Event>,
    /// The last lines of the log, printable.
    pub(crate) log: Vec<String>,
}

/// One service with its details. Lines of programs are cut to the room there is; sentences are never.
pub(crate) fn screen(service: &Service, details: &Details, look: Look) -> String {
    let mut text = service.name.clone();
    let title = service.display_name.as_deref().or_else(|| service.spec.get("description")?.as_str());
    if let Some(title) = title {
        // Writing into a String cannot fail.
        let _ = write!(text, " - {}", printable(title));
    }
    text.push('\n');
    for (label, value) in fields(service, &details.processes, look) {
        let _ = writeln!(text, "{label:>11}: {value}");
    }
    push_details(&mut text, details, look);
    text
}

fn push_details(text: &mut String, details: &Details, look: Look) {
    let events: String = details.events.iter().map(|one| event::line(one, look.style) + "\n").collect();
    let log: String = details.log.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    for lines in [events, log].into_iter().filter(|lines| !lines.is_empty()) {
        text.push('\n');
        match look.room {
            Some(room) => text.push_str(&cut_lines(&lines, room)),
            None => text.push_str(&lines),
        }
    }
}

fn fields(service: &Service, processes: &[Process], look: Look) -> Vec<(&'static str, String)> {
    let now = look.now;
    let mut fields = vec![("state", state(service, look))];
    let mut add = |label, value: Option<String>| fields.extend(value.map(|value| (label, value)));
    let waits = !service.waiting_for.is_empty();
    add("why", safe(Some(service.why.clone()).filter(|why| !why.is_empty() && !waits)));
    add("waits for", safe(waits.then(|| reason::waited(&service.waiting_for))));
    add("wanted", Some(wanted(service)));
    add("held", safe(held(service, now)));
    add("next", safe(reason::next(service, now)));
    add("pid", service.pid.map(|pid| main_process(pid, service, processes, now)));
    add("processes", tree(processes, look));
    add("stuck", Some(reason::stuck(&service.stuck)).filter(|_| !service.stuck.is_empty()));
    add("ready", safe(ready(service)));
    add("health", health(service, look.style));
    add("no process", safe(service.last_spawn_error.clone()));
    add("restarts", Some(restarts(service, now)));
    add("when", safe(service.job.as_ref().map(|job| job.when.clone())));
    add("runs", safe(runs(service, now)));
    add("program", safe(program(service)));
    add("outdated", outdated(service));
    add("pending", pending(service));
    add("engine", engine(service));
    fields
}

fn safe(text: Option<String>) -> Option<String> {
    text.map(|text| printable(&text).into_owned())
}

fn state(service: &Service, look: Look) -> String {
    let mut text = look.style.state(&service.state);
    if !service.state.eq_ignore_ascii_case(&service.phase) && service.phase != "failed" {
        let _ = write!(text, " ({})", service.phase);
    }
    if service.since.parse::<Timestamp>().is_ok() && service.engine.is_some() {
        let _ = write!(text, " since {} ({})", moment(&service.since), since(&service.since, look.now));
    }
    text
}

fn wanted(service: &Service) -> String {
    let boot = if service.autostart { "starts at boot" } else { "not started at boot" };
    format!("{}, {boot}", service.desired)
}

fn held(service: &Service, now: Timestamp) -> Option<String> {
    let held = service.held.as_ref()?;
    let reason = if held.reason.is_empty() { String::new() } else { format!("{}; ", held.reason) };
    Some(format!("{reason}since {}; let it go with: svcctl unhold {}", ago(&held.since, now), service.name))
}

/// The main process: since when, and, where it is alone, what it takes.
fn main_process(pid: u32, service: &Service, processes: &[Process], now: Timestamp) -> String {
    let mut text = pid.to_string();
    if let Some(started) = &service.started {
        let _ = write!(text, ", for {}", since(started, now));
    }
    if let [main] = processes
        && let taken @ [_, ..] = &taken(main)[..]
    {
        let _ = write!(text, ", {}", taken.join(", "));
    }
    text
}

/// What a process takes, as far as it is known: `12 MiB`, `1.2 s of cpu`.
fn taken(process: &Process) -> Vec<String> {
    let memory = process.memory_bytes.map(size);
    memory.into_iter().chain(process.cpu_ms.map(|ms| format!("{} of cpu", cpu(ms)))).collect()
}

fn cpu(ms: u64) -> String {
    if ms < 60_000 {
        format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
    } else {
        age::length(i64::try_from(ms / 1_000).unwrap_or(i64::MAX))
    }
}

/// The processes as a tree; none where there is only one.
fn tree(processes: &[Process], look: Look) -> Option<String> {
    if processes.len() < 2 {
        return None;
    }
    let shown = &processes[..processes.len().min(PROCESSES_MAX)];
    let width = shown.iter().map(|one| one.pid.to_string().len()).max().unwrap_or(0);
    let unknown = || "-".to_owned();
    let mut lines: Vec<String> = shown
        .iter()
        .map(|one| {
            let memory = one.memory_bytes.map_or_else(unknown, size);
            let time = one.cpu_ms.map_or_else(unknown, cpu);
            let indent = usize::try_from(one.depth).unwrap_or(0).min(PROCESSES_MAX) * 2;
            format!("{:>width$}  {memory:>8}  {time:>8}  {:indent$}{}", one.pid, "", printable(&one.command))
        })
        .collect();
    let more = processes.len() - shown.len();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let room = look.room.map_or(usize::MAX, |room| room.saturating_sub(VALUES_BEGIN));
    let lines: Vec<String> = lines.iter().map(|line| shortened(line, room)).collect();
    Some(lines.join(&format!("\n{:VALUES_BEGIN$}", "")))
}

fn ready(service: &Service) -> Option<String> {
    if !matches!(service.phase.as_str(), "starting" | "running") {
        return None;
    }
    Some(match (service.ready, &service.last_probe_error) {
        (true, _) => "yes".to_owned(),
        (false, Some(error)) => format!("no: {error}"),
        (false, None) => "no".to_owned(),
    })
}

fn health(service: &Service, style: Style) -> Option<String> {
    match (service.health.as_str(), &service.health_error) {
        ("unknown", _) => None,
        ("unhealthy", Some(error)) => {
            Some(format!("{}: {}", style.paint(RED, "unhealthy"), printable(error)))
        }
        ("unhealthy", None) => Some(style.paint(RED, "unhealthy")),
        (word, _) => Some(word.to_owned()),
    }
}

fn restarts(service: &Service, now: Timestamp) -> String {
    match reason::last_exit(service, now) {
        Some(exit) => format!("{}; last exit: {exit}", service.restarts),
        None => service.restarts.to_string(),
    }
}

fn runs(service: &Service, now: Timestamp) -> Option<String> {
    let job = service.job.as_ref()?;
    let counts = [(job.failures, "failed"), (job.skipped, "skipped"), (job.missed, "missed")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: String = counts.map(|(count, word)| format!(", {count} {word}")).collect::<Vec<_>>().concat();
    let last = job.last.as_ref().map_or_else(String::new, |run| format!("; last: {}", reason::run(run, now)));
    let queued = if job.queued { "; one more follows" } else { "" };
    Some(format!("{}{counts}{last}{queued}", job.runs))
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

fn outdated(service: &Service) -> Option<String> {
    service.outdated.then(|| {
        format!(
            "the process runs an older specification than revision {}; take it up with: svcctl restart {}",
            service.revision, service.name
        )
    })
}

fn pending(service: &Service) -> Option<String> {
    service.pending.then(|| {
        "its file in services/ differs from what was accepted; see: svcctl diff; take it with: svcctl apply --pending"
            .to_owned()
    })
}

/// Who has it, where that is not the daemon.
fn engine(service: &Service) -> Option<String> {
    match service.engine.as_deref() {
        Some("daemon") => None,
        Some(other) => Some(other.to_owned()),
        None => Some("none runs; start the daemon with: svcctl daemon --background".to_owned()),
    }
}

/// A few lines about one of several services.
pub(crate) fn block(service: &Service, details: &Details, look: Look) -> String {
    let mut text = format!("{}: {}", service.name, state(service, look));
    if let Some(pid) = service.pid {
        let _ = write!(text, ", pid {pid}");
    }
    text.push('\n');
    let glance = reason::glance(service, look.now);
    if !glance.is_empty() {
        let _ = writeln!(text, "  {glance}");
    }
    let marks = reason::marks(service);
    if !marks.is_empty() {
        let _ = writeln!(text, "  {}", look.style.paint(YELLOW, &marks.join(", ")));
    }
    push_details(&mut text, details, look);
    text
}
