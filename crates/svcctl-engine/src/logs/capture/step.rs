//! The steps that a stream goes through: filling its spool, draining it into the log, dropping, ending.

use super::{
    Capture, ENDED_WAITING_MAX, Filled, Io, SPOOL_MAX_BYTES, Service, Spool, Stream, TURN_MAX_BYTES,
};
use crate::logs::journal::Batch;
use crate::logs::record::{Origin, split};
use std::io;
use svcctl_core::ident::ServiceName;
use svcctl_keeper::protocol::Stream as Which;

/// A batch ends when its records have this many bytes.
const OUTPUT_BYTES: usize = 512 * 1024;

/// What recording one batch gave.
enum Step {
    /// It is recorded; there may be more.
    Recorded,
    /// What waits is the beginning of a line.
    Incomplete,
    /// The log could not be written.
    Blocked,
    /// The spool could not be read.
    Unreadable(io::Error),
}

impl Capture {
    /// Takes at most `max` bytes out of the stream's pipe. Gives how many came.
    pub(super) fn fill(&mut self, token: u64, max: u64) -> u64 {
        let max = max.min(TURN_MAX_BYTES);
        match self.try_fill(token, max) {
            Ok(Filled::Moved(count)) => count,
            Ok(Filled::Empty | Filled::Full) => 0,
            Ok(Filled::Ended) => {
                self.close_pipe(token);
                0
            }
            Err(_) => self.fill_again(token, max),
        }
    }

    /// After a failure: recording what waits may have made room. If not, what the pipe holds is dropped, because the
    /// program must not wait for a disk.
    fn fill_again(&mut self, token: u64, max: u64) -> u64 {
        self.drain(token);
        match self.try_fill(token, max) {
            Ok(Filled::Moved(count)) => count,
            Ok(Filled::Empty | Filled::Full) => 0,
            Ok(Filled::Ended) => {
                self.close_pipe(token);
                0
            }
            Err(error) => {
                self.drop_all(token, &error);
                0
            }
        }
    }

    fn try_fill(&mut self, token: u64, max: u64) -> io::Result<Filled> {
        let Some(stream) = self.streams.get_mut(&token) else { return Ok(Filled::Empty) };
        if stream.ended() {
            return Ok(Filled::Empty);
        }
        if stream.spool.is_none() {
            open_spool(&self.io, stream)?;
        }
        stream.fill(&self.io.files, max)
    }

    /// Opens the spool that an earlier engine left, and finds out how far it is recorded.
    pub(super) fn reopen_spool(&mut self, token: u64) {
        let Some(stream) = self.streams.get_mut(&token) else { return };
        let name = stream.service.clone();
        if let Err(error) = open_spool(&self.io, stream) {
            self.lose(token, 0, &error);
            return;
        }
        if let Some(spool) = &stream.spool {
            stream.consumed = svcctl_os::stream::first_data(&spool.file).unwrap_or(0);
        }
        if let Some(service) = self.services.get_mut(&name) {
            service.open(&mut self.io);
        }
        self.resync(&name);
        self.mark(&name);
    }

    /// After the service's log was opened: what it has is consumed.
    pub(super) fn resync(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let Some(journal) = &service.journal else { return };
        for token in &service.tokens {
            if let Some(stream) = self.streams.get_mut(token) {
                let recorded = journal.offset(stream.key);
                let size = stream.spool.as_ref().map_or(0, |spool| spool.size);
                if recorded <= size {
                    stream.consumed = stream.consumed.max(recorded);
                }
            }
        }
    }

    /// Records all whole lines that wait, and lets the stream go if it is at its end.
    pub(super) fn drain(&mut self, token: u64) {
        let Some(stream) = self.streams.get_mut(&token) else { return };
        let name = stream.service.clone();
        let Some(service) = self.services.get_mut(&name) else { return };
        while stream.waiting() > 0 && !service.is_blocked() {
            match step(&mut self.io, service, stream) {
                Step::Recorded => stream.give_back(&self.io.files),
                Step::Incomplete => break,
                Step::Blocked => {
                    self.resync(&name);
                    break;
                }
                Step::Unreadable(error) => {
                    let lines = stream.drop_waiting(&mut self.io.input);
                    service.lost(lines.max(1), &error);
                    break;
                }
            }
        }
        self.mark(&name);
        self.drop_what_is_too_much(token);
        if self.streams.get(&token).is_some_and(|stream| stream.ended() && stream.waiting() == 0) {
            self.end(token);
        }
    }

    /// While the log cannot be written, spools have their limit, and so have streams at their end.
    fn drop_what_is_too_much(&mut self, token: u64) {
        let Some(stream) = self.streams.get(&token) else { return };
        let Some(service) = self.services.get(&stream.service) else { return };
        if !service.is_blocked() {
            return;
        }
        let ended = |token: &&u64| self.streams.get(*token).is_some_and(Stream::ended);
        let too_many = stream.ended() && service.tokens.iter().filter(ended).count() > ENDED_WAITING_MAX;
        if too_many || stream.waiting() >= SPOOL_MAX_BYTES {
            self.drop_waiting(token);
        }
    }

