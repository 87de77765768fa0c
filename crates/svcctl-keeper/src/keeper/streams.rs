//! The keeper's duplicates of the log pipes, and the spools that they go to while there is no engine.
//!
//! A stream is here from its process's spawn until the engine has read it to its end, whatever becomes of the slot. The
//! keeper reads none while an engine lives: exactly one process takes from a pipe.

use crate::protocol::{SlotKey, Stream};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use svcctl_os::linux::spool::{Moved, move_to_end};

/// The number of a stream in the keeper's table; never used again for another.
pub(super) type StreamId = u64;

/// The most that a spool occupies on its disk. When it is reached, nothing more is taken: the program waits.
pub(super) const SPOOL_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// The most that is moved for one event, so that no stream keeps the others waiting.
const MOVE_MAX_BYTES: usize = 256 * 1024;

/// One stream of one process.
#[derive(Debug)]
pub(super) struct HeldStream {
    pub(super) slot: SlotKey,
    pub(super) generation: u64,
    pub(super) stream: Stream,
    pub(super) pid: u32,
    pub(super) read: OwnedFd,
    pub(super) spool: Option<OwnedFd>,
    /// Whether the poller waits for it.
    pub(super) watched: bool,
}

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    by_id: BTreeMap<StreamId, HeldStream>,
    by_name: BTreeMap<(SlotKey, u64, Stream), StreamId>,
    last: StreamId,
}

impl Streams {
    /// Takes a stream in.
    pub(super) fn insert(&mut self, held: HeldStream) {
        self.last += 1;
        self.by_name.insert((held.slot.clone(), held.generation, held.stream), self.last);
        self.by_id.insert(self.last, held);
    }

    /// Lets a stream go.
    pub(super) fn remove(&mut self, slot: &SlotKey, generation: u64, stream: Stream) -> Option<HeldStream> {
        let id = self.by_name.remove(&(slot.clone(), generation, stream))?;
        self.by_id.remove(&id)
    }

    /// The stream of that name.
    pub(super) fn named(
        &mut self,
        slot: &SlotKey,
        generation: u64,
        stream: Stream,
    ) -> Option<&mut HeldStream> {
        let id = self.by_name.get(&(slot.clone(), generation, stream))?;
        self.by_id.get_mut(id)
    }

    /// The stream of that number.
    pub(super) fn get(&self, id: StreamId) -> Option<&HeldStream> {
        self.by_id.get(&id)
    }

    /// The streams that are held for a process, in order.
    pub(super) fn of(&self, slot: &SlotKey, generation: u64) -> Vec<(Stream, StreamId)> {
        let name = |stream| (slot.clone(), generation, stream);
        self.by_name
            .range(name(Stream::Stdout)..=name(Stream::Stderr))
            .map(|(key, id)| (key.2, *id))
            .collect()
    }

    /// All.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (StreamId, &mut HeldStream)> {
        self.by_id.iter_mut().map(|(id, held)| (*id, held))
    }
}

/// What the keeper does with a stream after one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Waits for more.
    Wait,
    /// Leaves it alone until an engine has come and gone.
    Leave,
}

/// Moves what is in the pipe to the spool.
///
/// # Errors
/// What the system says; the stream is then to be left alone.
pub(super) fn take(held: &HeldStream) -> io::Result<Next> {
    let Some(spool) = &held.spool else { return Ok(Next::Leave) };
    Ok(match move_to_end(&held.read, spool, MOVE_MAX_BYTES, SPOOL_MAX_BYTES)? {
        Moved::Bytes(_) | Moved::Nothing => Next::Wait,
        Moved::End | Moved::Full => Next::Leave,
    })
}
