//! Where records come from: an engine, or the files.

use super::Item;
use crate::context::Context;
use crate::error::{CliError, failure};
use crate::locate;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_engine::logs::read;
use svckit::control::client::{Client, ClientError, LogQuery, LogStream};
use svckit::control::types::FailureKind;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

/// How long a lost engine is waited for.
const RECONNECT_WITHIN: Duration = Duration::from_secs(30);
/// The pause before the first attempt to reach it again; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Sends the records of `name`, and at the end why there are no more, unless all went well. Ends early when nobody
/// receives any more.
pub(super) async fn send(context: Context, name: ServiceName, query: LogQuery, to: Sender<Item>) {
    if let Err(error) = send_one(&context, &name, query, &to).await {
        // Nobody who receives is nobody to tell.
        drop(to.send(Err(error)).await);
    }
}

async fn send_one(
    context: &Context,
    name: &ServiceName,
    mut query: LogQuery,
    to: &Sender<Item>,
) -> Result<(), CliError> {
    let client = locate::run_engine_of(context, name).await.unwrap_or_else(|| context.daemon());
    let mut stream = match client.logs(name, &query).await {
        Ok(stream) => stream,
        // Logs outlive their service, and can be read without a daemon.
        Err(error) if error.is_absence() || knows_nothing(context, name, &error) => {
            return without_engine(context, name, &query, to).await;
        }
        Err(error) => return Err(error.into()),
    };
    loop {
        match forward(&mut stream, to).await {
            Ok(()) if !query.follow || is_gone(&client, name).await => return Ok(()),
            Ok(()) => {}
            Err(error) if query.follow && error.is_absence() => {}
            Err(error) => return Err(error.into()),
        }
        if to.is_closed() {
            return Ok(());
        }
        if let Some(cursor) = stream.cursor() {
            query.after = Some(cursor.to_owned());
            query.lines = None;
        }
        stream = reconnect(&client, name, &query).await?;
    }
}

/// Whether a followed log has ended because its service was uninstalled, and not because its engine ends.
async fn is_gone(client: &Client, name: &ServiceName) -> bool {
    client.service(name).await.is_err_and(|error| error.kind() == FailureKind::NoSuchService)
}

fn knows_nothing(context: &Context, name: &ServiceName, error: &ClientError) -> bool {
    error.kind() == FailureKind::NoSuchService && context.paths.service_logs(name.as_str()).exists()
}

/// Forwards records until the stream or the receiver ends.
async fn forward(stream: &mut LogStream, to: &Sender<Item>) -> Result<(), ClientError> {
    while let Some(record) = stream.next().await? {
        if to.send(Ok(record.json)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Asks again until an engine answers: the keeper starts a new one at once.
async fn reconnect(client: &Client, name: &ServiceName, query: &LogQuery) -> Result<LogStream, CliError> {
    let deadline = Instant::now() + RECONNECT_WITHIN;
    let mut pause = PAUSE_FIRST;
    loop {
        match client.logs(name, query).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.is_absence() && Instant::now() < deadline => {
                // real delay: a socket that nobody listens on tells nothing when that changes.
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn without_engine(
    context: &Context,
    name: &ServiceName,
    query: &LogQuery,
    to: &Sender<Item>,
) -> Result<(), CliError> {
    for record in of_file(context, name, query.lines)? {
        if to.send(Ok(record)).await.is_err() {
            return Ok(());
        }
    }
    if query.follow {
        let message =
            format!("no engine runs {name}, so nothing new will come; start it with: svcctl start {name}");
        return Err(failure(FailureKind::NoDaemon, message));
    }
    Ok(())
}

/// The records that stand in the files: the last `lines`, or all.
pub(super) fn of_file(
    context: &Context,
    name: &ServiceName,
    lines: Option<u64>,
) -> Result<Vec<String>, CliError> {
    let folder = context.paths.service_logs(name.as_str());
    if !folder.exists() && !context.paths.services.join(format!("{name}.yaml")).exists() {
        let message = format!("there is no service {name}, and no log of it; see: svcctl list");
        return Err(failure(FailureKind::NoSuchService, message));
    }
    let told = |error: read::ReadError| failure(FailureKind::Failed, format!("failed to {error}"));
    let mut cursor = match lines {
        Some(lines) => read::tail(&folder, usize::try_from(lines).unwrap_or(usize::MAX)).map_err(told)?,
        None => read::Cursor::default(),
    };
    let mut found = Vec::new();
    loop {
        let records = read::after(&folder, cursor).map_err(told)?;
        if records.bytes.is_empty() {
            return Ok(found);
        }
        found.extend(records.iter().map(|record| String::from_utf8_lossy(record).into_owned()));
        cursor = records.cursor;
    }
}

/// The records that an engine gives at once.
pub(super) async fn collect(
    client: &Client,
    name: &ServiceName,
    query: &LogQuery,
) -> Result<Vec<String>, CliError> {
    let mut stream = client.logs(name, query).await?;
    let mut found = Vec::new();
    while let Some(record) = stream.next().await? {
        found.push(record.json);
    }
    Ok(found)
}
