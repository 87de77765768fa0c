//! The engine's side of its keeper: what the keeper holds at the beginning, and its notices from then on.

use crate::auxiliary::{Auxiliary, LeftOver, is_auxiliary};
use crate::logs::{LogsHandle, StreamId};
use crate::queue::{DriverHandle, Input};
use crate::say;
use svcctl_core::ident::{Generation, InstanceId, ServiceName, SlotKey};
use svcctl_core::supervisor::event::{Adopted, Event, ExitStatus, Process, SpawnError};
use svcctl_core::supervisor::memo::Memo;
use svcctl_core::time::{Mono, Now, Wall};
use svcctl_keeper::client::{LinkError, Receiver, Sender};
use svcctl_keeper::protocol::{Held, HeldProcess, Notice, Request, Status, Stream};
use svcctl_os::clock;
use svcctl_os::descriptor::Descriptor;

pub(crate) use svcctl_keeper::client::Sender as KeeperSender;

/// How the keeper calls a slot.
pub(crate) fn key_of(slot: &SlotKey) -> String {
    slot.to_string()
}

/// The slot that the keeper calls so; `None` for a text that no engine of this version gave it.
pub(crate) fn slot_of(key: &str) -> Option<SlotKey> {
    let (name, index) = key.rsplit_once('#')?;
    Some(SlotKey { name: ServiceName::new(name).ok()?, index: index.parse().ok()? })
}

/// What the keeper said at the beginning.
pub(crate) struct Welcome {
    /// How many engines it has started.
    pub(crate) engine_number: u64,
    /// Whether this one only supervises.
    pub(crate) recovery: bool,
    /// Whether the daemon is ending.
    pub(crate) shutdown: bool,
    /// The keeper's process.
    pub(crate) pid: u32,
    /// What it holds.
    pub(crate) adopted: Vec<Adopted>,
    /// The streams that are still open.
    pub(crate) streams: Vec<(StreamId, Descriptor)>,
    /// What it holds for hooks and probes of an earlier engine.
    pub(crate) left_over: Vec<LeftOver>,
}

/// Why the keeper could not be greeted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GreetError {
    /// The link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It closed the link.
    #[error("greet the keeper: it has ended")]
    Ended,
    /// It said something else.
    #[error("greet the keeper: it said {0:?}")]
    Unexpected(Box<Notice>),
}

/// Greets the keeper and takes over what it holds.
pub(crate) fn greet(sender: &Sender, receiver: &Receiver) -> Result<Welcome, GreetError> {
    sender.send(&Request::Hello, &[])?;
    let (notice, _) = receiver.recv()?.ok_or(GreetError::Ended)?;
    let Notice::Welcome { engine_number, recovery, shutdown, pid } = notice else {
        return Err(GreetError::Unexpected(Box::new(notice)));
    };
    let mut welcome = Welcome {
        engine_number,
        recovery,
        shutdown,
        pid,
        adopted: Vec::new(),
        streams: Vec::new(),
        left_over: Vec::new(),
    };
    loop {
        let (notice, descriptors) = receiver.recv()?.ok_or(GreetError::Ended)?;
        match notice {
            Notice::Held(held) => welcome.hold(held, descriptors),
            Notice::HeldStream { slot, generation, stream, .. } if is_auxiliary(&slot) => {
                let streams = vec![(generation, stream)];
                welcome.left_over.push(LeftOver { key: slot, generation: None, streams, has_slot: false });
            }
            Notice::HeldStream { slot, generation, pid, stream } => {
                if let (Some(slot), Some(descriptor)) = (slot_of(&slot), descriptors.into_iter().next()) {
                    let id = StreamId { slot, generation: Generation(generation), pid, stream };
                    welcome.streams.push((id, descriptor));
                }
            }
            Notice::HeldEnd => {
                // What an earlier process of a slot had to say is recorded before what the present one has.
                welcome.streams.sort_by(|(one, _), (other, _)| one.cmp(other));
                return Ok(welcome);
            }
            other @ (Notice::Welcome { .. }
            | Notice::Spawned { .. }
            | Notice::SpawnFailed { .. }
            | Notice::Exited { .. }
            | Notice::TreeEmpty { .. }
            | Notice::TreeStuck { .. }
            | Notice::Shutdown) => return Err(GreetError::Unexpected(Box::new(other))),
        }
    }
}

impl Welcome {
    fn hold(&mut self, held: Held, descriptors: Vec<Descriptor>) {
        if is_auxiliary(&held.slot) {
            let generation = held.process.map(|process| process.generation);
            let streams = held.streams.into_iter().filter_map(|stream| Some((generation?, stream))).collect();
            self.left_over.push(LeftOver { key: held.slot, generation, streams, has_slot: true });
            return;
        }
        let Some(slot) = slot_of(&held.slot) else {
            say::error(&format!("the keeper holds {:?}, which is no slot of this version", held.slot));
            return;
        };
        let process = held.process.map(|process| adopted_process(&slot, &process, clock::now()));
        if let Some((id, process)) = &process {
            for (stream, descriptor) in held.streams.iter().zip(descriptors) {
                let id = StreamId {
                    slot: slot.clone(),
                    generation: id.generation,
                    pid: process.pid,
                    stream: *stream,
                };
                self.streams.push((id, descriptor));
            }
        }
        self.adopted.push(Adopted { slot, memo: Memo::decode(&held.state), process });
    }
}

