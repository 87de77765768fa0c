//! Connections: accepted at once, served each on its own task, bounded in number, with a deadline for the request's head.

use super::Api;
use crate::roles::{Role, role_of};
use crate::say;
use axum::Extension;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use svcctl_os::ipc::{Listener, Peer, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after the system refused to accept (too many open files, for example).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The role of the one who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) Option<Role>);

/// Serves for ever.
pub(crate) async fn serve(listener: Listener, api: Arc<Api>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let app = super::routes::router(Arc::clone(&api));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                drop(tokio::spawn(connection(stream, peer, app.clone(), Arc::clone(&api), place)))
            }
            Err(error) => {
                say::warn(&format!("failed to accept a connection: {error}"));
                // real delay: the system has no room now, and asking again at once would only spin.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: Stream,
    peer: Peer,
    app: axum::Router,
    api: Arc<Api>,
    place: OwnedSemaphorePermit,
) {
    let caller = Caller(role_of(peer, api.owner));
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
