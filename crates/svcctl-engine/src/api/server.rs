//! Connections and what every request passes before its route: who asks is known before a byte of the body is read,
//! and head and body come within a deadline and a size. Those who may change things have places of their own, so that
//! nobody else can keep them away.

use super::{Api, Problem};
use crate::answer::failure;
use crate::roles::{self, Role, role_of};
use crate::say;
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use svcctl_os::ipc::{Listener, Stream};
use svckit::control::types::FailureKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

/// The role of the one who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) Option<Role>);

/// Serves for ever.
pub(crate) async fn serve(listener: Listener, api: Arc<Api>) {
    let admins = Arc::new(Semaphore::new(ADMINS_MAX));
    let others = Arc::new(Semaphore::new(OTHERS_MAX));
    let app = super::routes::router(Arc::clone(&api)).layer(from_fn(guard));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let caller = Caller(role_of(peer, api.owner));
                let places = if caller.0 == Some(Role::Admin) { &admins } else { &others };
                if let Ok(place) = Arc::clone(places).try_acquire_owned() {
                    drop(tokio::spawn(connection(stream, caller, app.clone(), place)));
                }
            }
            Err(error) => {
                say::warn(&format!("failed to accept a connection: {error}"));
                // real delay: the system has no room now, and asking again at once would only spin.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: Stream, caller: Caller, app: axum::Router, place: OwnedSemaphorePermit) {
    let service = TowerToHyperService::new(app.layer(Extension(caller)));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that went away or spoke no HTTP concerns nobody else.
    drop(served);
    drop(place);
}

/// Lets through who may ask at all, with the whole body.
async fn guard(Extension(caller): Extension<Caller>, request: Request, next: Next) -> Response {
    let least = if request.method() == Method::GET { Role::Viewer } else { Role::Operator };
    if let Err(denied) = roles::require(caller.0, least) {
        return Problem(denied).into_response();
    }
    let (head, body) = request.into_parts();
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_MAX_BYTES)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, Body::from(bytes))).await,
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
