//! The thread that makes durable, so that nobody else waits for the disk.
//!
//! It takes all that waits in one commit: a thousand starts cost as many bytes, but only a few flushes.

use super::{Store, StoreError};
use crate::lifeline::Lifeline;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use svcctl_core::supervisor::action::Persist;

/// The most persists that wait for the store; each command is one for each service that it is about.
const QUEUE_MAX: usize = 16 * 1024;
/// The most persists in one commit.
const BATCH_MAX: usize = 4 * 1024;

/// The store at work on its own thread.
#[derive(Debug)]
pub(crate) struct StoreThread {
    queue: Option<SyncSender<(u64, Persist)>>,
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
        let Some(queue) = &self.queue else { return Err("the store has ended".to_owned()) };
        queue.try_send((number, persist)).map_err(|error| match error {
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

fn work(mut store: Store, waiting: &Receiver<(u64, Persist)>, settled: &impl Fn(u64, Option<String>)) {
    while let Ok((mut last, first)) = waiting.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX {
            let Ok((number, persist)) = waiting.try_recv() else { break };
            last = number;
            batch.push(persist);
        }
        let written: Result<(), StoreError> = store.write(&batch);
        settled(last, written.err().map(|error| format!("failed to {error}")));
    }
}