    /// Drops what waits in the spool; the reason is what blocks the log.
    fn drop_waiting(&mut self, token: u64) {
        let Some(stream) = self.streams.get_mut(&token) else { return };
        let Some(service) = self.services.get_mut(&stream.service) else { return };
        let lines = stream.drop_waiting(&mut self.io.input);
        stream.give_back(&self.io.files);
        service.add_dropped(lines);
        if let Some(journal) = &mut service.journal {
            journal.set_offset(stream.key, stream.consumed);
            // If this fails, a kill now would bring the dropped bytes back as zeros; the next write mends it.
            let _ = journal.settle(&self.io.files);
        }
    }

    /// Drops what waits and what the pipe holds, for this reason.
    fn drop_all(&mut self, token: u64, error: &io::Error) {
        let Some(stream) = self.streams.get_mut(&token) else { return };
        let waiting = stream.drop_waiting(&mut self.io.input);
        let pending = stream.drop_pending(&self.io.files, &mut self.io.input);
        self.lose(token, waiting + pending.lines, error);
        if pending.ended {
            self.close_pipe(token);
        }
    }

    fn lose(&mut self, token: u64, lines: u64, error: &io::Error) {
        let Some(stream) = self.streams.get(&token) else { return };
        let name = stream.service.clone();
        if let Some(service) = self.services.get_mut(&name) {
            service.lost(lines, error);
        }
        self.mark(&name);
    }

    /// The pipe is at its end: nothing is waited for any more.
    pub(super) fn close_pipe(&mut self, token: u64) {
        let Some(stream) = self.streams.get_mut(&token) else { return };
        if let Some(pipe) = stream.pipe.take() {
            // The keeper has a duplicate, so that closing alone would leave it in the poller.
            let _ = self.poller.remove(&pipe);
        }
    }

    /// All of the stream is recorded: its spool goes, and the keeper may close its duplicate.
    pub(super) fn end(&mut self, token: u64) {
        let Some(stream) = self.streams.remove(&token) else { return };
        if let Some(service) = self.services.get_mut(&stream.service) {
            service.tokens.retain(|known| *known != token);
            if let Some(journal) = &mut service.journal {
                journal.retain(|key| key != stream.key);
            }
        }
        if let Some(spool) = &stream.spool {
            // A spool that cannot be deleted is found by the next engine.
            let _ = self.io.files.remove(&spool.path);
        }
        if stream.held {
            let id = stream.key.id(&stream.service, stream.pid.unwrap_or(0));
            (self.io.hooks.on_stream_done)(&id);
        }
    }
}

/// Opens or makes the stream's spool, and shows it to the keeper.
fn open_spool(io: &Io, stream: &mut Stream) -> io::Result<()> {
    let spool = Spool::open(&io.files, io.paths.spool(&stream.service, stream.key))?;
    if stream.held {
        let id = stream.key.id(&stream.service, stream.pid.unwrap_or(0));
        (io.hooks.on_spool)(&id, &spool.file);
    }
    stream.spool = Some(spool);
    Ok(())
}

/// Makes one batch out of what waits, and appends it.
fn step(io: &mut Io, service: &mut Service, stream: &mut Stream) -> Step {
    let read = stream.skip_rest(&mut io.input).and_then(|()| stream.read(&mut io.input));
    let count = match read {
        Ok(count) => count,
        Err(error) => return Step::Unreadable(error),
    };
    let last = stream.ended() && count as u64 == stream.waiting();
    let (taken, records) = make_records(io, stream, count, last);
    if records == 0 {
        return Step::Incomplete;
    }
    let output = std::mem::take(&mut io.output);
    let from = stream.consumed;
    let to = from + taken as u64;
    let recorded = service.record(io, &Batch { key: stream.key, from, to, records, bytes: &output });
    io.output = output;
    if !recorded {
        return Step::Blocked;
    }
    stream.consumed = to;
    if let Some(echo) = &io.hooks.echo {
        echo.output(stream.key.stream, &io.input[..taken]);
    }
    Step::Recorded
}

/// Makes records of the first `count` bytes of input. Gives how many bytes they took, and how many they are.
fn make_records(io: &mut Io, stream: &Stream, count: usize, last: bool) -> (usize, u64) {
    let dataset = match stream.key.stream {
        Which::Stdout => "stdout",
        Which::Stderr => "stderr",
    };
    let origin =
        Origin { service: stream.service.as_str(), index: stream.key.index, dataset, pid: stream.pid };
    io.maker.begin(jiff::Timestamp::now(), origin);
    io.output.clear();
    let input = &io.input[..count];
    let awaited = !io.expected.is_empty();
    let (mut taken, mut records) = (0, 0);
    while io.output.len() < OUTPUT_BYTES {
        let Some(piece) = split::next_piece(&input[taken..], last) else { break };
        let content = &input[taken..taken + piece.content];
        io.maker.line(&mut io.output, content, piece.partial);
        if awaited {
            io.expected.see(&stream.service, stream.key.index, stream.key.generation, content);
        }
        taken += piece.taken;
        records += 1;
    }
    (taken, records)
}
