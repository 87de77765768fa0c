//! Where events come from: the engine that has a service, and the next one after it; without a daemon, the files.

use super::Item;
use crate::context::Context;
use crate::error::{CliError, failure};
use crate::locate;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_engine::offline::EventsWanted;
use svckit::control::client::{Client, ClientError, EventQuery, EventStream};
use svckit::control::types::{Event, FailureKind};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

/// How long an engine may be away before a first question to it fails.
const AWAY_AT_MOST: Duration = Duration::from_secs(1);
/// How long a lost engine is waited for.
const RECONNECT_WITHIN: Duration = Duration::from_secs(30);
/// The pause before the first attempt to reach it again; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The events of `names` (of all and the daemon where there are none), in the order of their times, as many as the
/// query asks for.
pub(super) async fn collect(
    context: &Context,
    names: &[ServiceName],
    query: &EventQuery,
) -> Result<Vec<Event>, CliError> {
    let mut found = Vec::new();
    if names.is_empty() {
        found = all_of(context, None, query).await?;
    }
    for name in names {
        let of_one = all_of(context, Some(name), query).await?;
        if of_one.is_empty() {
            // What happened to a service outlives it; of one that never was, that is to be said.
            locate::service(context, name).await?;
        }
        found.extend(of_one);
    }
    Ok(last_in_order(found, query.lines))
}

/// Events of several services as one row of times, and the last of them.
fn last_in_order(mut events: Vec<Event>, lines: Option<u64>) -> Vec<Event> {
    // Stable: what happened to one service at one time stays in its order. RFC 3339 in UTC with one precision sorts
    // as text; times are compared as times where they can be read.
    events.sort_by_cached_key(|event| (event.time.parse::<jiff::Timestamp>().ok(), event.time.clone()));
    let keep = lines.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(usize::MAX);
    let over = events.len().saturating_sub(keep);
    events.split_off(over)
}

async fn all_of(
    context: &Context,
    name: Option<&ServiceName>,
    query: &EventQuery,
) -> Result<Vec<Event>, CliError> {
    let query = EventQuery { service: name.map(ToString::to_string), ..query.clone() };
    let Some((_, mut stream)) = begin(context, name, &query).await? else {
        return of_files(context, &query);
    };
    let mut found = Vec::new();
    while let Some(placed) = stream.next().await? {
        found.push(placed.event);
    }
    Ok(found)
}

/// The events that stand in the files, where no engine gives them.
fn of_files(context: &Context, query: &EventQuery) -> Result<Vec<Event>, CliError> {
    let since = query.since.as_deref().map(str::parse).transpose().map_err(|error| {
        failure(FailureKind::Usage, format!("--since is no time that can be understood: {error}"))
    })?;
    let wanted = EventsWanted {
        lines: query.lines.and_then(|lines| usize::try_from(lines).ok()),
        since,
        service: query.service.clone(),
    };
    Ok(svcctl_engine::offline::events(&context.paths, wanted)?)
}

