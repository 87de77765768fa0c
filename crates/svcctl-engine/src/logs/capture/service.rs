//! One service's log while it is captured: its journal, and what to do while it cannot be written.
//!
//! ```text
//! sound ── a call fails ──> blocked ── RETRY_EVERY later, writing works ──> sound (and what was dropped is told)
//! ```
//!
//! While blocked nothing is appended; output waits in the spools, and what does not fit there is counted as dropped.

use super::Io;
use crate::logs::files::reason;
use crate::logs::journal::{Batch, Finding, Journal};
use crate::logs::record::Origin;
use crate::logs::{Level, Note};
use std::io;
use std::time::{Duration, Instant};
use svcctl_core::ident::ServiceName;

/// How long after a failure writing is tried again, and how often dropped lines are told at most.
pub(crate) const RETRY_EVERY: Duration = Duration::from_secs(1);

/// A service with output to be recorded.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) name: ServiceName,
    /// Its log; `None` until it is needed, and while it cannot be opened.
    pub(crate) journal: Option<Journal>,
    /// What is wrong.
    pub(crate) trouble: Option<Trouble>,
    /// Its streams.
    pub(crate) tokens: Vec<u64>,
}

/// What is wrong with a service's log.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// When to try again.
    pub(crate) retry_at: Instant,
    /// Whether nothing can be appended.
    pub(crate) blocked: bool,
    /// Why, as a sentence fragment.
    reason: String,
    /// How many lines were dropped.
    lines: u64,
}

impl Service {
    pub(crate) fn new(name: ServiceName) -> Self {
        Self { name, journal: None, trouble: None, tokens: Vec::new() }
    }

    /// Whether nothing can be appended at present.
    pub(crate) fn is_blocked(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.blocked)
    }

    /// Opens the journal, unless it is open. False if that fails, and then the service is blocked.
    pub(crate) fn open(&mut self, io: &mut Io) -> bool {
        if self.journal.is_some() {
            return true;
        }
        match Journal::open(&io.files, &io.paths, &self.name, &io.boot) {
            Ok((journal, finding)) => {
                self.journal = Some(journal);
                match finding {
                    Finding::Sound => {}
                    Finding::CheckpointDamaged => {
                        let message = "the checkpoint of this log was damaged and is made anew; \
                                       lines that were being recorded may be there twice";
                        self.note(io, &own_note(&self.name, Level::Warn, message.to_owned()));
                    }
                }
                true
            }
            Err(error) => {
                self.block(&error);
                false
            }
        }
    }

    /// Appends a batch. False if it fails, and then the service is blocked.
    pub(crate) fn record(&mut self, io: &mut Io, batch: &Batch<'_>) -> bool {
        if self.is_blocked() || !self.open(io) {
            return false;
        }
        let Some(journal) = &mut self.journal else { return false };
        match journal.append(&io.files, batch) {
            Ok(()) => {
                io.hooks.watchers.tell(&self.name, || journal.length());
                true
            }
            Err(error) => {
                self.fail(io, &error);
                false
            }
        }
    }

    /// Appends a record of svcctl's own; one that cannot be appended counts as a dropped line.
    pub(crate) fn note(&mut self, io: &mut Io, note: &Note) {
        if self.is_blocked() || !self.open(io) {
            self.add_dropped(1);
            return;
        }
        if let Err(error) = self.append_note(io, note) {
            self.fail(io, &error);
            self.add_dropped(1);
        }
    }

    fn append_note(&mut self, io: &mut Io, note: &Note) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let origin =
            Origin { service: self.name.as_str(), index: note.index, dataset: "svcctl", pid: note.pid };
        io.output.clear();
        io.maker.begin(jiff::Timestamp::now(), origin);
        io.maker.note(&mut io.output, note.level.as_str(), &note.message, &note.fields);
        journal.note(&io.files, &io.output)?;
        io.hooks.watchers.tell(&self.name, || journal.length());
        Ok(())
    }

    /// Lines were dropped for this reason: to be told in the log.
    pub(crate) fn lost(&mut self, lines: u64, why: &io::Error) {
        if lines == 0 {
            return;
        }
        let trouble = self.trouble.get_or_insert_with(|| Trouble::new(why, false));
        trouble.lines += lines;
    }

    /// Lines were dropped because the service is blocked.
    pub(crate) fn add_dropped(&mut self, lines: u64) {
        if let Some(trouble) = &mut self.trouble {
            trouble.lines += lines;
        }
    }

    /// Tries to write again, and tells first what was dropped. False if it fails.
    pub(crate) fn recover(&mut self, io: &mut Io) -> bool {
        let Some(trouble) = self.trouble.take() else { return true };
        if !self.open(io) {
            self.add_dropped(trouble.lines);
            return false;
        }
        if trouble.lines == 0 {
            return true;
        }
        let Trouble { lines, reason, .. } = trouble;
        let plural = if lines == 1 { "line" } else { "lines" };
        let note = own_note(&self.name, Level::Warn, format!("dropped {lines} {plural}: {reason}"));
        if let Err(error) = self.append_note(io, &note) {
            self.fail(io, &error);
            self.add_dropped(lines);
            return false;
        }
        true
    }

    /// A call failed: the journal is opened anew at once, to know what is recorded, but not written for a while.
    fn fail(&mut self, io: &mut Io, error: &io::Error) {
        self.journal = None;
        self.block(error);
        if let Ok((journal, _)) = Journal::open(&io.files, &io.paths, &self.name, &io.boot) {
            self.journal = Some(journal);
        }
    }

    fn block(&mut self, error: &io::Error) {
        let fresh = Trouble::new(error, true);
        let lines = self.trouble.take().map_or(0, |trouble| trouble.lines);
        self.trouble = Some(Trouble { lines, ..fresh });
    }
}

impl Trouble {
    fn new(why: &io::Error, blocked: bool) -> Self {
        Self { retry_at: Instant::now() + RETRY_EVERY, blocked, reason: reason(why), lines: 0 }
    }
}

/// A note about the log itself.
pub(crate) fn own_note(service: &ServiceName, level: Level, message: String) -> Note {
    Note { service: service.clone(), index: 0, pid: None, level, message, fields: Vec::new() }
}
