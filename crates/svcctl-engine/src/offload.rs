//! Calls that may hang (a file on a dead file system, a name server that does not answer), each on a thread that may be
//! lost to it.
//!
//! A pool has a limit of threads of its own, so that what hangs for one purpose takes nothing from another. Threads are
//! made when they are needed and end when they have been idle; a pool that is not used has none.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a thread waits for the next call before it ends.
const IDLE: Duration = Duration::from_secs(5);
/// The most calls that wait for a thread of one pool, and are waited for.
const QUEUE_MAX: usize = 4096;

/// Why a call was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotDone {
    /// All threads are taken, and as many calls wait as may.
    #[error("{QUEUE_MAX} others wait already for something that hangs")]
    Full,
    /// There was no thread for it, or it failed in a way that it should not.
    #[error("its thread could not be started, or has failed")]
    Lost,
}

/// What is done on a thread.
trait Job: Send {
    /// Whether somebody still wants it.
    fn is_wanted(&self) -> bool;
    /// Does it.
    fn run(self: Box<Self>);
}

/// Wanted in any case.
struct Errand<F>(F);

impl<F: FnOnce() + Send> Job for Errand<F> {
    fn is_wanted(&self) -> bool {
        true
    }

    fn run(self: Box<Self>) {
        (self.0)();
    }
}

/// Wanted as long as its answer is waited for.
struct Call<F, T> {
    job: F,
    answer: oneshot::Sender<T>,
}

impl<F: FnOnce() -> T + Send, T: Send> Job for Call<F, T> {
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>) {
        let Self { job, answer } = *self;
        // Who waits no more wants no answer.
        drop(answer.send(job()));
    }
}

/// A pool of threads; clones are the same pool.
#[derive(Clone)]
pub(crate) struct Offload {
    name: &'static str,
    max: usize,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    threads: usize,
    idle: usize,
}

impl Offload {
    /// A pool of at most `max` threads that are called `name`.
    pub(crate) fn new(name: &'static str, max: usize) -> Self {
        Self { name, max, shared: Arc::default() }
    }

    /// Has this done as soon as a thread is free. It is dropped undone if the system gives no thread at all. It waits
    /// however many others do: their number is for the caller to limit.
    pub(crate) fn start(&self, job: impl FnOnce() + Send + 'static) {
        self.push(self.shared.lock(), Box::new(Errand(job)));
    }

    fn push(&self, mut state: MutexGuard<'_, State>, job: Box<dyn Job>) {
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && state.threads < self.max {
            state.threads += 1;
            drop(state);
            self.add_thread();
        } else {
            drop(state);
            self.shared.arrived.notify_one();
        }
    }

    /// Has this done, and waits for what it gives. Who stops waiting before a thread was free has it not done.
    ///
    /// # Errors
    /// When it was not done.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (answer, answered) = oneshot::channel();
        self.admit(Box::new(Call { job, answer }))?;
        answered.await.map_err(|_| NotDone::Lost)
    }

    /// Has it wait for a thread, if there is room.
    fn admit(&self, job: Box<dyn Job>) -> Result<(), NotDone> {
        let mut state = self.shared.lock();
        let mut unwanted = VecDeque::new();
        if state.jobs.len() >= QUEUE_MAX {
            (state.jobs, unwanted) =
                std::mem::take(&mut state.jobs).into_iter().partition(|job| job.is_wanted());
        }
        let result = if state.jobs.len() < QUEUE_MAX {
            self.push(state, job);
            Ok(())
        } else {
            drop(state);
            Err(NotDone::Full)
        };
        // What they hold is let go when nothing is locked.
        drop(unwanted);
        result
    }

    fn add_thread(&self) {
        let counted = Counted(Arc::clone(&self.shared));
        let thread = std::thread::Builder::new().name(self.name.to_owned()).spawn(move || counted.0.work());
        if let Err(error) = thread {
            crate::say::error(&format!("failed to start a thread ({}): {error}", self.name));
            let mut state = self.shared.lock();
            if state.threads == 0 {
                let undone = std::mem::take(&mut state.jobs);
                drop(state);
                drop(undone);
            }
        }
    }
}

/// A thread that is counted, however it ends.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.lock().threads -= 1;
    }
}

impl Shared {
    fn work(&self) {
        while let Some(job) = self.next() {
            if job.is_wanted() {
                job.run();
            }
        }
    }

    fn next(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        if let Some(job) = state.jobs.pop_front() {
            return Some(job);
        }
        state.idle += 1;
        let waited = self.arrived.wait_timeout_while(state, IDLE, |state| state.jobs.is_empty());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state.jobs.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future as _;
    use std::sync::mpsc::channel;
    use std::task::{Context, Poll, Waker};

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_call_that_hangs_holds_up_no_other() {
        let pool = Offload::new("test", 2);
        let (release, held) = channel::<()>();
        pool.start(move || held.recv().unwrap_or_default());
        let (done, outcome) = channel();
        for number in 0..100 {
            let done = done.clone();
            pool.start(move || done.send(number).unwrap());
        }
        let all: Vec<i32> = (0..100).map(|_| outcome.recv_timeout(PATIENCE).unwrap()).collect();
        assert_eq!(all, (0..100).collect::<Vec<_>>(), "one thread is left, so the order is kept");
        assert_eq!(pool.shared.lock().threads, 2);
        drop(release);
    }

    #[test]
    fn a_panic_costs_a_thread_and_its_own_call_alone() {
        let pool = Offload::new("test", 1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(pool.call(|| -> u8 { panic!("on purpose") })), Err(NotDone::Lost));
        let (done, outcome) = channel();
        // The thread that panicked is counted until it has ended.
        while pool.shared.lock().threads > 0 {
            std::thread::yield_now();
        }
        pool.start(move || done.send(7).unwrap());
        assert_eq!(outcome.recv_timeout(PATIENCE), Ok(7));
    }

    #[test]
    fn calls_behind_one_that_hangs_are_limited_and_those_that_nobody_waits_for_are_not_done() {
        let pool = Offload::new("test", 1);
        let (release, held) = channel::<()>();
        let (began, beginning) = channel();
        pool.start(move || {
            began.send(()).unwrap();
            held.recv().unwrap_or_default();
        });
        beginning.recv_timeout(PATIENCE).unwrap();
        let done = Arc::new(Mutex::new(Vec::new()));
        let call = |number: usize| {
            let done = Arc::clone(&done);
            Box::pin(pool.call(move || done.lock().unwrap().push(number)))
        };
        let mut context = Context::from_waker(Waker::noop());
        let mut calls: Vec<_> = (0..QUEUE_MAX).map(call).collect();
        assert!(calls.iter_mut().all(|call| call.as_mut().poll(&mut context).is_pending()));
        assert_eq!(call(QUEUE_MAX).as_mut().poll(&mut context), Poll::Ready(Err(NotDone::Full)));
        // Half of them wait no more, which makes room for one; then the other half.
        calls.truncate(QUEUE_MAX / 2);
        let mut late = call(QUEUE_MAX);
        assert!(late.as_mut().poll(&mut context).is_pending());
        assert_eq!(pool.shared.lock().jobs.len(), QUEUE_MAX / 2 + 1);
        drop(calls);
        drop(release);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(late), Ok(()));
        assert_eq!(*done.lock().unwrap(), [QUEUE_MAX]);
    }
}
