//! `svcctl events`: what happened to services, and what happens.
//!
//! Events come from the engine, or from the files while no daemon runs. Following survives a restart of the engine: the place that was read to is known on both
//! sides.

mod source;

use crate::args::{EventsArgs, Format, Lines};
use crate::context::{Context, block_on};
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::names;
use crate::output::pager::Pager;
use crate::output::{self, Style, event};
use jiff::Timestamp;
use svcctl_core::ident::ServiceName;
use svckit::control::client::EventQuery;
use svckit::control::types::{Event, FailureKind};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How many events are shown when nobody says otherwise.
const LINES: u64 = 20;
/// As many events as are never kept: all of them.
const LINES_MAX: u64 = u32::MAX as u64;
/// How many events may be on their way from the sources to the printer.
const EVENTS_MAX: usize = 1_024;

/// An event on its way, or why there are no more.
type Item = Result<Event, CliError>;

pub(super) fn run(context: &Context, args: &EventsArgs) -> Result<u8, CliError> {
    let typed = args.names.listed();
    let names = if args.names.all { Vec::new() } else { names::resolve(context, &typed)? };
    let query = query(args, Timestamp::now());
    if args.follow {
        block_on(follow(context, names, query, args.output.output))??;
    } else {
        let events = block_on(source::collect(context, &names, &query))??;
        let mut pager = Pager::of_stdout();
        pager.write(rendered(&events, args.output.output)?.as_bytes())?;
        pager.finish()?;
    }
    Ok(exit_code::DONE)
}

fn query(args: &EventsArgs, now: Timestamp) -> EventQuery {
    let lines = match (args.lines, args.since) {
        (Some(Lines::Last(count)), _) => count.min(LINES_MAX),
        (Some(Lines::All), _) | (None, Some(_)) => LINES_MAX,
        (None, None) => LINES,
    };
    EventQuery {
        lines: Some(lines),
        since: args.since.map(|since| since.instant(now).to_string()),
        follow: args.follow,
        ..EventQuery::default()
    }
}

async fn follow(
    context: &Context,
    names: Vec<ServiceName>,
    query: EventQuery,
    format: Format,
) -> Result<(), CliError> {
    let (sender, mut events) = mpsc::channel(EVENTS_MAX);
    // The tasks end with this set: with the command.
    let mut readers = JoinSet::new();
    let of_each: Vec<Option<ServiceName>> =
        if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
    for name in of_each {
        readers.spawn(source::send(context.clone(), name, query.clone(), sender.clone()));
    }
    drop(sender);
    while let Some(first) = events.recv().await {
        let mut ready = vec![first];
        while let Ok(next) = events.try_recv() {
            ready.push(next);
        }
        // What came before the end is shown before why it ended.
        for item in ready {
            output::print(&rendered(&[item?], format)?)?;
        }
    }
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|error| failure(FailureKind::Failed, format!("reading events broke off: {error}")))?;
    }
    Ok(())
}

/// A line each; in YAML a document each, so that a stream can go on.
fn rendered(events: &[Event], format: Format) -> Result<String, CliError> {
    let unprintable = |error: &dyn std::fmt::Display| {
        failure(FailureKind::Failed, format!("cannot print an event: {error}"))
    };
    let style = Style::of_stdout();
    let one = |event: &Event| match format {
        Format::Text => Ok(format!("{}\n", event::line(event, style))),
        Format::Json => {
            serde_json::to_string(event).map(|line| format!("{line}\n")).map_err(|error| unprintable(&error))
        }
        Format::Yaml => {
            let tree = serde_json::to_value(event).map_err(|error| unprintable(&error))?;
            svckit::config::render(&tree)
                .map(|text| format!("---\n{text}"))
                .map_err(|error| unprintable(&error))
        }
    };
    events.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Verb};
    use clap::Parser as _;

    fn query_of(line: &str) -> EventQuery {
        let Verb::Events(args) = Cli::try_parse_from(line.split(' ')).unwrap().verb else { panic!() };
        query(&args, "2026-11-24T03:00:00Z".parse().unwrap())
    }

    #[test]
    fn how_many_and_since_when_are_asked_for() {
        let plain = query_of("svcctl events");
        assert_eq!((plain.lines, plain.since, plain.follow), (Some(20), None, false));
        let since = query_of("svcctl events --since 90m web");
        assert_eq!((since.lines, since.since.as_deref()), (Some(LINES_MAX), Some("2026-11-24T01:30:00Z")));
        let both = query_of("svcctl events -f -n 3 --since 2026-11-23");
        assert_eq!((both.lines, both.since.as_deref()), (Some(3), Some("2026-11-23T00:00:00Z")));
        assert!(both.follow);
        assert!(Cli::try_parse_from(["svcctl", "events", "--since", "yesterday"]).is_err());
    }

    #[test]
    fn json_is_a_line_each_and_yaml_a_document_each() {
        let event = Event {
            time: "2026-11-24T03:00:00Z".to_owned(),
            service: Some("web".to_owned()),
            kind: "state".to_owned(),
            level: "info".to_owned(),
            message: "started".to_owned(),
            state: None,
            pid: None,
            by: None,
        };
        let events = [event.clone(), event];
        let json = rendered(&events, Format::Json).unwrap();
        assert_eq!(json.lines().count(), 2);
        assert_eq!(serde_json::from_str::<Event>(json.lines().next().unwrap()).unwrap(), events[0]);
        let yaml = rendered(&events, Format::Yaml).unwrap();
        assert_eq!(yaml.matches("---\n").count(), 2, "{yaml}");
        assert!(yaml.contains("service: web\n"), "{yaml}");
    }
}
