//! What the engine asks for.

use super::deadlines::{Due, SlotId};
use super::slots::{Occupant, Stage};
use super::{Keeper, Phase, later, say};
use crate::protocol::{
    Held, HeldProcess, Image, ImageSource, Notice, PACKET_MAX_BYTES, Request, SlotKey, Stream,
};
use crate::wire::{self, IMAGE_MAX_BYTES};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use svcctl_os::linux::memory;
use svcctl_os::linux::packet::{self, Received, Wait};
use svcctl_os::process::send_signal;

/// The most requests that are read before other events get their turn.
const REQUESTS_MAX: usize = 64;
/// How long the engine may take to end after its goodbye.
pub(super) const ENGINE_END_WITHIN: Duration = Duration::from_secs(5);

impl Keeper {
    /// Reads some of what the engine has sent.
    pub(super) fn handle_socket(&mut self) {
        self.read_requests(REQUESTS_MAX);
    }

    /// Reads all that a dead engine has sent. It sends no more, and its socket holds a limited number.
    pub(super) fn handle_last_requests(&mut self) {
        self.read_requests(usize::MAX);
    }

    fn read_requests(&mut self, max: usize) {
        let mut buffer = std::mem::take(&mut self.packet);
        buffer.resize(PACKET_MAX_BYTES, 0);
        for _ in 0..max {
            let Some(socket) = self.engine.socket() else { break };
            match packet::receive(socket, &mut buffer, Wait::No) {
                Ok(Received::Message(length, descriptors)) => {
                    self.handle_packet(&buffer[..length], descriptors);
                }
                Ok(Received::Nothing) => break,
                Ok(Received::End) => {
                    // Closed, not dead yet: its pidfd tells the rest.
                    let _ = self.poller.remove(socket);
                    break;
                }
                Ok(Received::TooLong) => self.kill_engine("it sent a message that is too long"),
                Err(error) => {
                    let _ = self.poller.remove(socket);
                    self.kill_engine(&format!("it cannot be heard: {error}"));
                    break;
                }
            }
        }
        self.packet = buffer;
    }

    fn handle_packet(&mut self, bytes: &[u8], descriptors: Vec<OwnedFd>) {
        if !self.engine.is_heard() {
            return;
        }
        let request = wire::decode::<Request>(bytes);
        let checked = request.and_then(|request| wire::check_request(&request).map(|()| request));
        match checked {
            Ok(request) if self.engine.listens() || request == Request::Hello => {
                self.handle_request(request, descriptors.into_iter().next());
            }
            Ok(_) => self.kill_engine("it asked for something before its hello"),
            Err(error) => self.kill_engine(&format!("failed to {error}")),
        }
    }

    fn handle_request(&mut self, request: Request, descriptor: Option<OwnedFd>) {
        match request {
            Request::Hello => self.welcome(),
            Request::Serving => {
                self.engine.serve();
                if let Some(reporter) = self.reporter.take() {
                    reporter.succeed();
                }
            }
            Request::Unable { message, exit_code } => self.handle_unable(&message, exit_code),
            Request::Spawn { slot, generation, image, state } => match image_of(image, descriptor) {
                Ok(image) => self.spawn(&slot, generation, image, state),
                Err(why) => self.kill_engine(&why),
            },
            Request::Signal { slot, generation, signal, state, kill_by } => {
                self.note(&slot, state);
                self.signal(&slot, generation, signal, kill_by);
            }
            Request::KillTree { slot, generation, state } => {
                self.note(&slot, state);
                if let Some(id) = self.with_process(&slot, generation) {
                    self.kill_tree(id);
                }
            }
            Request::Remember { slot, state } => {
                self.note(&slot, state);
                self.look_around_soon();
            }
            Request::Spool { slot, generation, stream } => {
                if descriptor.is_none() {
                    self.kill_engine("it sent a spool without its file");
                } else if let Some(held) = self.streams.named(&slot, generation, stream) {
                    held.spool = descriptor;
                }
            }
            Request::StreamDone { slot, generation, stream } => {
                self.streams.remove(&slot, generation, stream);
            }
            Request::Acknowledge { slot, generation } => self.acknowledge(&slot, generation),
            Request::Release { slot } => self.release(&slot),
            Request::Goodbye { exit_code, keep } => self.goodbye(exit_code, keep),
        }
    }

    /// Tells a new engine everything.
    fn welcome(&mut self) {
        self.engine.greet();
        self.stop_splicing();
        self.forget_told();
        self.tell(
            &Notice::Welcome {
                engine_number: self.engine.number,
                recovery: self.engine.recovery(),
                shutdown: self.phase == Phase::ShuttingDown,
                pid: std::process::id(),
            },
            &[],
        );
        let ids: Vec<SlotId> = self.slots.iter().map(|(id, _)| id).collect();
        let mut told = std::collections::BTreeSet::new();
        for id in &ids {
            self.tell_held(*id, &mut told);
        }
        let rest = self.streams.iter_mut().filter(|(id, _)| !told.contains(id));
        let rest: Vec<_> = rest
            .map(|(id, held)| {
                let (slot, generation) = (held.slot.clone(), held.generation);
                (Notice::HeldStream { slot, generation, pid: held.pid, stream: held.stream }, id)
            })
            .collect();
        for (notice, id) in rest {
            self.tell(&notice, &[id]);
        }
        self.tell(&Notice::HeldEnd, &[]);
        for id in ids {
            self.tell_outstanding(id);
        }
    }