/// Asks the engine that has `name`, or the next one, where that one is just being replaced; none where no daemon runs.
async fn begin(
    context: &Context,
    name: Option<&ServiceName>,
    query: &EventQuery,
) -> Result<Option<(Client, EventStream)>, CliError> {
    let run = match name {
        Some(name) => locate::run_engine_of(context, name).await,
        None => None,
    };
    let client = run.unwrap_or_else(|| context.daemon());
    let stream = match client.events(query).await {
        Ok(stream) => stream,
        Err(ClientError::NoDaemon { .. }) if context.daemon_may_be_there() => {
            match reconnect(&client, query, AWAY_AT_MOST).await {
                Ok(stream) => stream,
                Err(ClientError::NoDaemon { .. }) => return Err(context.no_daemon()),
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClientError::NoDaemon { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(Some((client, stream)))
}

/// Sends the events of `name`, and those that follow, and at the end why there are no more. Ends early when nobody
/// receives any more.
pub(super) async fn send(context: Context, name: Option<ServiceName>, query: EventQuery, to: Sender<Item>) {
    let query = EventQuery { service: name.as_ref().map(ToString::to_string), ..query };
    if let Err(error) = send_all(&context, name.as_ref(), query, &to).await {
        // Nobody who receives is nobody to tell.
        drop(to.send(Err(error)).await);
    }
}

async fn send_all(
    context: &Context,
    name: Option<&ServiceName>,
    mut query: EventQuery,
    to: &Sender<Item>,
) -> Result<(), CliError> {
    let Some((client, mut stream)) = begin(context, name, &query).await? else {
        for event in of_files(context, &query)? {
            if to.send(Ok(event)).await.is_err() {
                return Ok(());
            }
        }
        let message = "no daemon runs, so nothing new will come; start it with: svcctl daemon --background";
        return Err(failure(FailureKind::NoDaemon, message));
    };
    loop {
        match forward(&mut stream, to).await {
            Ok(()) => {}
            Err(error) if error.is_absence() => {}
            Err(error) => return Err(error.into()),
        }
        if to.is_closed() {
            return Ok(());
        }
        if let Some(cursor) = stream.cursor() {
            query = EventQuery { after: Some(cursor.to_owned()), lines: None, since: None, ..query };
        }
        stream = reconnect(&client, &query, RECONNECT_WITHIN).await?;
    }
}

/// Forwards events until the stream or the receiver ends.
async fn forward(stream: &mut EventStream, to: &Sender<Item>) -> Result<(), ClientError> {
    while let Some(placed) = stream.next().await? {
        if to.send(Ok(placed.event)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Asks again until an engine answers: the keeper starts a new one at once.
async fn reconnect(
    client: &Client,
    query: &EventQuery,
    within: Duration,
) -> Result<EventStream, ClientError> {
    let deadline = Instant::now() + within;
    let mut pause = PAUSE_FIRST;
    loop {
        match client.events(query).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.is_absence() && Instant::now() < deadline => {
                // real delay: a socket that nobody listens on tells nothing when that changes.
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_several_services_are_in_the_order_of_their_times() {
        let event = |time: &str, service: &str, message: &str| Event {
            time: time.to_owned(),
            service: Some(service.to_owned()),
            kind: "state".to_owned(),
            level: "info".to_owned(),
            message: message.to_owned(),
            state: None,
            pid: None,
            by: None,
        };
        let events = vec![
            event("2026-11-24T03:00:00.100Z", "a", "1"),
            event("2026-11-24T03:00:00.300Z", "a", "4"),
            event("2026-11-24T03:00:00.1Z", "b", "2"),
            event("2026-11-24T03:00:00.200Z", "b", "3"),
        ];
        let shown = |lines| {
            last_in_order(events.clone(), lines).iter().map(|event| event.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(shown(None).len(), 4);
        assert_eq!(shown(Some(2)), ["3", "4"]);
        assert_eq!(shown(Some(0)), Vec::<String>::new());
    }

    /// Takes one request and gives `events` as a followed stream, which then breaks off. Gives the request's first line.
    #[cfg(unix)]
    async fn serve(listener: &svcctl_os::ipc::Listener, events: &[(u32, &str)]) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _peer) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.contains("\r\n\r\n") {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).await.unwrap();
            request.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        let mut answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
        for (id, message) in events {
            let event = format!(
                r#"{{"time":"2026-11-24T03:00:00Z","service":"web","kind":"state","level":"info","message":"{message}"}}"#
            );
            let text = format!("id: {id}\ndata: {event}\n\n");
            answer += &[&format!("{:x}\r\n", text.len()), text.as_str(), "\r\n"].concat();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        request.lines().next().unwrap_or_default().to_owned()
    }

    #[cfg(unix)]
    #[test]
    fn following_goes_on_behind_the_last_event_when_the_engine_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = crate::args::PlaceArgs { root: Some(folder.path().to_owned()), scope: None };
        let context = Context::new(&place).unwrap();
        context.ensure().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = context.paths.engine_socket(crate::context::DAEMON);
            let listener = svcctl_os::ipc::Listener::bind(&socket, 0o600).unwrap();
            let (sender, mut events) = tokio::sync::mpsc::channel(8);
            let query = EventQuery {
                lines: Some(3),
                since: Some("2026-11-24T00:00:00Z".to_owned()),
                follow: true,
                ..EventQuery::default()
            };
            let name = ServiceName::new("web").unwrap();
            let reader = tokio::spawn(send(context.clone(), Some(name), query, sender));
            let first = serve(&listener, &[(41, "one"), (42, "two")]).await;
            let second = serve(&listener, &[(43, "three")]).await;
            let mut found = Vec::new();
            for _ in 0..3 {
                found.push(events.recv().await.unwrap().unwrap().message);
            }
            drop(events);
            assert_eq!(found, ["one", "two", "three"]);
            assert!(first.contains("lines=3") && first.contains("since=2026"), "{first}");
            assert!(first.contains("service=web") && !first.contains("after="), "{first}");
            assert!(second.contains("after=42") && second.contains("service=web"), "{second}");
            assert!(!second.contains("lines=") && !second.contains("since="), "{second}");
            reader.abort();
        });
    }
}
