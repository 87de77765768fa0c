//! What happened: changes of state, commands, changes of configuration, what befell the daemon; for `svcctl events`.
//!
//! One file of NDJSON below logs/, a [`types::Event`](Event) a line, appended by a thread of its own: who records never
//! waits for the disk. When the file is full it becomes `events.1.ndjson`, in place of the one before. Readers go
//! through the files; a [`Cursor`] stays good over restarts of the engine. The one service of `svcctl run` has no events.

mod file;
mod read;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use read::{Cursor, CursorError, Follower, Query, window};

use crate::EngineConfig;
use crate::answer::timestamp;
use crate::auxiliary::without_output;
use crate::keeper_link::Welcome;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;
use svcctl_core::supervisor::action::{Note, NoteKind, NoteLevel};
use svcctl_core::supervisor::state::{Phase, Transition};
use svcctl_os::clock;
use svckit::control::types::Event;
use tokio::sync::{Semaphore, oneshot, watch};

/// The most events that wait for the disk; what comes then is counted and dropped.
const QUEUE_MAX: usize = 4096;
/// How long a reader waits for what is on its way to the file (a stalled disk); then it reads what is there.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// How many read at once; more wait for one of them.
const READERS_MAX: usize = 4;

/// Why events cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    /// A file.
    #[error("read the events in {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The engine ends.
    #[error("read the events: the engine is ending")]
    Ending,
}

impl EventsError {
    /// Whether this user may not read them.
    pub(crate) fn is_denied(&self) -> bool {
        match self {
            Self::File { source, .. } => source.kind() == std::io::ErrorKind::PermissionDenied,
            Self::Ending => false,
        }
    }
}

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventLevel {
    /// As it should be.
    Info,
    /// Somebody may want to look at it.
    Warn,
    /// Somebody must look at it.
    Error,
}

impl EventLevel {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What the thread is given.
pub(crate) enum Told {
    /// To be written.
    Event(Box<Event>),
    /// To be answered when all before it is in the file.
    Flush(oneshot::Sender<()>),
    /// Write what waits, and end.
    End,
}

/// The way to the events; cheap to clone.
#[derive(Clone)]
pub(crate) struct Events(Option<Arc<Inner>>);

struct Inner {
    queue: SyncSender<Told>,
    dropped: Arc<AtomicU64>,
    grown: watch::Receiver<u64>,
    path: PathBuf,
    readers: Arc<Semaphore>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Events").field(&self.0.as_ref().map(|inner| &inner.path)).finish()
    }
}

impl Events {
    /// Events that nobody keeps.
    pub(crate) fn nowhere() -> Self {
        Self(None)
    }

    /// The events of an engine that begins. That of `svcctl run` has none.
    ///
    /// # Errors
    /// As [`Events::open`].
    pub(crate) fn begin(config: &EngineConfig, welcome: &Welcome) -> std::io::Result<Self> {
        if config.run_spec.is_some() {
            return Ok(Self::nowhere());
        }
        let events = Self::open(config.paths.events())?;
        let (version, number, pid) = (env!("CARGO_PKG_VERSION"), welcome.engine_number, welcome.pid);
        if number <= 1 {
            let message = format!("the daemon of svcctl {version} has started (process {pid})");
            events.daemon(EventLevel::Info, message);
        } else {
            let message =
                format!("engine {number} has taken over after the death of the last; see logs/svcctl.log");
            events.daemon(EventLevel::Warn, message);
        }
        Ok(events)
    }

