//! The API: HTTP/1.1 with JSON on the local endpoint. The vocabulary is `svckit::control::types`, which also has the
//! table of routes. Handlers never touch state: they ask the driver and wait for its answer.

mod logs;
mod routes;
mod server;

pub(crate) use server::serve;

use crate::answer::failure;
use crate::logs::LogsHandle;
use crate::queue::{Answer, DriverHandle, Refused};
use crate::roles::{Owner, Role};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::time::Instant;
use svcctl_core::supervisor::event::Command;
use svcctl_os::paths::Paths;
use svckit::control::types::{Failure, FailureKind, StopDaemon};
use tokio::sync::mpsc;

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
