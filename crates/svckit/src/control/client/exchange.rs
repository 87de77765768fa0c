//! One request and its answer, over a connection made for it.

use super::error::ClientError;
use crate::control::types::{Act, Failure, OPERATION_ID};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use svcctl_os::ipc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long an answer may take that waits for no service.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How much longer than the time given to the engine its answer may take.
const GRACE: Duration = Duration::from_secs(5);
/// How long an engine that went away may take to be replaced: the keeper's longest pause, and the start.
const REAPPEARS_WITHIN: Duration = Duration::from_secs(8);
/// The pause between two looks.
const REAPPEARS_PAUSE: Duration = Duration::from_millis(50);
/// The longest answer that is taken into memory: some 10,000 services.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// [`ANSWER_WITHIN`]: nothing has to happen first.
    Short,
    /// This long, as the engine was told, and [`GRACE`].
    Given(Duration),
    /// Until it comes or the connection ends.
    Long,
}

impl Patience {
    /// What an act asks for.
    pub(super) fn of(act: &Act) -> Self {
        match (act.no_wait, act.timeout_ms) {
            (true, _) => Self::Short,
            (false, Some(ms)) => Self::Given(Duration::from_millis(ms)),
            (false, None) => Self::Long,
        }
    }

    fn limit(self) -> Option<Duration> {
        match self {
            Self::Short => Some(ANSWER_WITHIN),
            Self::Given(time) => Some(time.saturating_add(GRACE)),
            Self::Long => None,
        }
    }
}

/// The query of a request, written with its question mark.
#[derive(Default)]
pub(super) struct Query(String);

impl Query {
    /// Adds a parameter, unless it is absent.
    pub(super) fn with(mut self, key: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(key);
            self.0.push('=');
            escape(value, &mut self.0);
        }
        self
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn escape(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// An answer of which the body is still to come.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Incoming,
    pub(super) socket: PathBuf,
    _driver: Driver,
}

/// The task that moves a connection's bytes; it ends with its owner.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a request and takes the whole answer as JSON.
pub(super) async fn ask<B: Serialize, T: DeserializeOwned>(
    socket: &Path,
    method: Method,
    path: &str,
    body: Option<&B>,
    patience: Patience,
) -> Result<T, ClientError> {
    send(socket, &Asked { method, path, body, patience, operation: None }).await
}

/// What is to be sent.
#[derive(Debug)]
pub(super) struct Asked<'a, B> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Option<&'a B>,
    pub(super) patience: Patience,
    /// The id under which it is done once, however often it is sent.
    pub(super) operation: Option<&'a str>,
}

impl<'a, B> Asked<'a, B> {
    /// A request with a body, without an operation id.
    pub(super) fn new(method: Method, path: &'a str, body: &'a B, patience: Patience) -> Self {
        Self { method, path, body: Some(body), patience, operation: None }
    }
}

/// Sends a request that changes something, under an id of its own, and takes the whole answer as JSON. If the
/// connection is lost before the answer, it may be sent once more, when an engine is there again: the same engine knows
/// the id and gives the first answer; one that took its place does not, and does it again.
pub(super) async fn change<B: Serialize, T: DeserializeOwned>(
    socket: &Path,
    asked: Asked<'_, B>,
    repeat: Repeat,
) -> Result<T, ClientError> {
    let operation = operation_id();
    let asked = Asked { operation: Some(&operation), ..asked };
    match (send(socket, &asked).await, repeat) {
        (Err(ClientError::Lost { .. }), Repeat::Yes) if reappears(socket).await => send(socket, &asked).await,
        (answered, Repeat::Yes | Repeat::No) => answered,
    }
}

/// Whether a request is sent once more after its connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Doing it twice is as good as once.
    Yes,
    /// It might be done twice, which is something else.
    No,
}

/// Waits for somebody to listen again.
async fn reappears(socket: &Path) -> bool {
    timeout(REAPPEARS_WITHIN, async {
        while ipc::connect(socket).await.is_err() {
            // real delay: nothing tells of a socket that is made anew.
            tokio::time::sleep(REAPPEARS_PAUSE).await;
        }
    })
    .await
    .is_ok()
}

/// An id that nobody else has: two numbers of the process's random source.
fn operation_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random() ^ u64::from(std::process::id()))
}

