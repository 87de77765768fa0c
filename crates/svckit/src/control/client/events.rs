//! Events as they come over the API.

use super::error::ClientError;
use super::exchange::Query;
use super::follow::LogStream;
use crate::control::types::Event;
use std::path::{Path, PathBuf};

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// How many of the last events; the engine's own choice when absent.
    pub lines: Option<u64>,
    /// Only what comes after this cursor (of an earlier [`PlacedEvent`]).
    pub after: Option<String>,
    /// Only what happened since (RFC 3339).
    pub since: Option<String>,
    /// Only what concerns this service.
    pub service: Option<String>,
    /// Whether to go on with new events as they happen.
    pub follow: bool,
}

impl EventQuery {
    pub(super) fn to_query(&self) -> Query {
        Query::default()
            .with("lines", self.lines.map(|lines| lines.to_string()).as_deref())
            .with("follow", self.follow.then_some("true"))
            .with("after", self.after.as_deref())
            .with("since", self.since.as_deref())
            .with("service", self.service.as_deref())
    }
}

/// An event and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedEvent {
    /// Where it stands; given back as [`EventQuery::after`], the stream goes on behind it. Absent when the events were
    /// not followed.
    pub cursor: Option<String>,
    /// What happened.
    pub event: Event,
}

/// Events, one after the other.
#[derive(Debug)]
pub struct EventStream {
    records: LogStream,
    socket: PathBuf,
}

impl EventStream {
    pub(super) fn new(records: LogStream, socket: &Path) -> Self {
        Self { records, socket: socket.to_owned() }
    }

    /// The next event; `None` at the end, or when the engine ended a followed stream.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when the connection ended in the middle: connect again with the last cursor.
    pub async fn next(&mut self) -> Result<Option<PlacedEvent>, ClientError> {
        let Some(record) = self.records.next().await? else { return Ok(None) };
        let event = serde_json::from_str(&record.json).map_err(|error| ClientError::Protocol {
            path: self.socket.clone(),
            what: format!("an event cannot be read: {error}"),
        })?;
        Ok(Some(PlacedEvent { cursor: record.cursor, event }))
    }

    /// Where the events have been read to, as the engine last said; it may say so before the first one.
    pub fn cursor(&self) -> Option<&str> {
        self.records.cursor()
    }
}
