//! The thread that writes events.

use super::file::{EventFile, FILE_MAX_BYTES};
use super::{EventLevel, Told, event};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use svckit::control::types::Event;
use tokio::sync::{oneshot, watch};

/// The most events that are written at once.
const BATCH_MAX: usize = 1024;

/// Writes what it is told of.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    /// Open while the disk takes what it is given.
    file: Option<EventFile>,
    dropped: Arc<AtomicU64>,
    growing: watch::Sender<u64>,
    /// Whether it was said that nothing can be written, so that it is said once.
    complained: bool,
}

impl Writer {
    pub(super) fn new(path: PathBuf, dropped: Arc<AtomicU64>, growing: watch::Sender<u64>) -> Self {
        Self { path, file: None, dropped, growing, complained: false }
    }

    /// Writes until it is told to end, or nobody is left to tell it anything.
    pub(super) fn work(mut self, waiting: &Receiver<Told>) {
        while let Ok(first) = waiting.recv() {
            let (mut events, mut flushed, mut ended) = (Vec::new(), Vec::new(), false);
            let mut next = Some(first);
            while let Some(told) = next {
                match told {
                    Told::Event(event) => events.push(*event),
                    Told::Flush(done) => flushed.push(done),
                    Told::End => ended = true,
                }
                next = if events.len() < BATCH_MAX { waiting.try_recv().ok() } else { None };
            }
            self.write(events, flushed);
            if ended {
                return;
            }
        }
    }

    fn write(&mut self, mut events: Vec<Event>, flushed: Vec<oneshot::Sender<()>>) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let message = format!("{dropped} events were not recorded: the disk did not take them in time");
            events.insert(0, event(None, "daemon", EventLevel::Warn, message));
        }
        if !events.is_empty() {
            let mut lines = Vec::new();
            for event in &events {
                // A tree of texts and numbers always has a text.
                lines.extend(serde_json::to_vec(event).unwrap_or_default());
                lines.push(b'\n');
            }
            match self.append(&lines) {
                Ok(()) => {
                    self.complained = false;
                    self.growing.send_modify(|times| *times += 1);
                }
                Err(error) => {
                    // The note about those that were dropped before is no event of its own.
                    let lost = u64::try_from(events.len()).unwrap_or(u64::MAX) - u64::from(dropped > 0);
                    self.dropped.fetch_add(lost + dropped, Ordering::Relaxed);
                    self.file = None;
                    self.complain(&error);
                }
            }
        }
        for done in flushed {
            // One who no longer waits needs not be told.
            let (Ok(()) | Err(())) = done.send(());
        }
    }

    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(EventFile::open(&self.path, FILE_MAX_BYTES)?),
        };
        file.append(lines)
    }

    fn complain(&mut self, error: &std::io::Error) {
        if !self.complained {
            self.complained = true;
            let path = self.path.display();
            crate::say::warn(&format!(
                "failed to write events to {path}: {error}; they are counted, and dropped"
            ));
        }
    }
}
