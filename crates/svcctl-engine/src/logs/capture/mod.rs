//! Capture: what comes through pipes becomes records in the services' logs.
//!
//! Pipe → spool (by splice) → records → log → the spool's space is given back. Everything here runs on one thread and
//! waits for nothing: it is driven by [`Capture::turn`] when a pipe is ready, and by commands. A stalled disk stalls
//! this thread, and no other.

mod leftovers;
mod service;
mod step;
mod stream;

use super::echo::Echoer;
use super::expect::{Expectation, Expected};
use super::files::Files;
use super::journal::BATCH_MAX_BYTES;
use super::paths::{Paths, StreamKey};
use super::record::Maker;
use super::watch::Watchers;
use super::{Level, Note, OnSpool, OnStreamDone, StreamId};
use leftovers::Leftovers;
pub(crate) use service::RETRY_EVERY;
use service::{Service, own_note};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Instant;
use stream::{Filled, SPOOL_MAX_BYTES, Spool, Stream, TURN_MAX_BYTES};
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_os::stream::{self as os, Descriptor, Poller};

/// The most streams at their end that wait for a blocked log; of more, what they still had to say is dropped.
const ENDED_WAITING_MAX: usize = 16;

/// What the capture tells others.
pub(crate) struct Hooks {
    /// A spool was made (or found again) for this stream.
    pub(crate) on_spool: OnSpool,
    /// All of the stream is recorded, and its pipe is at its end.
    pub(crate) on_stream_done: OnStreamDone,
    /// Who waits for records.
    pub(crate) watchers: Watchers,
    /// Where lines are shown as they come.
    pub(crate) echo: Option<Echoer>,
}

/// What every step needs.
pub(crate) struct Io {
    pub(crate) files: Files,
    pub(crate) paths: Paths,
    pub(crate) boot: String,
    pub(crate) maker: Maker,
    pub(crate) input: Box<[u8]>,
    pub(crate) output: Vec<u8>,
    pub(crate) hooks: Hooks,
    pub(crate) expected: Expected,
}

/// All streams and logs.
pub(crate) struct Capture {
    io: Io,
    poller: Poller,
    services: BTreeMap<ServiceName, Service>,
    streams: BTreeMap<u64, Stream>,
    next_token: u64,
    leftovers: Leftovers,
    troubled: BTreeSet<ServiceName>,
}

impl Capture {
    /// Begins with no streams; finds the spools of earlier engines of this `boot`, and deletes those of other boots.
    ///
    /// # Errors
    /// The folder of spools cannot be made or read.
    pub(crate) fn new(
        files: Files,
        paths: Paths,
        boot: String,
        hooks: Hooks,
        poller: Poller,
    ) -> io::Result<Self> {
        let leftovers = Leftovers::find(&files, &paths, &boot)?;
        let input = vec![0; BATCH_MAX_BYTES].into_boxed_slice();
        let expected = Expected::default();
        let io =
            Io { files, paths, boot, maker: Maker::default(), input, output: Vec::new(), hooks, expected };
        let (services, streams, troubled) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Ok(Self { io, poller, services, streams, next_token: 0, leftovers, troubled })
    }

    /// Waits until streams are ready, a command came, or it is `until`.
    pub(crate) fn wait(&self, ready: &mut Vec<u64>, until: Option<Instant>) -> io::Result<()> {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        self.poller.wait(ready, timeout)
    }

    /// Captures the stream whose read end is `pipe`; one that is captured already stays as it is.
    pub(crate) fn attach(&mut self, id: &StreamId, pipe: Descriptor) {
        let key = StreamKey::of(id);
        let name = &id.slot.name;
        let known = |token: &u64| self.streams.get(token).is_some_and(|stream| stream.key == key);
        if self.services.get(name).is_some_and(|service| service.tokens.iter().any(known)) {
            return;
        }
        let watched = os::set_nonblocking(&pipe).and_then(|()| self.poller.add(&pipe, self.next_token));
        if let Err(error) = watched {
            let message = format!("output is not captured: {}", super::files::reason(&error));
            self.note(&own_note(name, Level::Error, message));
            return;
        }
        let found = self.leftovers.take(name, key);
        let stream = Stream::new(name.clone(), key, Some((id.pid, pipe)));
        let token = self.insert(stream);
        if found {
            // It is recorded in its turn, when all that is older is known.
            self.reopen_spool(token);
        }
    }

    /// Records what earlier engines left: what is in the spools, also in those whose streams are attached no more
    /// (nobody holds their pipes), and in the pipes; older processes before younger ones.
    pub(crate) fn adopted(&mut self) {
        for (service, key) in self.leftovers.take_all() {
            let token = self.insert(Stream::new(service, key, None));
            self.reopen_spool(token);
        }
        let names: Vec<ServiceName> = self.services.keys().cloned().collect();
        for token in names.iter().flat_map(|name| self.tokens(name)).collect::<Vec<_>>() {
            self.drain(token);
            self.drain_now(token);
        }
        for service in self.services.values_mut() {
            let keys: BTreeSet<_> =
                service.tokens.iter().filter_map(|token| Some(self.streams.get(token)?.key)).collect();
            if let Some(journal) = &mut service.journal {
                journal.retain(|key| keys.contains(&key));
            }
        }
    }

