//! All programs that are run for services, and what becomes of each.

use super::lines::{Lines, as_reason};
use super::{Command, Keeper, LeftOver, Output, Run, RunId, SAID};
use crate::logs::{Level, Note};
use crate::prepare::{Preparer, Wanted};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use svcctl_core::ident::Generation;
use svcctl_core::spec::duration;
use svcctl_core::supervisor::event::HookResult;
use svcctl_keeper::client::LinkError;
use svcctl_keeper::protocol::{Image, Notice, Request, Status, Stream};
use svcctl_os::descriptor::Descriptor;
use svcctl_os::stream::{self, Poller};
use svcctl_os::{clock, signal};

/// The most runs of one key that wait for the one before them.
const WAITING_MAX: usize = 4;
/// How much is read of one pipe before others have their turn.
const TURN_BYTES: usize = 64 * 1024;
/// The most lines of one run that are recorded.
const LINES_MAX: u64 = 10_000;

/// Begins to read the files that a run needs.
type Prepare = Box<dyn Fn(RunId, &str, Wanted) + Send>;
/// Takes a record for a service's log.
type TakeNote = Box<dyn Fn(Note) + Send>;

/// The table.
pub(super) struct Table {
    keeper: Box<dyn Keeper>,
    poller: Poller,
    prepare: Prepare,
    note: TakeNote,
    places: BTreeMap<String, Place>,
    /// Whose pipe a token means.
    tokens: BTreeMap<u64, String>,
    last_token: u64,
    last_generation: Generation,
    buffer: Vec<u8>,
}

/// One slot of the keeper's, from the first word about it to its release.
struct Place {
    generation: u64,
    stage: Stage,
    /// What it is run for; `None` once that has been told, or nobody wants to know.
    run: Option<Active>,
    pipes: Vec<Pipe>,
    pid: Option<u32>,
    status: Option<Status>,
    last_line: Option<String>,
    /// What is to be run next in this place.
    waiting: VecDeque<(RunId, Run, Instant)>,
}

/// A run under way.
struct Active {
    id: RunId,
    deadline: Instant,
    timeout: Duration,
    timed_out: bool,
    lines: u64,
    output: Output,
    done: Box<dyn FnOnce(HookResult) + Send>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its files are being read; the keeper knows nothing of it.
    Preparing,
    /// The keeper has been asked for it, and has it or will say why not.
    Made,
    /// Its tree is being killed.
    Killing,
}

struct Pipe {
    token: u64,
    stream: Stream,
    descriptor: Descriptor,
    lines: Lines,
}

impl Table {
    pub(super) fn new(keeper: Box<dyn Keeper>, poller: Poller, prepare: Prepare, note: TakeNote) -> Self {
        Self {
            keeper,
            poller,
            prepare,
            note,
            places: BTreeMap::new(),
            tokens: BTreeMap::new(),
            last_token: 0,
            last_generation: Generation(0),
            buffer: vec![0; TURN_BYTES],
        }
    }

    /// Waits for output, a command, or the end of `timeout`.
    pub(super) fn wait(&self, ready: &mut Vec<u64>, timeout: Option<Duration>) -> std::io::Result<()> {
        self.poller.wait(ready, timeout)
    }

