//! `svcctl logs`: what services wrote, and what they write.
//!
//! Records come from the engine, which flushes first, or from the files where no engine has the service. Following
//! survives a restart of the engine: the place that was read to is known on both sides. Records of several services come
//! in the order of their times; while they are followed, as they come.

mod columns;
mod merge;
mod printer;
mod source;

use crate::args::{Lines, LogsArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::locate::{self, Located};
use crate::names;
use crate::output::Style;
use crate::output::pager::Pager;
use columns::Columns;
use merge::Merge;
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
    let names = if args.names.all { all(context)? } else { names::resolve(context, &args.names.listed())? };
    let lines = match args.lines {
        Lines::Last(count) => count.min(LINES_MAX),
        Lines::All => LINES_MAX,
    };
    let query = LogQuery { lines: Some(lines), after: None, follow: args.follow };
    let to = if args.follow { Pager::none() } else { Pager::of_stdout() };
    let printer = Printer::new(args.output, Columns::of(&names, Style::of_stdout()), to);
    block_on(show(context.clone(), names, query, printer))??;
    Ok(exit_code::DONE)
}

fn all(context: &Context) -> Result<Vec<ServiceName>, CliError> {
    block_on(locate::all(context))??.iter().map(|service| parse_name(&service.name)).collect()
}

async fn show(
    context: Context,
    names: Vec<ServiceName>,
    query: LogQuery,
    mut printer: Printer,
) -> Result<(), CliError> {
    // The tasks end with this set: with the command.
    let mut readers = JoinSet::new();
    let outcome = if query.follow {
        let (sender, mut records) = mpsc::channel(RECORDS_MAX);
        for name in names {
            readers.spawn(source::send(context.clone(), name, query.clone(), sender.clone()));
        }
        drop(sender);
        print_all(&mut records, &mut printer).await
    } else {
        let mut sources = Vec::new();
        for name in names {
            let (sender, records) = mpsc::channel(RECORDS_MAX);
            readers.spawn(source::send(context.clone(), name, query.clone(), sender));
            sources.push(records);
        }
        print_in_order(sources, &mut printer).await
    };
    // What came before a failure is shown before it is told.
    printer.finish()?;
    outcome?;
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|error| failure(FailureKind::Failed, format!("reading a log broke off: {error}")))?;
    }
    Ok(())
}

async fn print_all(records: &mut mpsc::Receiver<Item>, printer: &mut Printer) -> Result<(), CliError> {
    while let Some(first) = records.recv().await {
        printer.push(&first?)?;
        while let Ok(next) = records.try_recv() {
            printer.push(&next?)?;
        }
        printer.flush()?;
    }
    Ok(())
}

/// Prints the records of all sources in the order of their times.
async fn print_in_order(sources: Vec<mpsc::Receiver<Item>>, printer: &mut Printer) -> Result<(), CliError> {
    let mut merge = Merge::of(sources);
    while let Some(record) = merge.next().await? {
        printer.push(&record)?;
    }
    Ok(())
}

/// The last lines of a service for its status screen; none where they cannot be had.
pub(super) async fn tail(
    context: &Context,
    located: &Located,
    name: &ServiceName,
    lines: u64,
) -> Vec<String> {
    if lines == 0 {
        return Vec::new();
    }
    let query = LogQuery { lines: Some(lines), ..LogQuery::default() };
    let records = match &located.client {
        Some(client) => source::collect(client, name, &query).await,
        None => source::of_file(context, name, Some(lines)),
    };
    records.map(|records| printer::as_lines(&records)).unwrap_or_default()
}