    fn insert(&mut self, stream: Stream) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.service(&stream.service.clone()).tokens.push(token);
        self.streams.insert(token, stream);
        token
    }

    fn service(&mut self, name: &ServiceName) -> &mut Service {
        self.services.entry(name.clone()).or_insert_with(|| Service::new(name.clone()))
    }

    /// A stream is ready: takes its share, and records it.
    pub(crate) fn turn(&mut self, token: u64) {
        self.fill(token, TURN_MAX_BYTES);
        self.drain(token);
    }

    /// Takes and records all that the stream's pipe holds now, and its end, if it is there.
    fn drain_now(&mut self, token: u64) {
        let Some(stream) = self.streams.get(&token) else { return };
        let pending = stream.pending();
        if pending == 0 && stream.spool.is_none() {
            return;
        }
        let mut moved = 0;
        while moved <= pending {
            let count = self.fill(token, TURN_MAX_BYTES);
            self.drain(token);
            if count == 0 {
                break;
            }
            moved += count;
        }
    }

    /// The process's main program ended: its last words are recorded before what follows.
    pub(crate) fn process_ended(&mut self, slot: &SlotKey, generation: Generation) {
        for token in self.tokens(&slot.name) {
            // What an earlier process said may still be in its pipe, if an engine died before it took it.
            let so_far =
                |stream: &Stream| stream.key.index == slot.index && stream.key.generation <= generation.0;
            if self.streams.get(&token).is_some_and(so_far) {
                self.drain_now(token);
            }
        }
    }

    /// Records all that is in the pipes of this service, or of all.
    pub(crate) fn flush(&mut self, name: Option<&ServiceName>) {
        let tokens = match name {
            Some(name) => self.tokens(name),
            None => self.streams.keys().copied().collect(),
        };
        for token in tokens {
            self.drain_now(token);
        }
    }

    /// The streams of a service, those of older processes first.
    fn tokens(&self, name: &ServiceName) -> Vec<u64> {
        let mut tokens = self.services.get(name).map_or_else(Vec::new, |service| service.tokens.clone());
        tokens.sort_by_key(|token| self.streams.get(token).map(|stream| stream.key));
        tokens
    }

    /// Appends a record of svcctl's own.
    pub(crate) fn note(&mut self, note: &Note) {
        let service =
            self.services.entry(note.service.clone()).or_insert_with(|| Service::new(note.service.clone()));
        service.note(&mut self.io, note);
        if let Some(echo) = &self.io.hooks.echo {
            echo.note(note);
        }
        self.mark(&note.service);
    }

    /// Looks out for a line.
    pub(crate) fn look_for(&mut self, expectation: Expectation) {
        self.io.expected.add(expectation);
    }

    /// Lets go of a service: its streams are closed, checkpoint and spools deleted; the log stays.
    pub(crate) fn forget(&mut self, name: &ServiceName) {
        self.flush(Some(name));
        for token in self.tokens(name) {
            self.close_pipe(token);
            self.end(token);
        }
        for key in self.leftovers.take_of(name) {
            let _ = self.io.files.remove(&self.io.paths.spool(name, key));
        }
        self.services.remove(name);
        self.troubled.remove(name);
        let _ = self.io.files.remove(&self.io.paths.checkpoint(name));
        self.io.hooks.watchers.forget(name);
    }

    /// Whether a stream is captured.
    pub(crate) fn has_streams(&self) -> bool {
        self.streams.values().any(|stream| !stream.ended())
    }

    /// When [`Capture::retry`] is due.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        let troubles = self.troubled.iter().filter_map(|name| self.services.get(name)?.trouble.as_ref());
        troubles.map(|trouble| trouble.retry_at).min()
    }

    /// Tries again what could not be written, where it is time.
    pub(crate) fn retry(&mut self, now: Instant) {
        let due = |name: &&ServiceName| {
            let trouble = self.services.get(*name).and_then(|service| service.trouble.as_ref());
            trouble.is_none_or(|trouble| trouble.retry_at <= now)
        };
        let names: Vec<ServiceName> = self.troubled.iter().filter(due).cloned().collect();
        for name in names {
            self.troubled.remove(&name);
            let recovered = self.services.get_mut(&name).is_some_and(|service| service.recover(&mut self.io));
            if recovered {
                self.resync(&name);
                for token in self.tokens(&name) {
                    self.drain(token);
                }
            }
            self.mark(&name);
        }
    }

    /// Remembers whether the service is in trouble.
    fn mark(&mut self, name: &ServiceName) {
        if self.services.get(name).is_some_and(|service| service.trouble.is_some()) {
            self.troubled.insert(name.clone());
        }
    }
}

#[cfg(test)]
mod tests;
