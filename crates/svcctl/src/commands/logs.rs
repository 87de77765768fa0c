//! `svcctl logs`: what services wrote, and what they write.
//!
//! Records come from the engine, which flushes first, or from the files where no engine has the service. Following
//! survives a restart of the engine: the place that was read to is known on both sides.

mod printer;
mod source;

use crate::args::{Lines, LogsArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::locate::Located;
use printer::Printer;
use svcctl_core::ident::ServiceName;
use svckit::control::client::LogQuery;
use svckit::control::types::FailureKind;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How many records may be on their way from the sources to the printer.
const RECORDS_MAX: usize = 1_024;
/// As many records as no log has: all of them.
const LINES_MAX: u64 = u32::MAX as u64;

/// A record on its way, or why there are no more.
type Item = Result<String, CliError>;

pub(super) fn run(context: &Context, args: &LogsArgs) -> Result<u8, CliError> {
    let names = args.names.listed().into_iter().map(parse_name).collect::<Result<Vec<_>, _>>()?;
    let lines = match args.lines {
        Lines::Last(count) => count.min(LINES_MAX),
        Lines::All => LINES_MAX,
    };
    let query = LogQuery { lines: Some(lines), after: None, follow: args.follow };
    block_on(show(context.clone(), names, query, Printer::new(args.output)))??;
    Ok(exit_code::DONE)
}

async fn show(
    context: Context,
    names: Vec<ServiceName>,
    query: LogQuery,
    mut printer: Printer,
) -> Result<(), CliError> {
    let (sender, mut records) = mpsc::channel(RECORDS_MAX);
    // The tasks end with this set: with the command.
    let mut readers = JoinSet::new();
    if query.follow {
        for name in names {
            readers.spawn(source::send(context.clone(), vec![name], query.clone(), sender.clone()));
        }
    } else {
        // One after the other: records of two services are not mixed.
        readers.spawn(source::send(context, names, query, sender.clone()));
    }
    drop(sender);
    while let Some(first) = records.recv().await {
        printer.push(&first?)?;
        while let Ok(next) = records.try_recv() {
            printer.push(&next?)?;
        }
        printer.flush()?;
    }
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|error| failure(FailureKind::Failed, format!("reading a log broke off: {error}")))?;
    }
    Ok(())
}

/// The last lines of a service for its status screen; none where they cannot be had.
pub(super) fn tail(context: &Context, located: &Located, lines: u64) -> Vec<String> {
    let Ok(name) = parse_name(&located.service.name) else { return Vec::new() };
    let query = LogQuery { lines: Some(lines), ..LogQuery::default() };
    let records = match &located.client {
        Some(client) => block_on(source::collect(client, &name, &query)).and_then(|records| records),
        None => source::of_file(context, &name, Some(lines)),
    };
    records.map(|records| printer::as_lines(&records)).unwrap_or_default()
}
