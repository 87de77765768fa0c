//! One table of all that is due at a time. Each kind of deadline of each slot is in it at most once.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a slot in the keeper's table; never used again for another.
pub(super) type SlotId = u64;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The engine wanted this tree killed by now.
    KillBy(SlotId),
    /// This tree has been killed for so long that the pids left are to be told.
    Stuck(SlotId),
    /// This tree, which has no cgroup, is to be looked through and killed again.
    KillAgain(SlotId),
    /// It was unclear whether anybody of this tree is left.
    LookAgain(SlotId),
    /// The engine has not acknowledged this exit.
    Acknowledge(SlotId),
    /// The process table is to be looked through, to remember who belongs to whom.
    Scan,
    /// What an earlier keeper left has had its time to die.
    Leftovers,
    /// The next engine is to be started.
    StartEngine,
    /// The engine has been dead for so long that streams go to their spools.
    Splice,
    /// Sending is to be tried again.
    Send,
    /// Cgroups are to be removed again.
    RemoveGroups,
    /// The engine, told to end, has had its time.
    EndEngine,
    /// The shutdown has had its time.
    Shutdown,
    /// The end has had its time.
    End,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    by_time: BTreeSet<(u64, Due)>,
    by_due: BTreeMap<Due, u64>,
}

impl Deadlines {
    /// Sets it (nanoseconds of the monotonic clock), in place of an earlier setting.
    pub(super) fn set(&mut self, due: Due, at: u64) {
        self.clear(due);
        self.by_due.insert(due, at);
        self.by_time.insert((at, due));
    }

    /// Sets it unless it is set.
    pub(super) fn set_first(&mut self, due: Due, at: u64) {
        if !self.by_due.contains_key(&due) {
            self.set(due, at);
        }
    }

    /// Takes it out.
    pub(super) fn clear(&mut self, due: Due) {
        if let Some(at) = self.by_due.remove(&due) {
            self.by_time.remove(&(at, due));
        }
    }

    /// Takes out all of a slot.
    pub(super) fn clear_slot(&mut self, slot: SlotId) {
        let own = [
            Due::KillBy(slot),
            Due::Stuck(slot),
            Due::KillAgain(slot),
            Due::LookAgain(slot),
            Due::Acknowledge(slot),
        ];
        for due in own {
            self.clear(due);
        }
    }

    /// The earliest time in the table.
    pub(super) fn next(&self) -> Option<u64> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// The latest time by which a tree is to be killed.
    pub(super) fn last_kill_by(&self) -> Option<u64> {
        self.by_due.iter().filter(|(due, _)| matches!(due, Due::KillBy(_))).map(|(_, at)| *at).max()
    }

    /// Takes out one that is due.
    pub(super) fn pop(&mut self, now: u64) -> Option<Due> {
        let (at, due) = *self.by_time.first().filter(|(at, _)| *at <= now)?;
        self.by_time.remove(&(at, due));
        self.by_due.remove(&due);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_and_once() {
        let mut table = Deadlines::default();
        table.set(Due::Scan, 30);
        table.set(Due::KillBy(1), 10);
        table.set(Due::KillBy(1), 20);
        table.set_first(Due::Scan, 5);
        table.set(Due::Stuck(1), 1);
        assert_eq!(table.last_kill_by(), Some(20));
        table.clear(Due::Stuck(1));
        assert_eq!((table.next(), table.pop(19)), (Some(20), None));
        assert_eq!(
            (table.pop(30), table.pop(30), table.pop(30)),
            (Some(Due::KillBy(1)), Some(Due::Scan), None)
        );
        assert_eq!(table.next(), None);
    }
}
