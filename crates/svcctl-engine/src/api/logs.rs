//! Reading a service's log over the API: what is there as NDJSON, and, followed, as server-sent events (WHATWG HTML,
//! section 9.2), each with the place behind its record as `id`, so that a client goes on where it was cut off.

use super::query::Query;
use super::server::Caller;
use super::{Api, Problem};
use crate::answer::failure;
use crate::logs::read::{self, Cursor, CursorError, ReadError, Records};
use crate::roles::Role;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::event::Command;
use svckit::control::types::FailureKind;
use tokio::sync::{mpsc, oneshot, watch};

/// How many of the last records are given when nobody says.
const LINES_DEFAULT: usize = 50;
/// How many chunks (of at most [`read::READ_MAX_BYTES`]) wait for a slow client.
const CHUNKS_MAX: usize = 2;
/// How long a reader waits for what is in the pipes to be recorded (a stalled disk); then it reads what is there.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// What of the log.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogQuery {
    lines: Option<usize>,
    follow: bool,
    after: Option<String>,
}

/// `GET /v1/services/{name}/logs`
pub(super) async fn logs(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Response, Problem> {
    api.admit(caller.role, Role::Operator, false)?;
    let name = ServiceName::new(&name).map_err(|error| failure(FailureKind::Usage, error.to_string()))?;
    let folder = api.paths.service_logs(name.as_str());
    if !folder.exists() {
        // An uninstalled service may have a log; a service that never was has none, and its name may be mistyped.
        super::routes::views(api.ask(Command::Show(Some(name.clone()))).await?)?;
    }
    let grown = api.logs.watch(&name);
    flush(&api, name).await;
    let lines = query.lines.unwrap_or(LINES_DEFAULT);
    let (begin, end) = blocking(folder.clone(), lines, read::window).await?;
    let cursor = match &query.after {
        Some(text) => {
            text.parse().map_err(|error: CursorError| failure(FailureKind::Usage, error.to_string()))?
        }
        None => begin,
    };
    let (chunks, body) = mpsc::channel(CHUNKS_MAX);
    let (kind, form) = if query.follow {
        ("text/event-stream", Form::Events)
    } else {
        ("application/x-ndjson", Form::Lines)
    };
    let closing = api.closing.clone();
    tokio::spawn(Pump { folder, cursor, end, chunks, form, closing }.run(query.follow.then_some(grown)));
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], Body::new(Chunks(body))).into_response())
}

async fn flush(api: &Api, name: ServiceName) {
    let (done, flushed) = oneshot::channel();
    api.logs.flush(Some(name), move || {
        // One who no longer waits needs not be told.
        let (Ok(()) | Err(())) = done.send(());
    });
    // What is not recorded in time is not read this time.
    drop(tokio::time::timeout(FLUSH_TIMEOUT, flushed).await);
}

/// Reads files where nothing else waits for it.
async fn blocking<A: Send + 'static, T: Send + 'static>(
    folder: PathBuf,
    argument: A,
    read: impl FnOnce(&std::path::Path, A) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    let read = tokio::task::spawn_blocking(move || read(&folder, argument)).await;
    let told = |why: String| Problem::from(failure(FailureKind::Failed, format!("failed to {why}")));
    match read {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(told(error.to_string())),
        Err(_) => Err(told("read the log: the engine is ending".to_owned())),
    }
}

/// How records are given.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// NDJSON.
    Lines,
    /// Server-sent events.
    Events,
}

/// Moves records from the file to the client, as fast as the client takes them.
struct Pump {
    folder: PathBuf,
    cursor: Cursor,
    /// Where the log ended when it was asked for.
    end: Cursor,
    chunks: mpsc::Sender<Bytes>,
    form: Form,
    /// Becomes true when the engine ends.
    closing: watch::Receiver<bool>,
}

impl Pump {
    /// Until the end that the log had, or, if told of its growth, until the client goes or the service is forgotten.
    async fn run(mut self, mut grown: Option<watch::Receiver<u64>>) {
        // A client that is cut off before the first record goes on from here.
        let begin = match self.form {
            Form::Lines => String::new(),
            Form::Events => format!("id: {}\n\n", self.cursor),
        };
        if !begin.is_empty() && self.chunks.send(begin.into()).await.is_err() {
            return;
        }
        loop {
            let Ok(mut records) = blocking(self.folder.clone(), self.cursor, read::after).await else {
                return;
            };
            let at_end = grown.is_none() && records.cut_at(self.end);
            self.cursor = records.cursor;
            if !records.bytes.is_empty() {
                let chunk = self.form.encode(records);
                if self.chunks.send(chunk).await.is_err() || at_end {
                    return;
                }
                continue;
            }
            let Some(grown) = &mut grown else { return };
            tokio::select! {
                changed = grown.changed() => if changed.is_err() { return },
                () = self.chunks.closed() => return,
                () = super::ended(&mut self.closing) => return,
            }
        }
    }
}

impl Form {
    fn encode(self, records: Records) -> Bytes {
        match self {
            Self::Lines => records.bytes.into(),
            Self::Events => {
                let mut text = Vec::with_capacity(records.bytes.len() * 2);
                for (behind, record) in records.iter_placed() {
                    text.extend_from_slice(format!("id: {behind}\ndata: ").as_bytes());
                    text.extend_from_slice(record);
                    text.extend_from_slice(b"\n\n");
                }
                text.into()
            }
        }
    }
}

/// Chunks as a body; it ends when their sender does.
pub(super) struct Chunks(pub(super) mpsc::Receiver<Bytes>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
