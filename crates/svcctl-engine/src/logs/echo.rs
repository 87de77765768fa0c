//! Lines shown as they come, for foreground supervision: raw, on our own standard output and error.
//!
//! A thread of its own writes them. A reader that is slow slows the program down, as it would without svcctl; but one
//! that takes nothing for [`STALL_MAX`] is passed over: lines are not shown until there is room again, and how many
//! bytes were not shown is said on standard error. They are in the log in any case. What is shown is not exact over a
//! kill of the engine: lines recorded just before it may not be shown.

use super::Note;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use svcctl_keeper::protocol::Stream;

/// The most bytes that wait to be shown.
const WAITING_MAX_BYTES: usize = 1024 * 1024;
/// How long the capture waits for room.
const STALL_MAX: Duration = Duration::from_secs(5);

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Also show svcctl's own records, on standard error, as `svcctl: MESSAGE`.
    pub notes: bool,
}

/// Gives lines to the thread that shows them.
#[derive(Debug)]
pub(crate) struct Echoer {
    what: Echo,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<(Stream, Vec<u8>)>,
    bytes: usize,
    /// Bytes that were not shown since the last time that was said.
    skipped: u64,
    /// Nobody took anything for [`STALL_MAX`]: nothing is waited for until there is room.
    stalled: bool,
    closed: bool,
}

impl Echoer {
    /// Starts the thread, which writes to standard output and error.
    ///
    /// # Errors
    /// No thread can be made.
    pub(crate) fn start(what: Echo) -> io::Result<Self> {
        Self::start_with(what, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    fn start_with(
        what: Echo,
        mut out: Box<dyn Write + Send>,
        mut err: Box<dyn Write + Send>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let show = move || theirs.show(&mut *out, &mut *err);
        let thread = std::thread::Builder::new().name("echo".into()).spawn(show)?;
        Ok(Self { what, shared, thread: Some(thread) })
    }

    /// Shows output.
    pub(crate) fn output(&self, stream: Stream, bytes: &[u8]) {
        self.shared.push(stream, bytes);
    }

    /// Shows a record of svcctl's own, if that is wanted.
    pub(crate) fn note(&self, note: &Note) {
        if self.what.notes {
            self.shared.push(Stream::Stderr, format!("svcctl: {}\n", note.message).as_bytes());
        }
    }
}

impl Drop for Echoer {
    /// Waits until all is shown, but not for a reader that takes nothing for [`STALL_MAX`].
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        self.shared.changed.notify_all();
        let mut left = queue.bytes;
        while left > 0 {
            let (next, timeout) = wait(&self.shared.changed, queue, STALL_MAX);
            queue = next;
            if timeout && queue.bytes == left {
                return;
            }
            left = queue.bytes;
        }
        drop(queue);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, stream: Stream, bytes: &[u8]) {
        let mut queue = self.lock();
        let deadline = Instant::now() + STALL_MAX;
        while queue.bytes > 0 && queue.bytes + bytes.len() > WAITING_MAX_BYTES {
            let left = deadline.saturating_duration_since(Instant::now());
            if queue.stalled || left.is_zero() {
                queue.stalled = true;
                queue.skipped += bytes.len() as u64;
                return;
            }
            queue = wait(&self.changed, queue, left).0;
        }
        queue.stalled = false;
        queue.bytes += bytes.len();
        queue.chunks.push_back((stream, bytes.to_vec()));
        self.changed.notify_all();
    }

    /// The thread: writes chunks until it is closed and none is left.
    fn show(&self, out: &mut dyn Write, err: &mut dyn Write) {
        loop {
            let mut queue = self.lock();
            while queue.chunks.is_empty() && !queue.closed {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let Some((stream, bytes)) = queue.chunks.pop_front() else { return };
            let skipped = std::mem::take(&mut queue.skipped);
            drop(queue);
            if skipped > 0 {
                let _ =
                    writeln!(err, "svcctl: {skipped} bytes of output were not shown: the terminal took none");
            }
            let target: &mut dyn Write = match stream {
                Stream::Stdout => out,
                Stream::Stderr => err,
            };
            // Nobody reads it any more: that ends neither the program nor its log.
            let _ = target.write_all(&bytes).and_then(|()| target.flush());
            self.lock().bytes -= bytes.len();
            self.changed.notify_all();
        }
    }
}

/// Waits for a change; also gives whether the time is over.
fn wait<'a>(
    changed: &Condvar,
    queue: MutexGuard<'a, Queue>,
    left: Duration,
) -> (MutexGuard<'a, Queue>, bool) {
    let (queue, timeout) = changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner);
    (queue, timeout.timed_out())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("sink").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_stream_is_shown_on_its_own_and_all_before_the_end() {
        let (out, err) = (Sink::default(), Sink::default());
        let echo = Echoer::start_with(Echo { notes: true }, Box::new(out.clone()), Box::new(err.clone()));
        let echo = echo.expect("thread");
        let chunk = vec![b'x'; 100_000];
        for _ in 0..30 {
            echo.output(Stream::Stdout, &chunk);
        }
        echo.output(Stream::Stderr, b"oops\n");
        drop(echo);
        assert_eq!(out.0.lock().expect("sink").len(), 3_000_000);
        assert_eq!(*err.0.lock().expect("sink"), b"oops\n");
    }
}
