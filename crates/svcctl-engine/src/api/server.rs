//! Connections and what every request passes before its route: who asks is known before a byte of the body is read,
//! and head and body come within a deadline and a size. Those who may change things have places of their own, so that
//! nobody else can keep them away.

use super::operations::{self, Asked, Operations};
use super::{Api, Problem, ended};
use crate::answer::failure;
use crate::roles::{self, Role, role_of};
use crate::say;
use axum::Extension;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use svcctl_os::ipc::{Listener, Stream};
use svckit::control::types::FailureKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// The most connections of admins at once; one more is closed.
const ADMINS_MAX: usize = 256;
/// The most connections of all others at once; one more is closed.
const OTHERS_MAX: usize = 256;
/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest body: as long as the longest specification.
const BODY_MAX_BYTES: usize = 1024 * 1024;
/// The pause after the system refused to accept (too many open files, for example).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The one who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// What they may do.
    pub(super) role: Option<Role>,
    /// Which user they are.
    pub(super) uid: u32,
    /// Their process, where the system tells.
    pub(super) pid: Option<u32>,
}

impl Caller {
    /// Who they are, for the events.
    pub(super) fn told(self) -> String {
        match self.pid {
            Some(pid) => format!("uid {}, pid {pid}", self.uid),
            None => format!("uid {}", self.uid),
        }
    }
}

/// The end of serving, from the side of the engine's life.
#[derive(Debug)]
pub(crate) struct Server {
    close: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Takes no more requests, and waits until the answers to those that were taken are written, at most `limit`.
    pub(crate) async fn finish(self, limit: Duration) {
        self.close.send_replace(true);
        // What is not written by then has a reader that does not read.
        drop(tokio::time::timeout(limit, self.task).await);
    }
}

/// Serves until [`Server::finish`]. `make` is given what becomes true then.
pub(crate) fn serve(listener: Listener, make: impl FnOnce(watch::Receiver<bool>) -> Api) -> Server {
    let (close, closing) = watch::channel(false);
    let api = Arc::new(make(closing.clone()));
    Server { close, task: tokio::spawn(accept(listener, api, closing)) }
}

async fn accept(listener: Listener, api: Arc<Api>, mut closing: watch::Receiver<bool>) {
    let admins = Arc::new(Semaphore::new(ADMINS_MAX));
    let others = Arc::new(Semaphore::new(OTHERS_MAX));
    let operations = Arc::new(Operations::default());
    let app = super::routes::router(Arc::clone(&api)).layer(from_fn_with_state(operations, guard));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = ended(&mut closing) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let caller = Caller { role: role_of(peer, api.owner), uid: peer.uid, pid: peer.pid };
                let places = if caller.role == Some(Role::Admin) { &admins } else { &others };
                if let Ok(place) = Arc::clone(places).try_acquire_owned() {
                    let app = app.clone().layer(Extension(caller));
                    connections.spawn(connection(stream, app, place, closing.clone()));
                }
            }
            Err(error) => {
                say::warn(&format!("failed to accept a connection: {error}"));
                // real delay: the system has no room now, and asking again at once would only spin.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: Stream,
    app: axum::Router,
    place: OwnedSemaphorePermit,
    mut closing: watch::Receiver<bool>,
) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    let builder = builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)));
    // A client that went away or spoke no HTTP concerns nobody else.
    tokio::select! {
        served = served.as_mut() => drop(served),
        () = ended(&mut closing) => {
            served.as_mut().graceful_shutdown();
            drop(served.await);
        }
    }
    drop(place);
}

/// Lets through who may ask at all, with the whole body.
async fn guard(
    State(operations): State<Arc<Operations>>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let least = if request.method() == Method::GET { Role::Viewer } else { Role::Operator };
    if let Err(denied) = roles::require(caller.role, least) {
        return Problem(denied).into_response();
    }
    let (head, body) = request.into_parts();
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_MAX_BYTES)).await {
        Ok(Ok(bytes)) => pass(&operations, caller.uid, (head, bytes), next).await,
        Ok(Err(error)) => {
            let why =
                format!("the request's body cannot be read: {error}; it may have {BODY_MAX_BYTES} bytes");
            Problem(failure(FailureKind::Usage, why)).into_response()
        }
        Err(_) => {
            let why = format!("the request's body did not come within {} s", BODY_TIMEOUT.as_secs());
            Problem(failure(FailureKind::Usage, why)).into_response()
        }
    }
}

/// What changes something and has an id is done once; all else is simply done.
async fn pass(operations: &Arc<Operations>, uid: u32, (head, body): (Parts, Bytes), next: Next) -> Response {
    let id = match operations::id_of(&head.headers) {
        Ok(Some(id)) if head.method != Method::GET => id,
        Ok(_) => return next.run(operations::rebuilt(head, body)).await,
        Err(failure) => return Problem(failure).into_response(),
    };
    let (method, target) = (head.method.clone(), head.uri.to_string());
    let asked = Asked { uid, method: method.as_str(), target: &target, body: &body.clone() };
    operations.once(id, asked, async move { next.run(operations::rebuilt(head, body)).await }).await
}
