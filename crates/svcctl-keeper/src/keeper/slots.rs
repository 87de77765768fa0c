//! The table of slots: which process fills each, and what the engine wants kept for it.

use super::deadlines::SlotId;
use super::members::Members;
use crate::protocol::{SlotKey, Status};
use std::collections::BTreeMap;
use svcctl_os::linux::cgroup::Group;
use svcctl_os::process::{Child, Exit, Spawning};

/// The most slots; a spawn in one more fails.
pub(super) const SLOTS_MAX: usize = 16_384;

/// One place for a process.
pub(super) struct Slot {
    pub(super) key: SlotKey,
    /// What the engine wants kept.
    pub(super) state: Vec<u8>,
    pub(super) occupant: Occupant,
    /// The cgroup of its processes.
    pub(super) group: Option<Group>,
    /// Whether nothing can be started in the cgroup any more, as it was killed or refused a process.
    pub(super) spent: bool,
}

/// Who is in a slot.
///
/// ```text
///            spawn                 exec, or its failure
///   Nobody ────────▶ Process(Starting) ──▶ Process(Running) ──exit──▶ Process(Ended) ──acknowledged──▶ Nobody
///     ▲                     └─────────────▶ Failed ──────── noted, or the next spawn ───────────────────▲
/// ```
pub(super) enum Occupant {
    /// Nobody, after so many generations.
    Nobody { last_generation: u64 },
    /// The last spawn gave no process. `noted` once an engine that was told has had the slot's state changed.
    Failed { generation: u64, message: String, noted: bool },
    /// A process, or what is left of it.
    Process(Box<Process>),
}

/// The process of a slot.
pub(super) struct Process {
    pub(super) generation: u64,
    pub(super) at: u64,
    pub(super) child: Child,
    pub(super) stage: Stage,
    /// Whether the slot's cgroup holds it; else its tree is walked.
    pub(super) in_group: bool,
    /// Whether the poller tells of its end; else SIGCHLD does.
    pub(super) watched: bool,
    pub(super) members: Members,
    /// How often it was unclear, after the leader's end, whether anybody is left.
    pub(super) unclear: u32,
    pub(super) killing: Option<Killing>,
    /// The last signal of a stop: the rest of the tree gets it once the leader has ended.
    pub(super) stop_signal: Option<i32>,
}

/// How far a process has come.
pub(super) enum Stage {
    /// On its way to its program.
    Starting(Box<Spawning>),
    /// It runs.
    Running,
    /// The leader ended. It is reaped once no other process of the tree is left.
    Ended {
        exit: Exit,
        tree_empty: bool,
        /// Whether an engine knows of the exit.
        told: bool,
    },
}

/// A tree that is being killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killing {
    /// The wait before the next look, where there is no cgroup to tell.
    pub(super) pause_ns: u64,
}

impl Occupant {
    /// The last generation that was given to this slot.
    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Nobody { last_generation } => *last_generation,
            Self::Failed { generation, .. } => *generation,
            Self::Process(process) => process.generation,
        }
    }
}

impl Slot {
    /// The process of that generation, if it is the one here.
    pub(super) fn process(&mut self, generation: u64) -> Option<&mut Process> {
        self.any_process().filter(|process| process.generation == generation)
    }

    /// The process here.
    pub(super) fn any_process(&mut self) -> Option<&mut Process> {
        match &mut self.occupant {
            Occupant::Process(process) => Some(process),
            Occupant::Nobody { .. } | Occupant::Failed { .. } => None,
        }
    }

    /// Whether any process of it may be left.
    pub(super) fn is_alive(&self) -> bool {
        match &self.occupant {
            Occupant::Process(process) => !matches!(process.stage, Stage::Ended { tree_empty: true, .. }),
            Occupant::Nobody { .. } | Occupant::Failed { .. } => false,
        }
    }
}

impl Process {
    /// Whether the leader has ended and others may be left.
    pub(super) fn is_left_over(&self) -> bool {
        matches!(self.stage, Stage::Ended { tree_empty: false, .. })
    }
}

/// An exit in the protocol's words.
pub(super) fn status(exit: Exit) -> Status {
    match exit {
        Exit::Code(code) => Status::Code(code),
        Exit::Signal(signal) => Status::Signal(signal),
    }
}

/// All slots.
#[derive(Default)]
pub(super) struct Slots {
    by_id: BTreeMap<SlotId, Slot>,
    by_key: BTreeMap<SlotKey, SlotId>,
    /// Whose leader a pid is, for every leader that is not reaped.
    leaders: BTreeMap<u32, SlotId>,
    last: SlotId,
}

impl Slots {
    /// The number of a slot.
    pub(super) fn id(&self, key: &SlotKey) -> Option<SlotId> {
        self.by_key.get(key).copied()
    }

    /// The slot of that number.
    pub(super) fn get(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.by_id.get_mut(&id)
    }

    /// The slot of that key, made if it is not there; `None` when there are too many.
    pub(super) fn obtain(&mut self, key: &SlotKey) -> Option<SlotId> {
        if let Some(id) = self.id(key) {
            return Some(id);
        }
        if self.by_id.len() >= SLOTS_MAX {
            return None;
        }
        self.last += 1;
        let occupant = Occupant::Nobody { last_generation: 0 };
        self.by_id.insert(
            self.last,
            Slot { key: key.clone(), state: Vec::new(), occupant, group: None, spent: false },
        );
        self.by_key.insert(key.clone(), self.last);
        Some(self.last)
    }

    /// Takes a slot out.
    pub(super) fn remove(&mut self, id: SlotId) -> Option<Slot> {
        let slot = self.by_id.remove(&id)?;
        self.by_key.remove(&slot.key);
        Some(slot)
    }

    /// All slots, in the order in which they were made.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        self.by_id.iter().map(|(id, slot)| (*id, slot))
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (SlotId, &mut Slot)> {
        self.by_id.iter_mut().map(|(id, slot)| (*id, slot))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Notes a leader.
    pub(super) fn add_leader(&mut self, pid: u32, slot: SlotId) {
        self.leaders.insert(pid, slot);
    }

    /// Forgets a leader, which is being reaped.
    pub(super) fn remove_leader(&mut self, pid: u32) {
        self.leaders.remove(&pid);
    }

    /// Leaders by pid.
    pub(super) fn leaders(&self) -> &BTreeMap<u32, SlotId> {
        &self.leaders
    }
}