    /// When the next run's time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let active = |place: &Place| place.run.as_ref().filter(|run| !run.timed_out).map(|run| run.deadline);
        let all = self.places.values().flat_map(|place| {
            active(place).into_iter().chain(place.waiting.iter().map(|(_, _, deadline)| *deadline))
        });
        all.min()
    }

    pub(super) fn take(&mut self, command: Command, now: Instant) {
        match command {
            Command::Run(id, run) => self.run(id, run, now),
            Command::Cancel(id) => self.cancel(id),
            Command::Prepared(id, image) => self.prepared(id, image),
            Command::Notice(notice, descriptors) => self.notice(notice, descriptors),
            Command::LeftOver(left_over) => self.left_over(left_over),
            Command::KillAll => self.kill_all(),
        }
    }

    fn run(&mut self, id: RunId, run: Run, now: Instant) {
        let deadline = now + run.timeout;
        match self.places.get_mut(&run.key) {
            Some(place) if place.waiting.len() < WAITING_MAX => place.waiting.push_back((id, run, deadline)),
            Some(_) => {
                (run.done)(HookResult::Failed("too many earlier runs of it have not ended".to_owned()));
            }
            None => self.begin(id, run, deadline, VecDeque::new()),
        }
    }

    fn begin(&mut self, id: RunId, run: Run, deadline: Instant, waiting: VecDeque<(RunId, Run, Instant)>) {
        let Run { key, wanted, timeout, output, done } = run;
        self.last_generation = self.last_generation.next(clock::now().mono);
        let active = Active { id, deadline, timeout, timed_out: false, lines: 0, output, done };
        let place = Place {
            generation: self.last_generation.0,
            stage: Stage::Preparing,
            run: Some(active),
            pipes: Vec::new(),
            pid: None,
            status: None,
            last_line: None,
            waiting,
        };
        self.places.insert(key.clone(), place);
        match Preparer::now(&wanted) {
            Some(image) => self.make(&key, image),
            None => (self.prepare)(id, &key, wanted),
        }
    }

    /// The files of a run have been read.
    fn prepared(&mut self, id: RunId, image: Result<Image, String>) {
        let is_it = |place: &Place| place.stage == Stage::Preparing && place.id() == Some(id);
        let key = self.places.iter().find(|(_, place)| is_it(place)).map(|(key, _)| key.clone());
        // One that was cancelled, or whose time is over, has left its place.
        if let Some(key) = key {
            self.make(&key, image);
        }
    }

    fn make(&mut self, key: &str, image: Result<Image, String>) {
        let Some(place) = self.places.get_mut(key) else { return };
        let asked = match image {
            Ok(image) => match self.keeper.spawn(key, place.generation, image) {
                // Without a keeper the engine ends.
                Ok(()) | Err(LinkError::Gone) => Ok(()),
                Err(error) => Err(format!("the keeper could not be asked: {error}")),
            },
            Err(why) => Err(why),
        };
        match asked {
            Ok(()) => place.stage = Stage::Made,
            Err(why) => {
                place.tell(HookResult::Failed(why));
                self.leave(key);
            }
        }
    }

    /// The place is free: the next run takes it.
    fn leave(&mut self, key: &str) {
        let Some(place) = self.places.remove(key) else { return };
        let mut waiting = place.waiting;
        if let Some((id, run, deadline)) = waiting.pop_front() {
            self.begin(id, run, deadline, waiting);
        }
    }

    fn cancel(&mut self, id: RunId) {
        for place in self.places.values_mut() {
            place.waiting.retain(|(waiting, _, _)| *waiting != id);
        }
        let found = self.places.iter().find(|(_, place)| place.id() == Some(id)).map(|(key, _)| key.clone());
        if let Some(key) = found {
            if let Some(place) = self.places.get_mut(&key) {
                place.run = None;
            }
            self.stop(&key);
        }
    }

    fn kill_all(&mut self) {
        for place in self.places.values_mut() {
            place.run = None;
            place.waiting.clear();
        }
        let keys: Vec<String> = self.places.keys().cloned().collect();
        for key in keys {
            self.stop(&key);
        }
    }

    /// Ends what is in a place.
    fn stop(&mut self, key: &str) {
        let Some(place) = self.places.get_mut(key) else { return };
        match place.stage {
            Stage::Preparing => self.leave(key),
            Stage::Made => {
                place.stage = Stage::Killing;
                let generation = place.generation;
                self.send(&Request::KillTree { slot: key.to_owned(), generation, state: Vec::new() });
            }
            Stage::Killing => {}
        }
    }

    /// Ends what has taken too long.
    pub(super) fn time_out(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let keys: Vec<String> = self.places.keys().cloned().collect();
        for key in keys {
            let Some(place) = self.places.get_mut(&key) else { continue };
            while let Some(at) = place.waiting.iter().position(|(_, _, deadline)| *deadline <= now) {
                if let Some((_, run, _)) = place.waiting.remove(at) {
                    (run.done)(HookResult::Failed("an earlier run of it has not ended".to_owned()));
                }
            }
            let Some(run) = place.run.as_mut().filter(|run| run.deadline <= now && !run.timed_out) else {
                continue;
            };
            run.timed_out = true;
            if place.stage == Stage::Preparing {
                let why = format!("its files could not be read within {}", duration::for_people(run.timeout));
                place.tell(HookResult::Failed(why));
            }
            self.stop(&key);
        }
    }

    fn notice(&mut self, notice: Notice, descriptors: Vec<Descriptor>) {
        match notice {
            Notice::Spawned { slot, generation, pid, .. } => {
                self.spawned(&slot, generation, pid, descriptors);
            }
            Notice::SpawnFailed { slot, generation, message } => {
                if let Some(place) = self.place(&slot, generation) {
                    place.tell(HookResult::Failed(message));
                    self.send(&Request::Release { slot: slot.clone() });
                    self.leave(&slot);
                }
            }
            Notice::Exited { slot, generation, status, tree_empty } => {
                let Some(place) = self.place(&slot, generation) else {
                    return self.send(&Request::Acknowledge { slot, generation });
                };
                place.status = Some(status);
                if tree_empty {
                    self.over(&slot);
                } else {
                    self.stop(&slot);
                }
            }
            Notice::TreeEmpty { slot, generation } => {
                if self.place(&slot, generation).is_some() {
                    self.over(&slot);
                }
            }
            Notice::TreeStuck { slot, generation, pids } => {
                if let Some(place) = self.place(&slot, generation) {
                    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
                    let why = format!("processes of it ({}) cannot be ended", pids.join(", "));
                    place.tell(HookResult::Failed(why));
                }
            }
            Notice::Welcome { .. }
            | Notice::Held(_)
            | Notice::HeldStream { .. }
            | Notice::HeldEnd
            | Notice::Shutdown => {}
        }
    }

    fn place(&mut self, key: &str, generation: u64) -> Option<&mut Place> {
        self.places.get_mut(key).filter(|place| place.generation == generation)
    }

    fn spawned(&mut self, key: &str, generation: u64, pid: u32, descriptors: Vec<Descriptor>) {
        let streams = [Stream::Stdout, Stream::Stderr].into_iter().zip(descriptors);
        for (stream, descriptor) in streams {
            let token = self.last_token + 1;
            let watched =
                stream::set_nonblocking(&descriptor).and_then(|()| self.poller.add(&descriptor, token));
            let place = self.places.get_mut(key);
            match place.filter(|place| place.generation == generation && place.run.is_some()) {
                Some(place) if watched.is_ok() => {
                    self.last_token = token;
                    self.tokens.insert(token, key.to_owned());
                    place.pipes.push(Pipe { token, stream, descriptor, lines: Lines::default() });
                }
                Some(_) | None => {
                    // Nobody wants to know what it writes, or nobody can.
                    let _ = self.poller.remove(&descriptor);
                    self.send(&Request::StreamDone { slot: key.to_owned(), generation, stream });
                }
            }
        }
        if let Some(place) = self.place(key, generation) {
            place.pid = Some(pid);
        }
    }

    /// A pipe has something, or is at its end.
    pub(super) fn read(&mut self, token: u64) {
        let Some(key) = self.tokens.get(&token).cloned() else { return };
        if !self.read_some(&key, token) {
            self.close(&key, token);
        }
    }

    /// Reads once; whether there may be more some time.
    fn read_some(&mut self, key: &str, token: u64) -> bool {
        let Some(place) = self.places.get_mut(key) else { return false };
        let Place { pipes, run, pid, last_line, .. } = place;
        let Some(pipe) = pipes.iter_mut().find(|pipe| pipe.token == token) else { return false };
        let mut seen = |line: &[u8]| {
            if let Some(reason) = as_reason(line) {
                *last_line = Some(reason);
            }
            if let Some(note) = run.as_mut().and_then(|run| run.note(line, *pid)) {
                (self.note)(note);
            }
        };
        match stream::read_pipe(&pipe.descriptor, &mut self.buffer) {
            Ok(0) => {
                pipe.lines.end(&mut seen);
                false
            }
            Ok(count) => {
                pipe.lines.take(&self.buffer[..count], &mut seen);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
            Err(_) => false,
        }
    }

    /// Nothing more is read of a pipe.
    fn close(&mut self, key: &str, token: u64) {
        self.tokens.remove(&token);
        let Some(place) = self.places.get_mut(key) else { return };
        let Some(at) = place.pipes.iter().position(|pipe| pipe.token == token) else { return };
        let pipe = place.pipes.remove(at);
        let generation = place.generation;
        // The keeper has a duplicate, so that closing alone would leave it in the poller.
        let _ = self.poller.remove(&pipe.descriptor);
        self.send(&Request::StreamDone { slot: key.to_owned(), generation, stream: pipe.stream });
    }

    /// Nothing of it is left: what it still had to say is read, its end is told, and the slot is let go.
    fn over(&mut self, key: &str) {
        let Some(place) = self.places.get(key) else { return };
        let (generation, tokens) =
            (place.generation, place.pipes.iter().map(|pipe| pipe.token).collect::<Vec<_>>());
        for token in tokens {
            self.read_last(key, token);
            self.close(key, token);
        }
        self.send(&Request::Acknowledge { slot: key.to_owned(), generation });
        self.send(&Request::Release { slot: key.to_owned() });
        if let Some(place) = self.places.get_mut(key) {
            place.tell(place.result());
        }
        self.leave(key);
    }

    /// Reads what is in a pipe that nobody writes to any more; should somebody, what it holds now.
    fn read_last(&mut self, key: &str, token: u64) {
        let pending = |table: &Self| {
            let place = table.places.get(key)?;
            let pipe = place.pipes.iter().find(|pipe| pipe.token == token)?;
            stream::pending(&pipe.descriptor).ok()
        };
        let mut left = pending(self).unwrap_or(0);
        while left > 0 && self.read_some(key, token) {
            left = left.saturating_sub(TURN_BYTES as u64);
        }
        // A line without an end.
        let Some(Place { pipes, run, pid, last_line, .. }) = self.places.get_mut(key) else { return };
        let Some(pipe) = pipes.iter_mut().find(|pipe| pipe.token == token) else { return };
        pipe.lines.end(|line| {
            if let Some(reason) = as_reason(line) {
                *last_line = Some(reason);
            }
            if let Some(note) = run.as_mut().and_then(|run| run.note(line, *pid)) {
                (self.note)(note);
            }
        });
    }

    /// An earlier engine's program is ended; its place is taken until then.
    fn left_over(&mut self, left_over: LeftOver) {
        let LeftOver { key, generation, streams, has_slot } = left_over;
        for (generation, stream) in streams {
            self.send(&Request::StreamDone { slot: key.clone(), generation, stream });
        }
        let Some(generation) = generation else {
            if has_slot {
                self.send(&Request::Release { slot: key });
            }
            return;
        };
        self.last_generation = self.last_generation.max(Generation(generation));
        let place = Place {
            generation,
            stage: Stage::Made,
            run: None,
            pipes: Vec::new(),
            pid: None,
            status: None,
            last_line: None,
            waiting: VecDeque::new(),
        };
        self.places.insert(key.clone(), place);
        self.stop(&key);
    }

    fn send(&self, request: &Request) {
        match self.keeper.send(request) {
            // Without a keeper the engine ends.
            Ok(()) | Err(LinkError::Gone) => {}
            Err(error) => crate::say::error(&format!("failed to {error}")),
        }
    }
}

