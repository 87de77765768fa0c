//! The client of the local API: one method for each row of the table in [`super::types`].
//!
//! Every request has a connection of its own: a command makes one or two, and a connection that is never reused is
//! never stale. Requests that are answered at once have a deadline here; those that wait for a service have the one
//! the caller asked the engine for. A request that changes something has an operation id of its own and is sent once
//! more if the connection is lost and an engine is there again, which an engine that crashed is within moments; a
//! followed log or stream of events goes on exactly by its cursor.
//!
//! ```no_run
//! use svckit::control::client::{Client, EventQuery, Verb};
//! use svckit::control::types::Act;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("/run/svcctl/engines/daemon.sock".as_ref());
//! for service in client.services().await?.services {
//!     println!("{} is {}: {}", service.name, service.state, service.why);
//! }
//! let act = Act { names: vec!["web".to_owned()], timeout_ms: Some(30_000), ..Act::default() };
//! client.act(Verb::Restart, &act).await?;
//! let mut events = client.events(&EventQuery { follow: true, ..EventQuery::default() }).await?;
//! while let Some(placed) = events.next().await? {
//!     println!("{}: {}", placed.event.time, placed.event.message);
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod events;
mod exchange;
mod follow;
mod presence;
mod sse;

pub use error::ClientError;
pub use events::{EventQuery, EventStream, PlacedEvent};
pub use follow::{LogStream, Record};
pub use presence::Presence;

pub use super::types::Verb;
use super::types::{
    Act, Applied, Apply, Document, Install, Outcome, Pending, Processes, Service, Services, StopDaemon,
    Version,
};
use exchange::{Asked, Patience, Query, Repeat};
use hyper::Method;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use svcctl_core::ident::ServiceName;

/// How long the acceptance of a set may take: each of its files is made durable.
const APPLY_WITHIN: Duration = Duration::from_mins(2);

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

    /// Installs a specification as the one of `name`; with `update`, also in place of another one. With `dry_run`, the
    /// answer is what would be, and nothing is done.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` with `Invalid` (all problems) or `Conflict` (the differences).
    pub async fn install(
        &self,
        name: &ServiceName,
        install: &Install,
        update: bool,
        dry_run: bool,
    ) -> Result<Outcome, ClientError> {
        let query = Query::default()
            .with("update", update.then_some("true"))
            .with("dry_run", dry_run.then_some("true"));
        let path = format!("/v1/services/{name}{query}");
        exchange::change(&self.socket, Asked::new(Method::PUT, &path, install, Patience::Short), Repeat::Yes)
            .await
    }

    /// Brings a set of services about, or the one that stands in services/. It is answered when it is accepted.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` with `Invalid` when the set cannot be.
    pub async fn apply(&self, apply: &Apply) -> Result<Applied, ClientError> {
        exchange::change(
            &self.socket,
            Asked::new(Method::POST, "/v1/apply", apply, Patience::Given(APPLY_WITHIN)),
            Repeat::Yes,
        )
        .await
    }

    /// What the files in services/ would change.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn pending(&self) -> Result<Pending, ClientError> {
        self.get("/v1/pending").await
    }

    /// The processes of a service.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` with `NoSuchService` when the engine does not have it.
    pub async fn processes(&self, name: &ServiceName) -> Result<Processes, ClientError> {
        self.get(&format!("/v1/services/{name}/processes")).await
    }

    /// The text of a service's file, as it stands in services/.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` with `NoSuchService` when the engine does not have it.
    pub async fn source(&self, name: &ServiceName) -> Result<Document, ClientError> {
        self.get(&format!("/v1/services/{name}/source")).await
    }

    /// What happened, one event after the other.
    ///
    /// # Errors
    /// [`ClientError`]; later ones come from the stream.
    pub async fn events(&self, query: &EventQuery) -> Result<EventStream, ClientError> {
        let path = format!("/v1/events{}", query.to_query());
        let response = exchange::open(&self.socket, Method::GET, &path, None::<&()>, Patience::Short).await?;
        Ok(EventStream::new(LogStream::new(response, query.follow), &self.socket))
    }

    /// The JSON Schema of a specification.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn schema(&self) -> Result<Value, ClientError> {
        self.get("/v1/schema").await
    }

    /// The API itself, as an `OpenAPI` 3.1 document.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn openapi(&self) -> Result<Value, ClientError> {
        self.get("/v1/openapi.json").await
    }

    /// Carries out `verb` on the services that `act` names, or on all.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` when the engine refuses, fails or runs out of the time that `act` gives.
    pub async fn act(&self, verb: Verb, act: &Act) -> Result<Outcome, ClientError> {
        let path = format!("/v1/actions/{}", verb.word());
        exchange::change(
            &self.socket,
            Asked::new(Method::POST, &path, act, Patience::of(act)),
            repeat_of(verb, act),
        )
        .await
    }

    /// Carries out `verb` on one service; `act` must name none.
    ///
    /// # Errors
    /// As [`Client::act`].
    pub async fn act_on(&self, name: &ServiceName, verb: Verb, act: &Act) -> Result<Outcome, ClientError> {
        let (method, path) = match verb {
            Verb::Uninstall => (Method::DELETE, format!("/v1/services/{name}")),
            Verb::Start
            | Verb::Stop
            | Verb::Restart
            | Verb::Reload
            | Verb::Reset
            | Verb::Hold
            | Verb::Unhold
            | Verb::Enable
            | Verb::Disable
            | Verb::Signal => (Method::POST, format!("/v1/services/{name}/{}", verb.word())),
        };
        exchange::change(
            &self.socket,
            Asked::new(method, &path, act, Patience::of(act)),
            repeat_of(verb, act),
        )
        .await
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
        exchange::change(
            &self.socket,
            Asked::new(Method::POST, "/v1/daemon/stop", how, Patience::Long),
            Repeat::No,
        )
        .await
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

/// A signal or a run that is given twice is another thing than one.
fn repeat_of(verb: Verb, act: &Act) -> Repeat {
    match verb {
        Verb::Signal => Repeat::No,
        Verb::Start if act.once => Repeat::No,
        Verb::Start
        | Verb::Stop
        | Verb::Restart
        | Verb::Reload
        | Verb::Reset
        | Verb::Hold
        | Verb::Unhold
        | Verb::Enable
        | Verb::Disable
        | Verb::Uninstall => Repeat::Yes,
    }
}

#[cfg(test)]
mod tests;