async fn send<B: Serialize, T: DeserializeOwned>(
    socket: &Path,
    asked: &Asked<'_, B>,
) -> Result<T, ClientError> {
    within(socket, asked.patience, async {
        let request = request(asked).map_err(|error| protocol(socket, &error))?;
        let answer = begin(socket, request).await?;
        let bytes = collect(socket, answer.body).await?;
        serde_json::from_slice(&bytes).map_err(|error| protocol(socket, &error))
    })
    .await
}

/// Sends a request and gives the answer as soon as its head is good.
pub(super) async fn open<B: Serialize>(
    socket: &Path,
    method: Method,
    path: &str,
    body: Option<&B>,
    patience: Patience,
) -> Result<Answer, ClientError> {
    let asked = Asked { method, path, body, patience, operation: None };
    let request = request(&asked).map_err(|error| protocol(socket, &error))?;
    within(socket, patience, begin(socket, request)).await
}

async fn within<T>(
    socket: &Path,
    patience: Patience,
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let Some(limit) = patience.limit() else { return work.await };
    match timeout(limit, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(ClientError::Late { path: socket.to_owned(), after: limit }),
    }
}

async fn begin(socket: &Path, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
    let stream = ipc::connect(socket).await.map_err(|error| refused(socket, error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(socket, &error))?;
    let driver = Driver(tokio::spawn(async move {
        // What went wrong is told to the sender as well, which says it better.
        drop(connection.await);
    }));
    let response = sender.send_request(request).await.map_err(|error| broken(socket, &error))?;
    judge(socket, response, driver).await
}

fn request<B: Serialize>(asked: &Asked<'_, B>) -> io::Result<Request<Full<Bytes>>> {
    let bytes = asked.body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let mut request = Request::builder()
        .method(asked.method.clone())
        .uri(asked.path)
        .header(header::HOST, "svcctl")
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(operation) = asked.operation {
        request = request.header(OPERATION_ID, operation);
    }
    request.body(Full::from(bytes)).map_err(io::Error::other)
}

/// Takes a good answer, and reads the failure from one that is not.
async fn judge(socket: &Path, response: Response<Incoming>, driver: Driver) -> Result<Answer, ClientError> {
    let status = response.status();
    let body = response.into_body();
    if status.is_success() {
        return Ok(Answer { body, socket: socket.to_owned(), _driver: driver });
    }
    let bytes = collect(socket, body).await?;
    Err(match serde_json::from_slice::<Failure>(&bytes) {
        Ok(failure) => ClientError::Refused(failure),
        Err(_) => protocol(socket, &format_args!("HTTP status {status} without a reason")),
    })
}

async fn collect(socket: &Path, body: Incoming) -> Result<Bytes, ClientError> {
    match Limited::new(body, ANSWER_MAX_BYTES).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) => Err(match error.downcast::<hyper::Error>() {
            Ok(error) => broken(socket, &error),
            Err(_too_long) => protocol(socket, &format_args!("it has more than {ANSWER_MAX_BYTES} bytes")),
        }),
    }
}

/// What a refused connection means.
pub(super) fn refused(socket: &Path, error: io::Error) -> ClientError {
    let path = socket.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoDaemon { path },
        io::ErrorKind::PermissionDenied => ClientError::Denied { path },
        _ => ClientError::Connect { path, source: error },
    }
}

/// What hyper's error means: bytes that are no HTTP, or an end in the middle.
pub(super) fn broken(socket: &Path, error: &hyper::Error) -> ClientError {
    if error.is_parse() { protocol(socket, error) } else { ClientError::Lost { path: socket.to_owned() } }
}

fn protocol(socket: &Path, what: &dyn fmt::Display) -> ClientError {
    ClientError::Protocol { path: socket.to_owned(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped_and_absent_parameters_are_left_out() {
        let query =
            Query::default().with("lines", Some("10")).with("follow", None).with("after", Some("a/b+c d:1"));
        assert_eq!(query.to_string(), "?lines=10&after=a%2Fb%2Bc%20d%3A1");
        assert_eq!(Query::default().to_string(), "");
    }

    #[test]
    fn an_act_that_waits_is_waited_for() {
        let waiting = Act { timeout_ms: Some(1_000), ..Act::default() };
        assert_eq!(Patience::of(&waiting).limit(), Some(Duration::from_secs(6)));
        assert_eq!(Patience::of(&Act::default()).limit(), None);
        assert_eq!(Patience::of(&Act { no_wait: true, ..Act::default() }).limit(), Some(ANSWER_WITHIN));
    }
}