    /// Events in the file at `path`, and those that come. The thread ends when the last handle is gone, or after
    /// [`Events::finish`].
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open(path: PathBuf) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let (growing, grown) = watch::channel(0);
        let writer = thread::Writer::new(path.clone(), Arc::clone(&dropped), growing);
        std::thread::Builder::new().name("events".to_owned()).spawn(move || writer.work(&waiting))?;
        Ok(Self(Some(Arc::new(Inner {
            queue,
            dropped,
            grown,
            path,
            readers: Arc::new(Semaphore::new(READERS_MAX)),
        }))))
    }

    /// Records an event, without waiting.
    pub(crate) fn record(&self, event: Event) {
        let Some(inner) = &self.0 else { return };
        if inner.queue.try_send(Told::Event(Box::new(event))).is_err() {
            inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records something about the daemon as a whole, now.
    pub(crate) fn daemon(&self, level: EventLevel, message: impl Into<String>) {
        self.record(event(None, "daemon", level, message.into()));
    }

    /// Records something about configuration, now; of a service, or of the daemon.
    pub(crate) fn config(&self, service: Option<&str>, level: EventLevel, message: impl Into<String>) {
        self.record(event(service, "config", level, message.into()));
    }

    /// Records that somebody (`by`) had something done to a service, now.
    pub(crate) fn command(&self, service: Option<&str>, message: impl Into<String>, by: impl Into<String>) {
        let event = event(service, "command", EventLevel::Info, message.into());
        self.record(Event { by: Some(by.into()), ..event });
    }

    /// Records a change of state; what a program wrote is for the log, which fewer may read.
    pub(crate) fn transition(&self, transition: &Transition) {
        let level = match transition.to {
            Phase::Failed => EventLevel::Error,
            Phase::Backoff => EventLevel::Warn,
            Phase::Stopped
            | Phase::Scheduled
            | Phase::Waiting
            | Phase::Starting
            | Phase::Running
            | Phase::Stopping
            | Phase::Completed => EventLevel::Info,
        };
        let why = without_output(&transition.why).to_owned();
        let event = event(Some(transition.slot.name.as_str()), "state", level, why);
        self.record(Event {
            time: timestamp(transition.at.wall),
            state: Some(transition.to.word().to_owned()),
            pid: transition.pid,
            ..event
        });
    }

    /// Records a note of the core, without what a program wrote.
    pub(crate) fn note(&self, note: &Note) {
        let kind = match note.kind {
            NoteKind::Hook => "hook",
            NoteKind::Probe => "probe",
            NoteKind::Job => "job",
            NoteKind::Config => "config",
            NoteKind::Command => "command",
        };
        let level = match note.level {
            NoteLevel::Info => EventLevel::Info,
            NoteLevel::Warn => EventLevel::Warn,
            NoteLevel::Error => EventLevel::Error,
        };
        let message = without_output(&note.message).to_owned();
        let event = event(Some(note.name.as_str()), kind, level, message);
        self.record(Event { time: timestamp(note.at.wall), pid: note.pid, ..event });
    }

    /// The events that `query` asks for, oldest first, each with the cursor behind it; and the cursor behind the last
    /// there is.
    ///
    /// # Errors
    /// [`EventsError`].
    pub(crate) async fn read(&self, query: &Query) -> Result<(Vec<(Cursor, Event)>, Cursor), EventsError> {
        let Some(inner) = &self.0 else { return Ok((Vec::new(), Cursor::default())) };
        inner.flush().await;
        let place = Arc::clone(&inner.readers).acquire_owned().await.map_err(|_| EventsError::Ending)?;
        let (path, query) = (inner.path.clone(), query.clone());
        let read = tokio::task::spawn_blocking(move || {
            // Held also for one who went away meanwhile.
            let _held = place;
            window(&path, &query)
        })
        .await;
        read.map_err(|_| EventsError::Ending)?
    }

    /// The events that `query` asks for, and then each as it comes; without an end, but for that of the engine.
    ///
    /// # Errors
    /// [`EventsError`].
    pub(crate) async fn follow(&self, query: &Query) -> Result<Follower, EventsError> {
        // All of it is read piece by piece, as it is taken.
        let (first, end) = match query.lines {
            Some(_) => self.read(query).await?,
            None => (Vec::new(), query.after.unwrap_or_default()),
        };
        let place = self.0.as_ref().map(|inner| (inner.path.clone(), inner.grown.clone()));
        Ok(Follower::new(first, end, query.clone(), place))
    }

    /// Waits until what was recorded is in the file, and ends the thread; what is recorded later is dropped.
    pub(crate) async fn finish(&self) {
        let Some(inner) = &self.0 else { return };
        inner.flush().await;
        drop(inner.queue.try_send(Told::End));
    }
}

impl Inner {
    async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        // A queue that is full is behind a disk that does not answer; what is in the file is read.
        if self.queue.try_send(Told::Flush(done)).is_ok() {
            drop(tokio::time::timeout(FLUSH_TIMEOUT, flushed).await);
        }
    }
}

fn event(service: Option<&str>, kind: &str, level: EventLevel, message: String) -> Event {
    Event {
        time: timestamp(clock::now().wall),
        service: service.map(str::to_owned),
        kind: kind.to_owned(),
        level: level.word().to_owned(),
        message,
        state: None,
        pid: None,
        by: None,
    }
}
