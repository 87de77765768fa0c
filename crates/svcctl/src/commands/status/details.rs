//! What a status screen has beside the service: its processes, last events and log records.
//!
//! That one of them cannot be had is no failure of the command: the state is the answer, this is beside it.

use crate::args::{Lines, StatusArgs};
use crate::commands::logs;
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::locate::Located;
use crate::output::pager::rows_of_stdout;
use crate::output::service::{Details, Look, screen};
use svcctl_core::ident::ServiceName;
use svckit::control::client::{Client, EventQuery};
use svckit::control::types::{Event, Process, Service};

/// How many log records one screen has.
const LOG_LINES: u64 = 10;
/// How many are left, however many lines the terminal lacks.
const LOG_LINES_MIN: usize = 3;
/// How many events a screen has.
const EVENTS: u64 = 5;

/// How much is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    processes: bool,
    events: u64,
    lines: u64,
    /// Whether the person named the number of lines.
    exactly: bool,
}

impl Wanted {
    /// What `args` ask for; one service alone has more than several have.
    pub(super) fn of(args: &StatusArgs, is_one: bool) -> Self {
        let lines = match args.lines {
            _ if args.no_logs => 0,
            Some(Lines::Last(count)) => count,
            Some(Lines::All) => u64::from(u32::MAX),
            None if is_one => LOG_LINES,
            None => 0,
        };
        let has_events = args.events || is_one && !args.no_events;
        Self {
            processes: is_one,
            events: if has_events { EVENTS } else { 0 },
            lines,
            exactly: args.lines.is_some(),
        }
    }
}

/// The details of a service.
pub(super) fn of(context: &Context, located: &Located, wanted: Wanted) -> Details {
    let Ok(name) = parse_name(&located.service.name) else { return Details::default() };
    let log = |lines| logs::tail(context, located, &name, lines);
    let details = block_on(async {
        let Some(client) = &located.client else {
            return Details { log: log(wanted.lines).await, ..Details::default() };
        };
        // At the same time: each is a connection of its own.
        let (processes, events, log) = tokio::join!(
            processes(client, located, &name, wanted.processes),
            events(client, &name, wanted.events),
            log(wanted.lines)
        );
        Details { processes, events, log }
    });
    details.unwrap_or_default()
}

async fn processes(client: &Client, located: &Located, name: &ServiceName, wanted: bool) -> Vec<Process> {
    if !wanted || located.service.pid.is_none() {
        return Vec::new();
    }
    client.processes(name).await.map(|answer| answer.processes).unwrap_or_default()
}

async fn events(client: &Client, name: &ServiceName, count: u64) -> Vec<Event> {
    if count == 0 {
        return Vec::new();
    }
    let query = EventQuery { lines: Some(count), service: Some(name.to_string()), ..EventQuery::default() };
    let mut found = Vec::new();
    if let Ok(mut stream) = client.events(&query).await {
        while let Ok(Some(placed)) = stream.next().await {
            found.push(placed.event);
        }
    }
    found
}

/// The screen of one service; where the terminal has fewer lines than it, and nobody asked for a number of them, the
/// oldest log lines give way.
pub(super) fn fitted(service: &Service, details: Details, look: Look, wanted: Wanted) -> String {
    // The prompt comes after it.
    let rows = rows_of_stdout().map(|rows| rows.saturating_sub(1));
    match rows {
        Some(rows) if !wanted.exactly => fit(service, details, look, rows),
        Some(_) | None => screen(service, &details, look),
    }
}

fn fit(service: &Service, mut details: Details, look: Look, rows: usize) -> String {
    let text = screen(service, &details, look);
    let over = text.lines().count().saturating_sub(rows);
    let can_go = details.log.len().saturating_sub(LOG_LINES_MIN);
    if over == 0 || can_go == 0 {
        return text;
    }
    details.log.drain(..over.min(can_go));
    screen(service, &details, look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Style;
    use crate::output::service::sample;
    use serde_json::json;

    #[test]
    fn the_log_gives_way_where_the_screen_is_short() {
        let look = Look { now: "2026-11-23T05:35:10Z".parse().unwrap(), style: Style::Plain, room: None };
        let log: Vec<String> = (0..10).map(|number| format!("line {number}")).collect();
        let details = Details { log, ..Details::default() };
        let lines = |rows| {
            let text = fit(&sample(&json!({})), details.clone(), look, rows);
            (text.lines().count(), text.lines().filter(|line| line.starts_with("line ")).count())
        };
        let (whole, _) = lines(usize::MAX);
        assert_eq!(lines(whole), (whole, 10));
        assert_eq!(lines(whole - 4), (whole - 4, 6));
        assert_eq!(lines(1), (whole - 7, 3));
        assert!(fit(&sample(&json!({})), details.clone(), look, 1).ends_with("line 9\n"));
    }
}
