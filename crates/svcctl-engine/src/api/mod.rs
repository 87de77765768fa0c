//! The API: HTTP/1.1 with JSON on the local endpoint. The vocabulary is `svckit::control::types`, which also has the
//! table of routes. Handlers never touch state: they ask the driver and wait for its answer.

mod apply;
mod change;
mod events;
mod logs;
mod openapi;
mod operations;
mod processes;
mod query;
mod routes;
mod server;

pub(crate) use server::{Server, serve};

use crate::answer::failure;
use crate::events::Events;
use crate::logs::LogsHandle;
use crate::pending::Pending;
use crate::queue::{Answer, DriverHandle, Refused};
use crate::roles::{Owner, Role};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Instant;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::event::{Command, Request, Source};
use svcctl_os::paths::Paths;
use svckit::control::types::{Act, Failure, FailureKind, Install, StopDaemon, Verb};
use tokio::sync::{mpsc, watch};

/// What the handlers share.
pub(crate) struct Api {
    /// Where commands go.
    pub(crate) driver: DriverHandle,
    /// Where logs are.
    pub(crate) logs: LogsHandle,
    /// Where everything is.
    pub(crate) paths: Paths,
    /// Who owns the endpoint.
    pub(crate) owner: Owner,
    /// What is told about this engine.
    pub(crate) about: About,
    /// Asks for the end of the engine.
    pub(crate) ending: mpsc::Sender<StopDaemon>,
    /// Becomes true when the engine ends: what goes on for ever ends then.
    pub(crate) closing: watch::Receiver<bool>,
    /// What happened.
    pub(crate) events: Events,
    /// What the files in services/ would change, as last seen.
    pub(crate) pending: Pending,
}

/// What an engine says about itself.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// `daemon`, or `run-NAME`.
    pub(crate) id: String,
    /// Whether its services are stored (and not those of `svcctl run`).
    pub(crate) stored: bool,
    /// The keeper's process.
    pub(crate) keeper_pid: u32,
    /// How many engines there have been.
    pub(crate) engine_number: u64,
    /// Until when it only supervises, if engines died in quick succession before it.
    pub(crate) recovery_until: Option<Instant>,
    /// When it began (RFC 3339).
    pub(crate) since: String,
}

impl Api {
    /// Asks the driver.
    async fn ask(&self, command: Command) -> Result<Answer, Problem> {
        Ok(self.driver.ask(command).await?)
    }

    /// Has the driver do something, or only say what it would answer.
    async fn decide(&self, command: Command, dry_run: bool) -> Result<Answer, Problem> {
        if dry_run { Ok(self.driver.rehearse(command).await?) } else { self.ask(command).await }
    }

    /// Whether this engine only supervises, for now.
    fn in_recovery(&self) -> bool {
        self.about.recovery_until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether somebody in `role` may do what needs `needed`, and whether this engine does it now.
    fn admit(&self, role: Option<Role>, needed: Role, changes: bool) -> Result<(), Problem> {
        crate::roles::require(role, needed)?;
        if changes && self.in_recovery() {
            return Err(failure(
                FailureKind::NoDaemon,
                "the engine died several times in a row and takes no changes for the first minute after that (stops \
                 excepted); see the daemon's log, and try again in a minute",
            )
            .into());
        }
        Ok(())
    }
}

/// The specification of an install, and the text to be kept; what the API takes, offline commands take too.
///
/// # Errors
/// `Invalid` or `Usage`.
pub(crate) fn specification(install: &Install) -> Result<(Arc<ServiceSpec>, Option<Source>), Failure> {
    change::specification(install).map_err(|problem| problem.0)
}

/// What the core is asked for by a verb.
///
/// # Errors
/// `Usage`.
pub(crate) fn command(verb: Verb, act: &Act, request: Request) -> Result<Command, Failure> {
    change::command(verb, act, request).map_err(|problem| problem.0)
}

/// Waits until `closing` is true, or nobody can make it so any more.
async fn ended(closing: &mut watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}

/// A failure on its way to the client.
#[derive(Debug)]
struct Problem(Failure);

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self(failure(FailureKind::NoDaemon, refused.to_string()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}
