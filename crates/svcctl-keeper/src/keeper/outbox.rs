//! Notices on their way to the engine.
//!
//! Sending never waits. What does not fit the socket waits here; an engine that does not take it, up to a limit, is
//! killed, and the next one is told the tables instead. Nothing waits here while there is no engine.

use super::deadlines::Due;
use super::streams::StreamId;
use super::token::Token;
use super::{Keeper, later, say};
use crate::protocol::Notice;
use crate::wire;
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::time::Duration;
use svcctl_os::linux::packet::{self, Sent, Wait};
use svcctl_os::linux::poll::Interest;

/// How many notices may wait, whatever the number of slots.
const WAITING_MAX: usize = 1024;
/// How many more may wait for each slot.
const WAITING_PER_SLOT_MAX: usize = 8;
/// The wait after the kernel had too many descriptors on their way, about whose arrival nothing tells.
const DESCRIPTORS_PAUSE: Duration = Duration::from_millis(10);

/// Notices on their way.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(Vec<u8>, Vec<StreamId>)>,
    /// Whether the poller tells when the socket has room.
    watching_room: bool,
}

impl Outbox {
    /// Forgets all, for there is no engine.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Keeper {
    /// Tells the engine, if one listens, and gives it these streams beside.
    pub(super) fn tell(&mut self, notice: &Notice, streams: &[StreamId]) {
        if !self.engine.listens() {
            return;
        }
        if self.outbox.waiting.len() >= WAITING_MAX + WAITING_PER_SLOT_MAX * self.slots.len() {
            self.kill_engine("it does not read what it is told");
            return;
        }
        match wire::encode(notice) {
            Ok(bytes) => self.outbox.waiting.push_back((bytes, streams.to_vec())),
            Err(error) => say(&format!("a notice was lost: failed to {error}")),
        }
    }

    /// Sends as much as there is room for.
    pub(super) fn flush(&mut self) {
        let Some(socket) = self.engine.socket() else { return };
        let mut room = true;
        while let Some((bytes, streams)) = self.outbox.waiting.front() {
            let held = streams.iter().filter_map(|id| self.streams.get(*id));
            let descriptors: Vec<_> = held.map(|held| held.read.as_fd()).collect();
            match packet::send(socket, bytes, &descriptors, Wait::No) {
                Ok(Sent::Whole) => {
                    self.outbox.waiting.pop_front();
                }
                Ok(Sent::Full) => {
                    room = false;
                    break;
                }
                Ok(Sent::TooManyDescriptors) => {
                    self.deadlines.set(Due::Send, later(DESCRIPTORS_PAUSE));
                    break;
                }
                // Its death is told by its pidfd, after what it still sent has been read.
                Ok(Sent::Gone) => break,
                Err(error) => {
                    say(&format!("telling the engine failed: {error}"));
                    break;
                }
            }
        }
        if room == self.outbox.watching_room {
            let interest = if room { Interest::Read } else { Interest::ReadWrite };
            if self.poller.modify(socket, Token::Socket.number(), interest).is_ok() {
                self.outbox.watching_room = !room;
            }
        }
    }
}
