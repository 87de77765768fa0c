//! Watching by inotify: the thread, and the state that it shares with who sets what is watched.
//!
//! The state is behind a lock that is never held while a change is told, so that whoever is told may set anew.

mod eyes;
mod scan;
mod watched;

use super::{Change, WatchError, WatchOptions, WatchSpec};
use eyes::Eyes;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use watched::Watched;

/// Who is told.
type Sink = Box<dyn FnMut(Change) + Send>;

/// A running watcher.
pub(super) struct Watching {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Wakes the thread: what is watched has changed, or all ends.
    wake: OwnedFd,
    /// The inotify object, for waiting on it without the lock.
    queue: OwnedFd,
    state: Mutex<State>,
}

struct State {
    eyes: Eyes,
    options: WatchOptions,
    watched: Vec<Watched>,
    next_key: u64,
    is_over: bool,
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").finish_non_exhaustive()
    }
}

impl Watching {
    pub(super) fn new(options: WatchOptions, sink: Sink) -> Result<Self, WatchError> {
        let eyes = Eyes::open().map_err(|error| match error {
            Errno::MFILE => WatchError::WatcherLimit,
            error => WatchError::System(error.into()),
        })?;
        let queue = eyes.descriptor().try_clone_to_owned().map_err(WatchError::System)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| WatchError::System(error.into()))?;
        let state = State { eyes, options, watched: Vec::new(), next_key: 0, is_over: false };
        let shared = Arc::new(Shared { wake, queue, state: Mutex::new(state) });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || of_thread.run(sink))
            .map_err(WatchError::System)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn set(&self, specs: Vec<WatchSpec>) -> Result<(), Vec<WatchError>> {
        let troubles = self.shared.state().set(specs);
        self.shared.wake();
        if troubles.is_empty() { Ok(()) } else { Err(troubles) }
    }

    /// When the thread wakes up without an event.
    #[cfg(test)]
    pub(super) fn next_wake_up(&self) -> Option<Instant> {
        self.shared.state().deadline()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.wake();
        let Some(thread) = self.thread.take() else { return };
        // Who is told may drop the watcher; a thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() {
            // A panic of the sink has been reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves a state that is looked at anew with the next event.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // It fails only when the thread is due to wake up anyway.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn run(&self, mut sink: Sink) {
        loop {
            let (changes, deadline) = {
                let mut state = self.state();
                if state.is_over {
                    return;
                }
                (state.step(Instant::now()), state.deadline())
            };
            let is_quiet = changes.is_empty();
            changes.into_iter().for_each(&mut sink);
            if is_quiet {
                self.wait(deadline);
            }
        }
    }

    /// Waits for events, for a wake-up, or until `deadline`.
    fn wait(&self, deadline: Option<Instant>) {
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // A time too long for the system is as good as none.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut descriptors =
            [PollFd::new(&self.queue, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
        // An interrupted wait is a short one.
        let _ = poll(&mut descriptors, timeout.as_ref());
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
    }
}

impl State {
    fn set(&mut self, specs: Vec<WatchSpec>) -> Vec<WatchError> {
        // What happened until now belongs to what was watched until now.
        self.see(Instant::now());
        let mut before = std::mem::take(&mut self.watched);
        let mut troubles = Vec::new();
        for spec in specs {
            if let Some(index) = before.iter().position(|watched| watched.spec == spec) {
                self.watched.push(before.swap_remove(index));
                continue;
            }
            self.next_key += 1;
            let (watched, trouble) = Watched::begin(&mut self.eyes, self.next_key, spec);
            self.watched.push(watched);
            troubles.extend(trouble);
        }
        for watched in before {
            watched.end(&mut self.eyes);
        }
        // Keys are looked up by halving.
        self.watched.sort_unstable_by_key(Watched::key);
        troubles
    }

    /// Takes the events that there are.
    fn see(&mut self, now: Instant) {
        let seen = self.eyes.read();
        for sight in seen.sights {
            if let Ok(index) = self.watched.binary_search_by_key(&sight.key, Watched::key) {
                self.watched[index].handle(now, sight.what, &self.options);
            }
        }
        for watched in &mut self.watched {
            if seen.lost {
                watched.handle_lost(now);
            }
            watched.follow(&mut self.eyes, now, &self.options);
        }
    }

    /// Takes the events that there are, and gives what is to be told.
    fn step(&mut self, now: Instant) -> Vec<Change> {
        self.see(now);
        let Self { eyes, options, watched, .. } = self;
        watched.iter_mut().filter_map(|watched| watched.poll(eyes, now, options)).collect()
    }

    fn deadline(&self) -> Option<Instant> {
        self.watched.iter().filter_map(|watched| watched.deadline(&self.options)).min()
    }
}