    fn tell_held(&mut self, id: SlotId, told: &mut std::collections::BTreeSet<u64>) {
        let Some(slot) = self.slots.get(id) else { return };
        let (key, state) = (slot.key.clone(), slot.state.clone());
        let process = match &slot.occupant {
            Occupant::Nobody { .. } | Occupant::Failed { noted: true, .. } => None,
            Occupant::Failed { generation, .. } => {
                Some(HeldProcess { generation: *generation, pid: 0, at: 0 })
            }
            Occupant::Process(process) => {
                let starting = matches!(process.stage, Stage::Starting(_));
                let pid = if starting { 0 } else { process.child.pid };
                Some(HeldProcess { generation: process.generation, pid, at: process.at })
            }
        };
        // The streams of a process that is being started come with its `Spawned`.
        let running = process.as_ref().filter(|process| process.pid != 0);
        let held = running.map_or_else(Vec::new, |process| self.streams.of(&key, process.generation));
        if let Some(process) = &process {
            told.extend(self.streams.of(&key, process.generation).iter().map(|(_, id)| *id));
        }
        let (streams, ids): (Vec<Stream>, Vec<u64>) = held.into_iter().unzip();
        self.tell(&Notice::Held(Held { slot: key, state, process, streams }), &ids);
    }

    /// What a new engine may not know: a failed spawn, an exit.
    fn tell_outstanding(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id) else { return };
        match &slot.occupant {
            Occupant::Failed { generation, message, noted: false } => {
                let (slot, generation, message) = (slot.key.clone(), *generation, message.clone());
                self.tell(&Notice::SpawnFailed { slot, generation, message }, &[]);
            }
            Occupant::Process(process) if matches!(process.stage, Stage::Ended { .. }) => self.tell_ended(id),
            Occupant::Failed { .. } | Occupant::Nobody { .. } | Occupant::Process(_) => {}
        }
    }

    /// Keeps the engine's state of a slot. One that changes it after a failed spawn has been told of that.
    fn note(&mut self, key: &SlotKey, state: Vec<u8>) {
        let Some(id) = self.slots.obtain(key) else {
            return say(&format!("{key}: there are too many services to keep anything for it"));
        };
        let Some(slot) = self.slots.get(id) else { return };
        slot.state = state;
        if let Occupant::Failed { noted, .. } = &mut slot.occupant {
            *noted = true;
        }
    }

    /// The slot, if that process is in it.
    fn with_process(&mut self, key: &SlotKey, generation: u64) -> Option<SlotId> {
        let id = self.slots.id(key)?;
        self.slots.get(id)?.process(generation)?;
        Some(id)
    }

    fn signal(&mut self, key: &SlotKey, generation: u64, signal: i32, kill_by: Option<u64>) {
        let Some(id) = self.with_process(key, generation) else { return };
        self.look_around();
        let Some(slot) = self.slots.get(id).filter(|slot| slot.is_alive()) else { return };
        let Some(process) = slot.any_process() else { return };
        process.stop_signal = kill_by.map(|_| signal);
        // To a leader that has ended a signal would mean nothing; signal and deadline count for the rest of the tree.
        let left_over = process.is_left_over();
        let sent = if left_over { Ok(true) } else { send_signal(&process.child.pidfd, signal) };
        if let Err(error) = sent {
            say(&format!("{key}: signal {signal} could not be sent to pid {}: {error}", process.child.pid));
        }
        if let Some(at) = kill_by {
            self.deadlines.set(Due::KillBy(id), at);
        }
        if left_over {
            self.pass_on_stop(id);
        }
    }

    fn acknowledge(&mut self, key: &SlotKey, generation: u64) {
        let Some(id) = self.slots.id(key) else { return };
        let Some(slot) = self.slots.get(id).filter(|slot| slot.occupant.generation() == generation) else {
            return;
        };
        if slot.is_alive() {
            return say(&format!("{key}: an acknowledgement came while processes are left; it is ignored"));
        }
        self.vacate(id);
    }

    /// Nobody is in the slot any more.
    pub(super) fn vacate(&mut self, id: SlotId) {
        self.deadlines.clear_slot(id);
        if let Some(slot) = self.slots.get(id) {
            slot.occupant = Occupant::Nobody { last_generation: slot.occupant.generation() };
        }
    }

    fn release(&mut self, key: &SlotKey) {
        let Some(id) = self.slots.id(key) else { return };
        if self.slots.get(id).is_some_and(|slot| slot.is_alive()) {
            return say(&format!("{key}: it is not let go, since processes of it are left"));
        }
        self.deadlines.clear_slot(id);
        if let Some(group) = self.slots.remove(id).and_then(|slot| slot.group) {
            self.remove_group(group);
        }
    }

    fn handle_unable(&mut self, message: &str, exit_code: u8) {
        say(message);
        if self.engine.served_ever {
            // Services run: a next engine may do better, and meanwhile they go on.
            self.kill_engine("it is unable to begin, as it says");
            return;
        }
        if let Some(reporter) = self.reporter.take() {
            reporter.fail(exit_code, message);
        }
        self.end(exit_code);
    }

    fn goodbye(&mut self, exit_code: u8, keep: bool) {
        if keep {
            self.phase = Phase::Parked;
            self.deadlines.clear(Due::Shutdown);
            self.deadlines.set(Due::EndEngine, later(ENGINE_END_WITHIN));
        } else {
            self.end(exit_code);
        }
    }
}

fn image_of(source: ImageSource, descriptor: Option<OwnedFd>) -> Result<Image, String> {
    match (source, descriptor) {
        (ImageSource::Here(image), _) => Ok(image),
        (ImageSource::Memfd, Some(file)) => {
            let bytes = memory::contents(file.as_fd(), IMAGE_MAX_BYTES)
                .map_err(|error| format!("its image of a process cannot be read: {error}"))?;
            wire::decode(&bytes).map_err(|error| format!("failed to {error}"))
        }
        (ImageSource::Memfd, None) => Err("it sent an image of a process without its file".to_owned()),
    }
}
