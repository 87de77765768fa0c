//! A service's log file and its checkpoint: records are appended so that each source line is recorded once, at
//! whatever instruction the engine is killed.
//!
//! Before a batch is appended, the checkpoint says where it begins in the log, and which bytes of which spool it is
//! made from ([`Intent`]). What one piece of source becomes is always the same number of records (one), so that after
//! a kill the complete lines behind that position tell how much of the batch is recorded; a torn last line is cut.
//! Notes (svcctl's own records) need no intent: they follow a complete batch, and a torn one is cut.
//!
//! After any failed call a journal is not used again but opened anew: that recovers from a full disk just as from a kill.

use super::checkpoint::{Checkpoint, Found, Intent, State};
use super::files::{Files, read_full_at};
use super::paths::{Paths, StreamKey};
use super::record::split;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use svcctl_core::ident::ServiceName;

/// How much is read at once while looking for line ends.
const BLOCK_BYTES: usize = 64 * 1024;
/// The most source bytes that a batch can have; an intent with more is damage.
pub(crate) const BATCH_MAX_BYTES: usize = 128 * 1024;

/// An open log.
#[derive(Debug)]
pub(crate) struct Journal {
    log: File,
    checkpoint_path: PathBuf,
    /// Made with the first batch: a service that writes nothing has notes alone, and needs none.
    checkpoint: Option<Checkpoint>,
    state: State,
}

/// What was found wrong, and repaired, while a journal was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// All is well.
    Sound,
    /// Neither slot of the checkpoint could be read.
    CheckpointDamaged,
}

/// A batch that is to be recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    /// From which stream.
    pub(crate) key: StreamKey,
    /// Where its source begins in the spool.
    pub(crate) from: u64,
    /// Where it ends.
    pub(crate) to: u64,
    /// How many records it is.
    pub(crate) records: u64,
    /// The records.
    pub(crate) bytes: &'a [u8],
}

impl Journal {
    /// Opens the log of `service`, makes it where there is none, and recovers it.
    pub(crate) fn open(
        files: &Files,
        paths: &Paths,
        service: &ServiceName,
        boot: &str,
    ) -> io::Result<(Self, Finding)> {
        let log = files.open_log(&paths.log(service))?;
        let end = cut_torn_tail(files, &log)?;
        let checkpoint_path = paths.checkpoint(service);
        let (checkpoint, found) = open_checkpoint(files, &checkpoint_path)?;
        let finding = if found == Found::Damage { Finding::CheckpointDamaged } else { Finding::Sound };
        let mut state = match found {
            Found::State(state) => state,
            Found::Nothing | Found::Damage => State { boot: boot.to_owned(), ..State::default() },
        };
        if state.boot != boot {
            // Another boot's spools are gone, so nothing of its checkpoint means anything.
            state = State { sequence: state.sequence, boot: boot.to_owned(), ..State::default() };
        }
        if let Some(intent) = state.intent.take() {
            let spool = paths.spool(service, intent.key);
            let offset = recorded_until(&log, end, intent, || files.open_existing(&spool))?;
            set(&mut state.streams, intent.key, offset);
        }
        let mut journal = Self { log, checkpoint_path, checkpoint, state };
        if journal.checkpoint.is_some() {
            // Twice, so that neither slot holds damage, and both have their place on the disk.
            journal.settle(files)?;
            journal.settle(files)?;
        }
        Ok((journal, finding))
    }

    /// How far the stream is recorded; 0 for one that is not known.
    pub(crate) fn offset(&self, key: StreamKey) -> u64 {
        self.state.streams.iter().find(|(known, _)| *known == key).map_or(0, |(_, offset)| *offset)
    }

    /// Takes note that the stream needs nothing more before `offset`. Durable with the next write.
    pub(crate) fn set_offset(&mut self, key: StreamKey, offset: u64) {
        set(&mut self.state.streams, key, offset);
    }

    /// Forgets the streams that `keep` does not name. Durable with the next write.
    pub(crate) fn retain(&mut self, keep: impl Fn(StreamKey) -> bool) {
        self.state.streams.retain(|(key, _)| keep(*key));
    }

    /// Writes the checkpoint without an intent.
    pub(crate) fn settle(&mut self, files: &Files) -> io::Result<()> {
        self.state.intent = None;
        self.write_checkpoint(files)
    }

