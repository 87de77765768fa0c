//! One line on a terminal while a command waits for services, gone when it has its answer.
//!
//! This is a display beside the request, not a part of it: what the line says is asked for now and then, and that
//! nothing can be learned is no failure.

use super::service::brief;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;
use svcctl_os::foreground::terminal_size;
use svckit::control::client::{Client, Verb};
use svckit::control::types::{Act, Service};
use tokio::time::{Instant, interval_at};

/// What is over sooner needs no line.
const SILENT_FOR: Duration = Duration::from_millis(300);
/// How often the line is brought up to date.
const EVERY: Duration = Duration::from_millis(500);
/// How wide a terminal is that does not tell.
const COLUMNS: u16 = 80;
/// Back to the beginning of the line, and clear it (ECMA-48 EL).
const CLEAR: &str = "\r\u{1b}[K";

/// Who is waited for, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    client: Client,
    verb: Verb,
    names: Vec<String>,
    all: bool,
}

impl Progress {
    /// The progress of `act`; none where nobody looks on.
    pub(crate) fn of(client: &Client, verb: Verb, act: &Act) -> Option<Self> {
        let waits = !act.no_wait && verb != Verb::Reset;
        (waits && io::stderr().is_terminal()).then(|| Self {
            client: client.clone(),
            verb,
            names: act.names.clone(),
            all: act.all,
        })
    }

    /// Shows the progress until `work` has its result.
    pub(crate) async fn beside<T>(self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let mut tick = interval_at(begun + SILENT_FOR, EVERY);
        let mut shown = false;
        tokio::pin!(work);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = tick.tick() => {
                    // Also the question ends with the work.
                    let services = tokio::select! {
                        result = &mut work => break result,
                        services = self.client.services() => services,
                    };
                    let services = services.map(|answer| answer.services).unwrap_or_default();
                    if let Some(line) = self.line(&services, begun.elapsed()) {
                        write(&format!("{CLEAR}{}", cut(&line, columns())));
                        shown = true;
                    }
                }
            }
        };
        if shown {
            write(CLEAR);
        }
        result
    }

    /// What is waited for, in one line; none when nothing is.
    fn line(&self, services: &[Service], since: Duration) -> Option<String> {
        let concerned = |service: &&Service| self.all || self.names.contains(&service.name);
        let mut waiting = services.iter().filter(concerned).filter(|service| self.is_awaited(service));
        let first = waiting.next()?;
        let more = match waiting.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!("waiting for {}: {}{more} ({} s)…", first.name, doing(first), since.as_secs()))
    }

    fn is_awaited(&self, service: &Service) -> bool {
        match self.verb {
            Verb::Stop | Verb::Uninstall => service.pid.is_some() || service.phase == "stopping",
            Verb::Signal | Verb::Hold | Verb::Enable | Verb::Disable => false,
            Verb::Start | Verb::Restart | Verb::Reset | Verb::Reload | Verb::Unhold => {
                matches!(service.phase.as_str(), "waiting" | "starting" | "backoff" | "stopping" | "stopped")
            }
        }
    }
}

/// Why it is not as it is to be.
fn doing(service: &Service) -> String {
    match (service.phase.as_str(), &service.last_probe_error) {
        ("starting", Some(error)) => format!("is not ready: {error}"),
        ("starting", None) => "is not ready".to_owned(),
        _ => brief(service),
    }
}

fn columns() -> usize {
    usize::from(terminal_size().map_or(COLUMNS, |(columns, _)| columns))
}

/// As much of a line as fits without going on to the next.
fn cut(line: &str, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    if line.chars().count() <= room {
        return line.to_owned();
    }
    line.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn write(text: &str) {
    let mut terminal = io::stderr().lock();
    // Who closed standard error does not look on.
    drop(terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush()));
}

#[cfg(test)]
mod tests {
    use super::super::service::sample;
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn progress(verb: Verb, all: bool) -> Progress {
        Progress { client: Client::new(Path::new("/nowhere")), verb, names: vec!["web".to_owned()], all }
    }

    #[test]
    fn the_line_says_who_is_waited_for_and_why() {
        let starting = sample(&json!({"phase": "starting", "last_probe_error": "connection refused"}));
        let other = sample(&json!({"name": "db", "phase": "waiting", "waiting_for": ["a is not ready"]}));
        let running = sample(&json!({}));
        let line =
            |verb, all, services: &[Service]| progress(verb, all).line(services, Duration::from_secs(3));
        assert_eq!(
            line(Verb::Start, false, &[other.clone(), starting.clone()]).unwrap(),
            "waiting for web: is not ready: connection refused (3 s)…"
        );
        assert_eq!(
            line(Verb::Start, true, &[other.clone(), starting]).unwrap(),
            "waiting for db: waiting: a is not ready, and 1 more (3 s)…"
        );
        assert_eq!(line(Verb::Start, false, &[other, running.clone()]), None);
        assert_eq!(line(Verb::Stop, false, &[running]).unwrap(), "waiting for web: running (pid 123) (3 s)…");
    }

    #[test]
    fn a_line_never_goes_on_to_the_next() {
        assert_eq!(cut("waiting for web", 80), "waiting for web");
        assert_eq!(cut("waiting for web", 10), "waiting …");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn the_result_is_that_of_the_work() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(progress(Verb::Start, false).beside(async { 7 })), 7);
    }
}
