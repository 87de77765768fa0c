//! Operations that are done once, however often they are asked for: by the id that a request carries.
//!
//! A request with an id is carried out apart from its connection: who goes away cancels nothing, and who comes back with
//! the same id waits for the same answer, or gets it again. Ids belong to the user who gave them, so nobody is told or
//! kept from anything by guessing. They are known to one engine only. Nobody is locked out by many of them: a request for
//! which there is no place is carried out as one without an id, which ends with its connection.

use super::Problem;
use crate::answer::failure;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use svckit::control::types::{Failure, FailureKind, OPERATION_ID};
use tokio::sync::watch;

/// The most operations that are known.
const OPERATIONS_MAX: usize = 4096;
/// The most operations of one user that are under way and known.
const RUNNING_MAX: usize = 256;
/// How long an answer is kept.
const KEPT_FOR: Duration = Duration::from_mins(10);
/// The longest id.
const ID_MAX_CHARS: usize = 64;
/// The longest answer to something that changes.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// An answer that can be given again.
#[derive(Clone, Debug)]
struct Kept {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl IntoResponse for Kept {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

#[derive(Debug)]
struct Operation {
    fingerprint: u64,
    begun: Instant,
    answer: watch::Receiver<Option<Kept>>,
}

impl Operation {
    /// One whose worker panicked has no answer and never will: it runs no more.
    fn is_running(&self) -> bool {
        self.answer.borrow().is_none() && self.answer.has_changed().is_ok()
    }
}

/// What was asked for lately.
#[derive(Debug, Default)]
pub(super) struct Operations {
    known: Mutex<BTreeMap<(u32, String), Operation>>,
    hasher: RandomState,
}

/// What a request is, for its operation.
pub(super) struct Asked<'a> {
    pub(super) uid: u32,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) body: &'a [u8],
}

/// The id of a request, if it has one.
pub(super) fn id_of(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get(OPERATION_ID) else { return Ok(None) };
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let text = value.as_bytes();
    match value.to_str() {
        Ok(id) if !text.is_empty() && text.len() <= ID_MAX_CHARS && text.iter().all(allowed) => {
            Ok(Some(id.to_owned()))
        }
        Ok(_) | Err(_) => Err(failure(
            FailureKind::Usage,
            format!("Operation-Id must have 1 to {ID_MAX_CHARS} characters of A-Z a-z 0-9 . _ -"),
        )),
    }
}

impl Operations {
    /// Carries out `work` under this id, or waits for the one that was begun under it.
    pub(super) async fn once(
        self: &Arc<Self>,
        id: String,
        asked: Asked<'_>,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let mut answer = match self.join_or_begin(id, &asked, work) {
            Ok(Begun::Known(answer)) => answer,
            Ok(Begun::NoPlace(work)) => return work.await,
            Err(failure) => return Problem(failure).into_response(),
        };
        let kept = answer.wait_for(Option::is_some).await.ok().and_then(|kept| kept.clone());
        kept.map_or_else(
            || {
                let why = "the operation ended without an answer; see the daemon's log";
                Problem(failure(FailureKind::Failed, why)).into_response()
            },
            IntoResponse::into_response,
        )
    }

    fn join_or_begin<W: Future<Output = Response> + Send + 'static>(
        &self,
        id: String,
        asked: &Asked<'_>,
        work: W,
    ) -> Result<Begun<W>, Failure> {
        let fingerprint = self.hasher.hash_one((asked.method, asked.target, asked.body));
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, operation| operation.is_running() || now.duration_since(operation.begun) < KEPT_FOR);
        let key = (asked.uid, id);
        if let Some(operation) = known.get(&key) {
            if operation.fingerprint == fingerprint {
                return Ok(Begun::Known(operation.answer.clone()));
            }
            let why = format!("the operation id {} was given to another request; take a new one", key.1);
            return Err(failure(FailureKind::Conflict, why));
        }
        let of_user =
            known.iter().filter(|((uid, _), operation)| *uid == asked.uid && operation.is_running());
        if of_user.count() >= RUNNING_MAX || (known.len() >= OPERATIONS_MAX && !forget_oldest(&mut known)) {
            return Ok(Begun::NoPlace(work));
        }
        let (done, answer) = watch::channel(None);
        known.insert(key, Operation { fingerprint, begun: now, answer: answer.clone() });
        drop(known);
        tokio::spawn(async move {
            let kept = keep(work.await).await;
            done.send_replace(Some(kept));
        });
        Ok(Begun::Known(answer))
    }
}

/// What became of a request with an id.
enum Begun<W> {
    /// It is carried out, or was; here comes its answer.
    Known(watch::Receiver<Option<Kept>>),
    /// There is no place for it: it is to be carried out as one without an id.
    NoPlace(W),
}

/// Makes room by the oldest that has its answer; false if all are under way.
fn forget_oldest(known: &mut BTreeMap<(u32, String), Operation>) -> bool {
    let done = known.iter().filter(|(_, operation)| operation.answer.borrow().is_some());
    let oldest = done.min_by_key(|(_, operation)| operation.begun).map(|(key, _)| key.clone());
    oldest.is_some_and(|key| known.remove(&key).is_some())
}

