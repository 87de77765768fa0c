//! The logs thread: waits for pipes, commands and the next retry, and drives the capture.

use super::capture::{Capture, Hooks, RETRY_EVERY};
use super::echo::Echoer;
use super::files::Files;
use super::handle::{Command, LogsHandle, Queue};
use super::paths::Paths;
use super::watch::Watchers;
use super::{LogsConfig, StartError};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use svcctl_os::stream::Poller;

/// Waits for the end of the logs thread.
#[derive(Debug)]
pub struct Joiner(JoinHandle<std::io::Result<()>>);

/// How the logs thread ended, if not as asked for by [`LogsHandle::finish`].
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// It panicked.
    #[error("capture logs: the logs thread panicked")]
    Panicked,
    /// The system refused to wait for the pipes.
    #[error("capture logs: cannot wait for pipes: {0}")]
    Wait(#[source] std::io::Error),
}

impl Joiner {
    /// Waits until the thread has ended, which [`LogsHandle::finish`] makes it do.
    ///
    /// # Errors
    /// [`LogsError`] if it ended otherwise.
    pub fn join(self) -> Result<(), LogsError> {
        self.0.join().map_err(|_| LogsError::Panicked)?.map_err(LogsError::Wait)
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Starts the thread.
pub(crate) fn start(config: LogsConfig) -> Result<(LogsHandle, Joiner), StartError> {
    let (poller, waker) = Poller::new().map_err(StartError::Poller)?;
    let watchers = Watchers::default();
    let echo = config.echo.map(Echoer::start).transpose().map_err(StartError::Thread)?;
    let LogsConfig { logs, spools, boot_id, on_spool, on_stream_done, .. } = config;
    let hooks = Hooks { on_spool, on_stream_done, watchers: watchers.clone(), echo };
    let paths = Paths { logs, spools: spools.clone() };
    let capture = Capture::new(Files::default(), paths, boot_id, hooks, poller)
        .map_err(|source| StartError::Spools { path: spools, source })?;
    let (handle, queue) = LogsHandle::new(waker, watchers);
    let thread = std::thread::Builder::new()
        .name("logs".into())
        .spawn(move || {
            let closing = Closing(Arc::clone(&queue));
            let ended = run(capture, &queue);
            drop(closing);
            ended
        })
        .map_err(StartError::Thread)?;
    Ok((handle, Joiner(thread)))
}

/// Closes the queue however the thread ends, so that nobody waits for an answer.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn run(mut capture: Capture, queue: &Queue) -> std::io::Result<()> {
    let mut ready = Vec::new();
    let mut finish_by = None;
    loop {
        let over = |by: Instant| !capture.has_streams() || Instant::now() >= by;
        if finish_by.is_some_and(over) {
            capture.flush(None);
            // The last chance to say what was dropped.
            capture.retry(Instant::now() + RETRY_EVERY);
            return Ok(());
        }
        let until = [finish_by, capture.retry_at()].into_iter().flatten().min();
        capture.wait(&mut ready, until)?;
        for &token in &ready {
            capture.turn(token);
        }
        while let Some(command) = queue.next() {
            finish_by = handle(&mut capture, command).or(finish_by);
        }
        capture.retry(Instant::now());
    }
}

/// Carries out a command. Gives the deadline, if it was the one to finish.
fn handle(capture: &mut Capture, command: Command) -> Option<Instant> {
    match command {
        Command::Attach(id, pipe) => capture.attach(&id, pipe),
        Command::Adopted => capture.adopted(),
        Command::Note(note) => capture.note(&note),
        Command::Expect(expectation) => capture.look_for(expectation),
        Command::ProcessEnded(slot, generation) => capture.process_ended(&slot, generation),
        Command::Flush(service, done) => {
            capture.flush(service.as_ref());
            done();
        }
        Command::Forget(service) => capture.forget(&service),
        Command::Finish(deadline) => return Some(deadline),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Level, Note, StreamId, read};
    use super::*;
    use std::io::Write as _;
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use svcctl_core::ident::{Generation, ServiceName, SlotKey};
    use svcctl_keeper::protocol::Stream;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn the_thread_does_what_it_is_asked_in_order_and_ends() {
        let folder = tempfile::tempdir().expect("folder");
        let (done, streams_done) = channel();
        let config = LogsConfig {
            logs: folder.path().join("logs"),
            spools: folder.path().join("spool"),
            boot_id: "boot".into(),
            echo: None,
            on_spool: Box::new(|_, _| {}),
            on_stream_done: Box::new(move |id| done.send(id.clone()).expect("the test waits")),
        };
        let (handle, joiner) = start(config).expect("start");
        let service = ServiceName::new("app").expect("a name");
        let slot = SlotKey { name: service.clone(), index: 0 };
        let id = StreamId { slot: slot.clone(), generation: Generation(1), pid: 7, stream: Stream::Stderr };
        let (read, mut write) = std::io::pipe().expect("pipe");
        write.write_all(b"last words\n").expect("write");
        let follower = handle.watch(&service);
        handle.attach(id.clone(), read.into());
        handle.process_ended(slot, Generation(1));
        let (index, pid, level) = (0, Some(7), Level::Info);
        handle.note(Note {
            service: service.clone(),
            index,
            pid,
            level,
            message: "exited".into(),
            fields: vec![],
        });
        let (flushed, wait) = channel();
        handle.flush(Some(service.clone()), move || flushed.send(()).expect("the test waits"));
        wait.recv_timeout(PATIENCE).expect("flushed");
        assert!(follower.has_changed().expect("open"));
        let records = read::after(&folder.path().join("logs/app"), read::Cursor::default()).expect("read");
        let found: Vec<_> = records.iter().map(String::from_utf8_lossy).collect();
        assert!(found[0].contains("last words") && found[1].contains("exited"), "{found:?}");
        handle.finish(Instant::now() + PATIENCE);
        drop(write);
        assert_eq!(streams_done.recv_timeout(PATIENCE).expect("done"), id);
        joiner.join().expect("it ends well");
        let (flushed, wait) = channel::<()>();
        handle.flush(None, move || flushed.send(()).expect("never called"));
        assert!(wait.recv_timeout(PATIENCE).is_err(), "after the end nothing is promised");
    }
}