    /// Appends a batch. After an error the journal must be opened anew.
    pub(crate) fn append(&mut self, files: &Files, batch: &Batch<'_>) -> io::Result<()> {
        let Batch { key, from, to, records, bytes } = *batch;
        // Asked each time, because somebody else may have emptied the file (logrotate's copytruncate).
        let position = self.log.metadata()?.len();
        set(&mut self.state.streams, key, from);
        self.state.intent = Some(Intent { key, from, to, position, records });
        self.write_checkpoint(files)?;
        files.append(&self.log, bytes)?;
        set(&mut self.state.streams, key, to);
        Ok(())
    }

    /// Appends a note. After an error the journal must be opened anew.
    pub(crate) fn note(&mut self, files: &Files, bytes: &[u8]) -> io::Result<()> {
        files.append(&self.log, bytes)
    }

    /// Where the log ends.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.log.metadata()?.len())
    }

    fn write_checkpoint(&mut self, files: &Files) -> io::Result<()> {
        if self.checkpoint.is_none() {
            // The first slot, without an intent; the second follows, so that no batch begins with one slot empty.
            let (mut checkpoint, _) = Checkpoint::open(files.open_private(&self.checkpoint_path)?)?;
            let intent = self.state.intent.take();
            checkpoint.write(files, &self.state)?;
            self.state.intent = intent;
            self.checkpoint = Some(checkpoint);
        }
        self.state.sequence += 1;
        let Some(checkpoint) = &mut self.checkpoint else { return Ok(()) };
        checkpoint.write(files, &self.state)
    }
}

/// Opens the checkpoint, if there is one with something in it.
fn open_checkpoint(files: &Files, path: &Path) -> io::Result<(Option<Checkpoint>, Found)> {
    let Some(file) = files.open_existing_private(path)? else { return Ok((None, Found::Nothing)) };
    let (checkpoint, found) = Checkpoint::open(file)?;
    if found == Found::Nothing {
        // Its first slot may be torn; were the second torn too, that would look like damage.
        files.remove(path)?;
        return Ok((None, Found::Nothing));
    }
    Ok((Some(checkpoint), found))
}

fn set(streams: &mut Vec<(StreamKey, u64)>, key: StreamKey, offset: u64) {
    match streams.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = offset,
        None => streams.push((key, offset)),
    }
}

/// Cuts what follows the last newline. Gives where the log ends then.
fn cut_torn_tail(files: &Files, log: &File) -> io::Result<u64> {
    let length = log.metadata()?.len();
    let mut block = vec![0; BLOCK_BYTES];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK_BYTES as u64);
        let count = read_full_at(log, &mut block[..usize_of(end - start)?], start)?;
        if let Some(at) = memchr::memrchr(b'\n', &block[..count]) {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        files.truncate(log, end)?;
    }
    Ok(end)
}

/// Up to where the source of `intent` is recorded in the log, which ends at `end`.
fn recorded_until(
    log: &File,
    end: u64,
    intent: Intent,
    spool: impl FnOnce() -> io::Result<Option<File>>,
) -> io::Result<u64> {
    if end < intent.position {
        // Somebody else emptied the log after the batch; that it was killed at the same time is far less likely.
        return Ok(intent.to);
    }
    let recorded = count_lines(log, intent.position, end, intent.records)?;
    if recorded >= intent.records {
        return Ok(intent.to);
    }
    let length = usize_of(intent.to.saturating_sub(intent.from))?;
    let Some(spool) = spool()?.filter(|_| length <= BATCH_MAX_BYTES) else {
        return Ok(intent.from);
    };
    let mut source = vec![0; length];
    let count = read_full_at(&spool, &mut source, intent.from)?;
    Ok(intent.from + split::advance(&source[..count], recorded) as u64)
}

/// How many lines there are between two positions, but at most `enough`.
fn count_lines(log: &File, from: u64, to: u64, enough: u64) -> io::Result<u64> {
    let mut block = vec![0; BLOCK_BYTES];
    let mut lines = 0;
    let mut at = from;
    while at < to && lines < enough {
        let want = usize_of((to - at).min(BLOCK_BYTES as u64))?;
        let count = read_full_at(log, &mut block[..want], at)?;
        if count == 0 {
            break;
        }
        lines += memchr::memchr_iter(b'\n', &block[..count]).count() as u64;
        at += count as u64;
    }
    Ok(lines.min(enough))
}

fn usize_of(length: u64) -> io::Result<usize> {
    usize::try_from(length).map_err(io::Error::other)
}