async fn keep(response: Response) -> Kept {
    let (head, body) = response.into_parts();
    if let Ok(body) = to_bytes(body, ANSWER_MAX_BYTES).await {
        return Kept { status: head.status, headers: head.headers, body };
    }
    let told = failure(FailureKind::Failed, "it is done, but the answer is too long to be kept");
    let body = Bytes::from(serde_json::to_vec(&told).unwrap_or_default());
    Kept { status: StatusCode::BAD_GATEWAY, headers: HeaderMap::new(), body }
}

/// The whole request, for what is carried out apart from its connection.
pub(super) fn rebuilt(head: axum::http::request::Parts, body: Bytes) -> axum::extract::Request {
    axum::extract::Request::from_parts(head, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    fn asked(uid: u32, body: &[u8]) -> Asked<'_> {
        Asked { uid, method: "POST", target: "/v1/services/web/restart", body }
    }

    /// Counts, and answers with the count.
    fn counted(count: &Arc<AtomicU32>) -> impl Future<Output = Response> + Send + 'static {
        let count = Arc::clone(count);
        async move { (count.fetch_add(1, Ordering::SeqCst) + 1).to_string().into_response() }
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 1024).await.unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_repeat_gets_the_first_answer_and_does_nothing() {
        run(async {
            let (operations, count) = (Arc::new(Operations::default()), Arc::default());
            for _ in 0..3 {
                let answer = operations.once("a".to_owned(), asked(0, b""), counted(&count)).await;
                assert_eq!(text(answer).await, "1");
            }
            // An id is its user's own.
            let other = operations.once("a".to_owned(), asked(1, b""), counted(&count)).await;
            assert_eq!(text(other).await, "2");
        });
    }

    #[test]
    fn another_request_under_the_same_id_is_a_conflict() {
        run(async {
            let (operations, count) = (Arc::new(Operations::default()), Arc::default());
            operations.once("a".to_owned(), asked(0, b""), counted(&count)).await;
            let answer = operations.once("a".to_owned(), asked(0, b"{}"), counted(&count)).await;
            assert_eq!(answer.status(), StatusCode::CONFLICT);
            assert_eq!(count.load(Ordering::SeqCst), 1);
        });
    }

    #[test]
    fn a_client_that_goes_away_cancels_nothing_and_finds_the_answer_when_it_comes_back() {
        run(async {
            let (operations, gate) = (Arc::new(Operations::default()), Arc::new(Notify::new()));
            let slow = |gate: Arc<Notify>| async move {
                gate.notified().await;
                "done".into_response()
            };
            let mut first = Box::pin(operations.once("a".to_owned(), asked(0, b""), slow(Arc::clone(&gate))));
            assert!(
                std::future::poll_fn(|context| std::task::Poll::Ready(
                    first.as_mut().poll(context).is_pending()
                ))
                .await
            );
            drop(first);
            gate.notify_one();
            let never = Arc::new(Notify::new());
            assert_eq!(text(operations.once("a".to_owned(), asked(0, b""), slow(never)).await).await, "done");
        });
    }

    #[test]
    fn requests_that_nobody_waits_for_lock_nobody_out() {
        run(async {
            let (operations, count) = (Arc::new(Operations::default()), Arc::default());
            for uid in 1..=20 {
                for number in 0..RUNNING_MAX {
                    let never = std::future::pending::<Response>();
                    let id = format!("abandoned-{number}");
                    let mut begun = Box::pin(operations.once(id, asked(uid, b""), never));
                    let poll = |context: &mut std::task::Context<'_>| {
                        std::task::Poll::Ready(begun.as_mut().poll(context).is_pending())
                    };
                    assert!(std::future::poll_fn(poll).await);
                }
            }
            assert_eq!(operations.known.lock().unwrap().len(), OPERATIONS_MAX);
            // Neither one of those users nor another is refused, though what they ask for is not remembered.
            for (uid, told) in [(1, "1"), (1, "2"), (0, "3"), (0, "4")] {
                let answer = operations.once("new".to_owned(), asked(uid, b""), counted(&count)).await;
                assert_eq!(text(answer).await, told);
            }
        });
    }

    #[test]
    fn the_abandoned_requests_of_one_user_take_no_place_of_another() {
        run(async {
            let (operations, count) = (Arc::new(Operations::default()), Arc::default());
            for number in 0..RUNNING_MAX + 10 {
                let never = std::future::pending::<Response>();
                let mut begun = Box::pin(operations.once(number.to_string(), asked(1, b""), never));
                std::future::poll_fn(|context| {
                    std::task::Poll::Ready(begun.as_mut().poll(context).is_pending())
                })
                .await;
            }
            assert_eq!(operations.known.lock().unwrap().len(), RUNNING_MAX);
            for _ in 0..2 {
                let answer = operations.once("new".to_owned(), asked(0, b""), counted(&count)).await;
                assert_eq!(text(answer).await, "1");
            }
        });
    }

    #[test]
    fn ids_have_few_characters() {
        let id = |text: &str| {
            let headers = HeaderMap::from_iter([(OPERATION_ID.parse().unwrap(), text.parse().unwrap())]);
            id_of(&headers)
        };
        assert_eq!(id("a-B_9.").unwrap(), Some("a-B_9.".to_owned()));
        for bad in ["", "a b", &"a".repeat(65)] {
            assert!(id(bad).is_err(), "{bad:?}");
        }
        assert_eq!(id_of(&HeaderMap::new()).unwrap(), None);
    }
}
