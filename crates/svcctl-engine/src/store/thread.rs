//! The thread that makes durable, so that nobody else waits for the disk.
//!
//! It takes all that waits in one commit: a thousand starts cost as many bytes, but only a few flushes. What nobody
//! waits for is written behind: with the next commit, or by one of its own at most [`BEHIND_MAX`] later.

use super::{Store, StoreError};
use crate::lifeline::Lifeline;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::action::Persist;

/// The most persists that wait for the store; each command is one for each service that it is about.
const QUEUE_MAX: usize = 16 * 1024;
/// The most persists in one commit.
const BATCH_MAX: usize = 4 * 1024;
/// How long what is written behind may wait; it is what a power loss may take.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// What the thread is given.
#[derive(Debug)]
enum Entry {
    /// To be durable as soon as can be, and told under this number.
    Now(u64, Persist),
    /// To be durable at some time.
    Behind(Persist),
}

/// The store at work on its own thread.
#[derive(Debug)]
pub(crate) struct StoreThread {
    queue: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Starts it, with `lifeline` to hold. After each commit `settled` is told the number of the last persist in it, and the error if it
    /// failed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        store: Store,
        lifeline: Lifeline,
        settled: impl Fn(u64, Option<String>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let _held = lifeline;
            work(store, &waiting, &settled);
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Gives it one persist, without waiting.
    ///
    /// # Errors
    /// When the queue is full or the thread has ended: nothing will be durable, for this reason.
    pub(crate) fn submit(&self, number: u64, persist: Persist) -> Result<(), String> {
        self.put(Entry::Now(number, persist))
    }

    /// Gives it one persist that nobody waits for.
    ///
    /// # Errors
    /// As [`StoreThread::submit`].
    pub(crate) fn submit_behind(&self, persist: Persist) -> Result<(), String> {
        self.put(Entry::Behind(persist))
    }

    fn put(&self, entry: Entry) -> Result<(), String> {
        let Some(queue) = &self.queue else { return Err("the store has ended".to_owned()) };
        queue.try_send(entry).map_err(|error| match error {
            TrySendError::Full(_) => format!("more than {QUEUE_MAX} changes wait for the disk"),
            TrySendError::Disconnected(_) => "the store has ended".to_owned(),
        })
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; there is nobody left to tell.
            drop(thread.join());
        }
    }
}

fn work(mut store: Store, waiting: &Receiver<Entry>, settled: &impl Fn(u64, Option<String>)) {
    let mut behind = Behind::default();
    loop {
        let first = match behind.due {
            None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => waiting.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let (mut batch, mut last) = (Vec::new(), None);
        let ended = match first {
            Ok(entry) => {
                take(entry, &mut batch, &mut last, &mut behind);
                while batch.len() < BATCH_MAX {
                    let Ok(entry) = waiting.try_recv() else { break };
                    take(entry, &mut batch, &mut last, &mut behind);
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        let due = behind.due.is_some_and(|due| ended || !batch.is_empty() || Instant::now() >= due);
        if due {
            batch.extend(behind.take());
        }
        if !batch.is_empty() {
            let written: Result<(), StoreError> = store.write(&batch);
            let error = written.err().map(|error| format!("failed to {error}"));
            match (last, error) {
                (Some(last), error) => settled(last, error),
                (None, Some(error)) => {
                    crate::say::warn(&format!("{error}; what is known of runs may be lost"));
                }
                (None, None) => {}
            }
        }
        if ended {
            return;
        }
    }
}

fn take(entry: Entry, batch: &mut Vec<Persist>, last: &mut Option<u64>, behind: &mut Behind) {
    match entry {
        Entry::Now(number, persist) => {
            if let Persist::Forget(name) = &persist {
                behind.waiting.remove(name);
            }
            *last = Some(number);
            batch.push(persist);
        }
        Entry::Behind(persist) => behind.put(persist),
    }
}

/// What is written behind: the latest of each service.
#[derive(Debug, Default)]
struct Behind {
    waiting: BTreeMap<ServiceName, Persist>,
    due: Option<Instant>,
}

impl Behind {
    fn put(&mut self, persist: Persist) {
        self.waiting.insert(persist.name().clone(), persist);
        self.due.get_or_insert_with(|| Instant::now() + BEHIND_MAX);
    }

    fn take(&mut self) -> impl Iterator<Item = Persist> {
        self.due = None;
        std::mem::take(&mut self.waiting).into_values()
    }
}