fn adopted_process(slot: &SlotKey, process: &HeldProcess, now: Now) -> (InstanceId, Process) {
    let id = InstanceId { slot: slot.clone(), generation: Generation(process.generation) };
    (id, process_at(process.pid, Mono(process.at), now))
}

/// A process that was spawned at `since`, with the wall clock's time of then as far as it can be known now.
fn process_at(pid: u32, since: Mono, now: Now) -> Process {
    let age_ms = i64::try_from(now.mono.since(since).as_millis()).unwrap_or(i64::MAX);
    Process { pid, since, since_wall: Wall(now.wall.0.saturating_sub(age_ms)) }
}

/// Takes the keeper's notices until its end, on a thread of its own. `on_shutdown` is told when the daemon is to end,
/// `on_end` when the keeper is no more.
pub(crate) struct Reader {
    pub(crate) receiver: Receiver,
    pub(crate) driver: DriverHandle,
    pub(crate) logs: LogsHandle,
    pub(crate) auxiliary: Auxiliary,
    pub(crate) on_shutdown: Box<dyn Fn() + Send>,
    pub(crate) on_end: Box<dyn FnOnce() + Send>,
}

impl Reader {
    /// Starts the thread, which ends with the keeper.
    pub(crate) fn start(self) -> std::io::Result<()> {
        std::thread::Builder::new().name("keeper-reader".to_owned()).spawn(move || self.run()).map(drop)
    }

    fn run(self) {
        loop {
            match self.receiver.recv() {
                Ok(Some((notice, descriptors))) => {
                    if let Some(event) = self.take(notice, descriptors) {
                        self.driver.push(Input::Event(event));
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    say::error(&format!("failed to {error}"));
                    break;
                }
            }
        }
        (self.on_end)();
    }

    fn take(&self, notice: Notice, descriptors: Vec<Descriptor>) -> Option<Event> {
        if slot_in(&notice).is_some_and(is_auxiliary) {
            self.auxiliary.notice(notice, descriptors);
            return None;
        }
        match notice {
            Notice::Spawned { slot, generation, pid, at } => {
                let id = instance(&slot, generation)?;
                for (stream, descriptor) in [Stream::Stdout, Stream::Stderr].into_iter().zip(descriptors) {
                    let stream = StreamId { slot: id.slot.clone(), generation: id.generation, pid, stream };
                    self.logs.attach(stream, descriptor);
                }
                Some(Event::Spawned(id, process_at(pid, Mono(at), clock::now())))
            }
            Notice::SpawnFailed { slot, generation, message } => {
                Some(Event::SpawnFailed(instance(&slot, generation)?, SpawnError { message }))
            }
            Notice::Exited { slot, generation, status, tree_empty } => {
                let id = instance(&slot, generation)?;
                // The last words stand in the log before the note that says how it ended.
                self.logs.process_ended(id.slot.clone(), id.generation);
                Some(Event::Exited { id, status: status_of(status), tree_empty })
            }
            Notice::TreeEmpty { slot, generation } => Some(Event::TreeEmpty(instance(&slot, generation)?)),
            Notice::TreeStuck { slot, generation, pids } => {
                Some(Event::TreeStuck(instance(&slot, generation)?, pids))
            }
            Notice::Shutdown => {
                (self.on_shutdown)();
                None
            }
            Notice::Welcome { .. } | Notice::Held(_) | Notice::HeldStream { .. } | Notice::HeldEnd => {
                say::error("the keeper greets again; this is a bug of svcctl, please report it");
                None
            }
        }
    }
}

/// The slot that a notice is about.
fn slot_in(notice: &Notice) -> Option<&str> {
    match notice {
        Notice::Spawned { slot, .. }
        | Notice::SpawnFailed { slot, .. }
        | Notice::Exited { slot, .. }
        | Notice::TreeEmpty { slot, .. }
        | Notice::TreeStuck { slot, .. }
        | Notice::HeldStream { slot, .. }
        | Notice::Held(Held { slot, .. }) => Some(slot),
        Notice::Welcome { .. } | Notice::HeldEnd | Notice::Shutdown => None,
    }
}

fn instance(key: &str, generation: u64) -> Option<InstanceId> {
    Some(InstanceId { slot: slot_of(key)?, generation: Generation(generation) })
}

fn status_of(status: Status) -> ExitStatus {
    match status {
        Status::Code(code) => ExitStatus::Code(code),
        Status::Signal(signal) => ExitStatus::Signal(signal),
        Status::Unknown => ExitStatus::Unknown,
    }
}
