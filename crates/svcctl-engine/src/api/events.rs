//! Reading what happened over the API: what is there as NDJSON, and, followed, as server-sent events (WHATWG HTML,
//! section 9.2), each with the place behind it as `id`, so that a client goes on where it was cut off.

use super::logs::Chunks;
use super::query::Query;
use super::server::Caller;
use super::{Api, Problem, ended};
use crate::answer::failure;
use crate::events::{Cursor, CursorError, EventsError, Follower, Query as EventsQuery};
use crate::roles::Role;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use svckit::control::types::{Event, FailureKind};
use tokio::sync::{mpsc, watch};

/// How many of the last events are given when nobody says.
const LINES_DEFAULT: usize = 50;
/// The most events in an answer that is no stream: the last ones of what is asked for.
const LINES_MAX: usize = 10_000;
/// How many chunks wait for a slow client.
const CHUNKS_MAX: usize = 16;

/// Which events.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    lines: Option<usize>,
    follow: bool,
    after: Option<String>,
    since: Option<String>,
    service: Option<String>,
}

/// `GET /v1/events`
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    api.admit(caller.role, Role::Viewer, false)?;
    let query = query_of(&asked)?;
    let (kind, body) = if asked.follow {
        let follower = api.events.follow(&query).await.map_err(|error| told(&error))?;
        let (chunks, body) = mpsc::channel(CHUNKS_MAX);
        tokio::spawn(follow(follower, chunks, api.closing.clone()));
        ("text/event-stream", Body::new(Chunks(body)))
    } else {
        let (events, _) = api.events.read(&query).await.map_err(|error| told(&error))?;
        let text: Vec<u8> = events.iter().flat_map(|(_, event)| line(event)).collect();
        ("application/x-ndjson", Body::from(text))
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], body).into_response())
}

fn told(error: &EventsError) -> Problem {
    failure(FailureKind::Failed, format!("failed to {error}")).into()
}

fn query_of(asked: &Asked) -> Result<EventsQuery, Problem> {
    let usage = |why: String| Problem::from(failure(FailureKind::Usage, why));
    let since = asked.since.as_deref().map(|text| {
        text.parse::<jiff::Timestamp>()
            .map_err(|_| usage(format!("since must be a time such as 2026-11-24T02:30:00Z, and is {text:?}")))
    });
    let after = asked.after.as_deref().map(str::parse::<Cursor>);
    let after = after.transpose().map_err(|error: CursorError| usage(error.to_string()))?;
    // One who goes on, or names a time, wants all of it.
    let all = after.is_some() || since.is_some();
    let lines = asked.lines.or((!all).then_some(LINES_DEFAULT));
    Ok(EventsQuery {
        // A follower without a number goes through all of it piece by piece.
        lines: if asked.follow { lines } else { lines.or(Some(LINES_MAX)) }.map(|lines| lines.min(LINES_MAX)),
        since: since.transpose()?,
        service: asked.service.clone(),
        after,
    })
}

/// An event as a line of NDJSON.
fn line(event: &Event) -> Vec<u8> {
    // A structure of texts and numbers always has a text.
    let mut bytes = serde_json::to_vec(event).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Until the client goes or the engine ends.
async fn follow(mut follower: Follower, chunks: mpsc::Sender<Bytes>, mut closing: watch::Receiver<bool>) {
    loop {
        let next = tokio::select! {
            next = follower.next() => next,
            () = chunks.closed() => return,
            () = ended(&mut closing) => return,
        };
        let Ok(Some((cursor, event))) = next else { return };
        let mut text = format!("id: {cursor}\ndata: ").into_bytes();
        text.extend(line(&event));
        text.push(b'\n');
        if chunks.send(text.into()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_most_of_events_whatever_is_asked_for() {
        let lines = |asked: Asked| query_of(&asked).map_err(|problem| problem.0).unwrap().lines;
        let ages = || Some("1970-01-01T00:00:00Z".to_owned());
        assert_eq!(lines(Asked::default()), Some(LINES_DEFAULT));
        assert_eq!(lines(Asked { lines: Some(usize::MAX), ..Asked::default() }), Some(LINES_MAX));
        assert_eq!(lines(Asked { since: ages(), ..Asked::default() }), Some(LINES_MAX));
        assert_eq!(lines(Asked { since: ages(), follow: true, ..Asked::default() }), None);
        let follow = Asked { lines: Some(usize::MAX), follow: true, ..Asked::default() };
        assert_eq!(lines(follow), Some(LINES_MAX));
    }
}