impl Place {
    fn id(&self) -> Option<RunId> {
        self.run.as_ref().map(|run| run.id)
    }

    /// Tells how the run ended, if anybody wants to know still.
    fn tell(&mut self, result: HookResult) {
        if let Some(run) = self.run.take() {
            (run.done)(result);
        }
    }

    fn result(&self) -> HookResult {
        let Some(run) = &self.run else { return HookResult::Ok };
        let why = match self.status {
            _ if run.timed_out => format!("took longer than {}", duration::for_people(run.timeout)),
            Some(Status::Code(0)) => return HookResult::Ok,
            Some(Status::Code(code)) => format!("exited with code {code}"),
            Some(Status::Signal(number)) => format!("was killed by {}", signal::name(number)),
            Some(Status::Unknown) | None => "ended, and nobody saw how".to_owned(),
        };
        HookResult::Failed(match &self.last_line {
            Some(line) => format!("{why}{SAID}{line}"),
            None => why,
        })
    }
}

impl Active {
    /// The record of a line, if it is to be one.
    fn note(&mut self, line: &[u8], pid: Option<u32>) -> Option<Note> {
        let Output::Log(slot, hook) = &self.output else { return None };
        self.lines += 1;
        let (level, message) = match self.lines {
            ..=LINES_MAX => (Level::Info, String::from_utf8_lossy(line).into_owned()),
            number if number == LINES_MAX + 1 => {
                (Level::Warn, format!("{hook} wrote more than {LINES_MAX} lines; the rest is not recorded"))
            }
            _ => return None,
        };
        let fields = vec![("hook".to_owned(), (*hook).to_owned())];
        Some(Note { service: slot.name.clone(), index: slot.index, pid, level, message, fields })
    }
}
