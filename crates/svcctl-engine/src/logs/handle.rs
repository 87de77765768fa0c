//! The way to the logs thread: a queue that never blocks the sender.

use super::expect::{Expectation, Seen};
use super::watch::Watchers;
use super::{Note, StreamId};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_os::stream::{Descriptor, Waker};
use tokio::sync::watch;

/// The most notes that wait for the thread (a stalled disk); of more, the newest are dropped and counted. Other
/// commands are bounded by what causes them: open pipes, ended processes and requests that are being answered.
pub const NOTES_MAX: usize = 16_384;

/// What the thread is asked for, in order.
pub(crate) enum Command {
    Attach(StreamId, Descriptor),
    Adopted,
    Note(Note),
    Expect(Expectation),
    ProcessEnded(SlotKey, Generation),
    Flush(Option<ServiceName>, Box<dyn FnOnce() + Send>),
    Forget(ServiceName),
    Finish(Instant),
}

/// Talks to the logs thread. Nothing here waits; all is done in the order in which it was asked for.
#[derive(Clone)]
pub struct LogsHandle {
    queue: Arc<Queue>,
    watchers: Watchers,
}

/// The queue between handles and thread.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    waker: Waker,
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Command>,
    notes: usize,
    notes_dropped: u64,
    ended: bool,
}

impl LogsHandle {
    pub(crate) fn new(waker: Waker, watchers: Watchers) -> (Self, Arc<Queue>) {
        let queue = Arc::new(Queue { waiting: Mutex::default(), waker });
        (Self { queue: Arc::clone(&queue), watchers }, queue)
    }

    /// Captures a stream of a process from the read end of its pipe. After a restart of the engine, every stream that
    /// the keeper holds is attached again, and then [`LogsHandle::adopted`] is called. A stream that is attached is
    /// not attached a second time.
    pub fn attach(&self, id: StreamId, pipe: Descriptor) {
        self.queue.send(Command::Attach(id, pipe));
    }

    /// Every stream that was held has been attached: spools that none of them has are recorded and deleted.
    pub fn adopted(&self) {
        self.queue.send(Command::Adopted);
    }

    /// Appends a record of svcctl's own to a service's log (`event.dataset` is `svcctl`).
    pub fn note(&self, note: Note) {
        self.queue.send(Command::Note(note));
    }

    /// Looks out for a line that matches `pattern` in what this process writes, from what is recorded next on. Called
    /// before the process is made, it misses none.
    pub(crate) fn look_for(&self, slot: SlotKey, generation: Generation, pattern: &str) -> Seen {
        let (expectation, seen) = Expectation::new(slot, generation, pattern);
        self.queue.send(Command::Expect(expectation));
        seen
    }

    /// The main program of this process has ended: its last words are recorded before what is asked for after this,
    /// such as the note about its exit. What descendants of it write later is recorded as it comes.
    pub fn process_ended(&self, slot: SlotKey, generation: Generation) {
        self.queue.send(Command::ProcessEnded(slot, generation));
    }

    /// Calls `done` (on the logs thread, so it must be quick) when all that is in the pipes of `service`, or of all
    /// services, by then is in the log. If the thread has ended, `done` is dropped uncalled.
    pub fn flush(&self, service: Option<ServiceName>, done: impl FnOnce() + Send + 'static) {
        self.queue.send(Command::Flush(service, Box::new(done)));
    }

    /// The service is uninstalled: its streams are let go, checkpoint and spools deleted. The log stays.
    pub fn forget(&self, service: ServiceName) {
        self.queue.send(Command::Forget(service));
    }

    /// Ends the thread: at once when no stream is open, else when all have ended or at `deadline`, having recorded
    /// what is in the pipes by then. Streams that are still open are left for the next engine.
    pub fn finish(&self, deadline: Instant) {
        self.queue.send(Command::Finish(deadline));
    }

    /// Follows a service's log: changes whenever it has grown (the value is the length of the current file, 0 at
    /// first). It closes when the service is forgotten.
    pub fn watch(&self, service: &ServiceName) -> watch::Receiver<u64> {
        self.watchers.subscribe(service)
    }
}

impl Queue {
    fn send(&self, command: Command) {
        let mut waiting = self.lock();
        if waiting.ended {
            return;
        }
        if let Command::Note(_) = command {
            if waiting.notes == NOTES_MAX {
                waiting.notes_dropped += 1;
                return;
            }
            waiting.notes += 1;
        }
        waiting.commands.push_back(command);
        drop(waiting);
        self.waker.wake();
    }

    /// The next command.
    pub(crate) fn next(&self) -> Option<Command> {
        let mut waiting = self.lock();
        let command = waiting.commands.pop_front()?;
        if let Command::Note(note) = command {
            waiting.notes -= 1;
            let mut note = note;
            let dropped = std::mem::take(&mut waiting.notes_dropped);
            if dropped > 0 {
                note.fields.push(("svcctl.notes_dropped".into(), dropped.to_string()));
            }
            return Some(Command::Note(note));
        }
        Some(command)
    }

    /// Nothing is taken any more: what waits, and what comes, is dropped.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.ended = true;
        let unheard = std::mem::take(&mut waiting.commands);
        drop(waiting);
        drop(unheard);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
