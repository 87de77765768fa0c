//! The client of the local API: one method for each row of the table in [`super::types`].
//!
//! Every request has a connection of its own: a command makes one or two, and a connection that is never reused is
//! never stale. Requests that are answered at once have a deadline here; those that wait for a service have the one
//! the caller asked the engine for. Nothing is repeated: whether a lost request may be sent again is the caller's to
//! decide, and for a followed log the cursor makes it exact.

mod error;
mod exchange;
mod follow;
mod presence;
mod sse;

pub use error::ClientError;
pub use follow::{LogStream, Record};
pub use presence::Presence;

use super::types::{Act, Outcome, Service, Services, StopDaemon, Version};
use exchange::{Patience, Query};
use hyper::Method;
use serde_json::Value;
use std::path::{Path, PathBuf};
use svcctl_core::ident::ServiceName;

/// What is to be done with services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Want them up.
    Start,
    /// Want them down.
    Stop,
    /// Stop and start them.
    Restart,
    /// Clear a failure.
    Reset,
    /// Stop and forget them.
    Uninstall,
}

impl Verb {
    /// The word in the API's paths.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reset => "reset",
            Self::Uninstall => "uninstall",
        }
    }
}

/// Which records of a log are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// How many of the last records; the engine's own choice when absent.
    pub lines: Option<u64>,
    /// Only what comes after this cursor (of an earlier [`Record`]).
    pub after: Option<String>,
    /// Whether to go on with new records as they are written.
    pub follow: bool,
}

/// Speaks to the engine that listens at one socket. Its methods need a tokio runtime with I/O and time.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of the engine that listens (or will listen) at `socket`; nothing is connected yet.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Where the engine listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Who answers there.
    ///
    /// # Errors
    /// [`ClientError`]; `NoDaemon` when nobody listens.
    pub async fn version(&self) -> Result<Version, ClientError> {
        self.get("/v1/version").await
    }

    /// All services of the engine.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn services(&self) -> Result<Services, ClientError> {
        self.get("/v1/services").await
    }

    /// One service.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` with `NoSuchService` when the engine does not have it.
    pub async fn service(&self, name: &ServiceName) -> Result<Service, ClientError> {
        self.get(&format!("/v1/services/{name}")).await
    }

    /// Installs `document` as the specification of `name`; with `update`, also in place of another one.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` with `Invalid` (all problems) or `Conflict` (the differences).
    pub async fn install(
        &self,
        name: &ServiceName,
        document: &Value,
        update: bool,
    ) -> Result<Outcome, ClientError> {
        let query = Query::default().with("update", update.then_some("true"));
        let path = format!("/v1/services/{name}{query}");
        exchange::ask(&self.socket, Method::PUT, &path, Some(document), Patience::Short).await
    }

    /// Carries out `verb` on the services that `act` names, or on all.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` when the engine refuses, fails or runs out of the time that `act` gives.
    pub async fn act(&self, verb: Verb, act: &Act) -> Result<Outcome, ClientError> {
        let path = format!("/v1/actions/{}", verb.word());
        exchange::ask(&self.socket, Method::POST, &path, Some(act), Patience::of(act)).await
    }

    /// Carries out `verb` on one service; `act` must name none.
    ///
    /// # Errors
    /// As [`Client::act`].
    pub async fn act_on(&self, name: &ServiceName, verb: Verb, act: &Act) -> Result<Outcome, ClientError> {
        let (method, path) = match verb {
            Verb::Uninstall => (Method::DELETE, format!("/v1/services/{name}")),
            Verb::Start | Verb::Stop | Verb::Restart | Verb::Reset => {
                (Method::POST, format!("/v1/services/{name}/{}", verb.word()))
            }
        };
        exchange::ask(&self.socket, method, &path, Some(act), Patience::of(act)).await
    }

    /// The log of one service, as records one after the other.
    ///
    /// # Errors
    /// [`ClientError`]; later ones come from the stream.
    pub async fn logs(&self, name: &ServiceName, query: &LogQuery) -> Result<LogStream, ClientError> {
        let text = Query::default()
            .with("lines", query.lines.map(|lines| lines.to_string()).as_deref())
            .with("follow", query.follow.then_some("true"))
            .with("after", query.after.as_deref());
        let path = format!("/v1/services/{name}/logs{text}");
        let response = exchange::open(&self.socket, Method::GET, &path, None::<&()>, Patience::Short).await?;
        Ok(LogStream::new(response, query.follow))
    }

    /// Ends the daemon. It answers when its services are stopped (or left, as asked); the process ends soon after.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop_daemon(&self, how: &StopDaemon) -> Result<Outcome, ClientError> {
        exchange::ask(&self.socket, Method::POST, "/v1/daemon/stop", Some(how), Patience::Long).await
    }

    /// A connection that asks nothing and ends with the engine.
    ///
    /// # Errors
    /// [`ClientError`] when there is no engine.
    pub async fn presence(&self) -> Result<Presence, ClientError> {
        Presence::new(&self.socket).await
    }

    /// Whether the engine's control plane answers.
    ///
    /// # Errors
    /// [`ClientError`] when it does not.
    pub async fn live(&self) -> Result<(), ClientError> {
        exchange::open(&self.socket, Method::GET, "/health/live", None::<&()>, Patience::Short)
            .await
            .map(drop)
    }

    /// Whether the engine has taken up its work.
    ///
    /// # Errors
    /// [`ClientError`] when it has not.
    pub async fn ready(&self) -> Result<(), ClientError> {
        exchange::open(&self.socket, Method::GET, "/health/ready", None::<&()>, Patience::Short)
            .await
            .map(drop)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        exchange::ask(&self.socket, Method::GET, path, None::<&()>, Patience::Short).await
    }
}

#[cfg(test)]
mod tests;
