//! Who belongs to which tree, where there is no cgroup to tell.
//!
//! A process belongs to a slot if its chain of parents leads to the slot's leader. One whose parents have died is a
//! child of the keeper by then, as the keeper is the subreaper; it belongs to the slot in whose tree it was seen
//! before, else to the slot in one of whose sessions it is, else to the slot that its first environment names. Nothing
//! outside of the keeper's own descendants is ever taken for a member, so a number that was used again hits nobody.
//!
//! What cannot be found so: a process that changed its session, lost its parents and overwrote its environment, all
//! between two looks.

use super::deadlines::SlotId;
use std::collections::{BTreeMap, BTreeSet};
use svcctl_os::linux::procfs::Entry;

/// How many members of a tree are remembered from one look to the next.
pub(super) const REMEMBERED_MAX: usize = 1024;

/// What one look at a tree leaves for the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// Pid and start time of each.
    pub(super) processes: BTreeSet<(u32, u64)>,
    /// Their sessions.
    pub(super) sessions: BTreeSet<u32>,
}

impl Members {
    /// What is to be remembered of these.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let entries = entries.iter().take(REMEMBERED_MAX);
        let (processes, sessions) = entries.map(|entry| ((entry.pid, entry.start), entry.session)).unzip();
        Self { processes, sessions }
    }
}

/// What the environment of a process says about whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// This slot's.
    Slot(SlotId),
    /// Nobody's.
    Nobody,
    /// Nothing yet: a process has no environment for a moment in the middle of exec.
    Unclear,
}

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The live processes of each slot, leaders included.
    pub(super) trees: BTreeMap<SlotId, Vec<Entry>>,
    /// Whether there is an orphan of which it is unclear whose it is.
    pub(super) unclear: bool,
}

/// What is known before a look.
pub(super) struct Known<'a> {
    pub(super) keeper: u32,
    pub(super) engine: Option<u32>,
    /// Whose leader a pid is.
    pub(super) leaders: &'a BTreeMap<u32, SlotId>,
    /// What earlier looks left, for each slot.
    pub(super) members: Vec<(SlotId, &'a Members)>,
    /// What the environment of a process says.
    pub(super) named: &'a dyn Fn(u32) -> Named,
}

/// Looks for the processes of all slots among all processes of the machine.
pub(super) fn assign(all: &[Entry], known: &Known<'_>) -> Found {
    let by_pid: BTreeMap<u32, &Entry> = all.iter().map(|entry| (entry.pid, entry)).collect();
    let mut owners: BTreeMap<u32, Named> = BTreeMap::new();
    let mut found = Found::default();
    for entry in all.iter().filter(|entry| !entry.zombie) {
        match owner(entry, &by_pid, known, &mut owners) {
            Named::Slot(slot) => found.trees.entry(slot).or_default().push(*entry),
            Named::Nobody => {}
            Named::Unclear => found.unclear = true,
        }
    }
    found
}

/// Climbs from a process to the first ancestor whose owner is known, and notes it for all on the way.
fn owner(
    entry: &Entry,
    by_pid: &BTreeMap<u32, &Entry>,
    known: &Known<'_>,
    owners: &mut BTreeMap<u32, Named>,
) -> Named {
    let mut way = Vec::new();
    let mut at = entry;
    let owner = loop {
        if let Some(owner) = owners.get(&at.pid) {
            break *owner;
        }
        // The table is not read at one moment, so parents could seem to go round in a circle.
        if way.contains(&at.pid) {
            break Named::Nobody;
        }
        way.push(at.pid);
        if let Some(slot) = known.leaders.get(&at.pid) {
            break Named::Slot(*slot);
        }
        if Some(at.pid) == known.engine || at.pid == known.keeper {
            break Named::Nobody;
        }
        if at.parent == known.keeper {
            break owner_of_orphan(at, known);
        }
        match by_pid.get(&at.parent) {
            Some(parent) => at = parent,
            None => break Named::Nobody,
        }
    };
    owners.extend(way.into_iter().map(|pid| (pid, owner)));
    owner
}

fn owner_of_orphan(entry: &Entry, known: &Known<'_>) -> Named {
    let seen = |members: &Members| members.processes.contains(&(entry.pid, entry.start));
    let in_session = |members: &Members| members.sessions.contains(&entry.session);
    let by = |belongs: &dyn Fn(&Members) -> bool| {
        known.members.iter().find(|(_, members)| belongs(members)).map(|(slot, _)| *slot)
    };
    let by_trace =
        by(&seen).or_else(|| known.leaders.get(&entry.session).copied()).or_else(|| by(&in_session));
    by_trace.map_or_else(|| (known.named)(entry.pid), Named::Slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPER: u32 = 10;
    const ENGINE: u32 = 11;

    fn entry(pid: u32, parent: u32, session: u32) -> Entry {
        Entry { pid, parent, session, start: u64::from(pid) * 100, zombie: false }
    }

    fn pids(
        all: &[Entry],
        members: &[(SlotId, &Members)],
        named: &dyn Fn(u32) -> Named,
        slot: SlotId,
    ) -> Vec<u32> {
        let leaders = BTreeMap::from([(20, 1), (30, 2)]);
        let known = Known {
            keeper: KEEPER,
            engine: Some(ENGINE),
            leaders: &leaders,
            members: members.to_vec(),
            named,
        };
        assign(all, &known).trees.remove(&slot).unwrap_or_default().iter().map(|entry| entry.pid).collect()
    }

    fn base() -> Vec<Entry> {
        vec![
            entry(1, 0, 1),
            entry(KEEPER, 1, 10),
            entry(ENGINE, KEEPER, 11),
            entry(20, KEEPER, 20),
            entry(30, KEEPER, 30),
        ]
    }

    #[test]
    fn descendants_belong_whatever_their_session() {
        let all = [base(), vec![entry(21, 20, 20), entry(22, 21, 22), entry(12, ENGINE, 11), entry(5, 1, 5)]]
            .concat();
        assert_eq!(pids(&all, &[], &|_| Named::Nobody, 1), [20, 21, 22]);
        assert_eq!(pids(&all, &[], &|_| Named::Nobody, 2), [30]);
    }

    #[test]
    fn orphans_belong_by_memory_session_and_environment() {
        let all = [
            base(),
            vec![entry(40, KEEPER, 20), entry(41, KEEPER, 41), entry(42, KEEPER, 43), entry(44, 42, 44)],
        ]
        .concat();
        assert_eq!(pids(&all, &[], &|_| Named::Nobody, 1), [20, 40]);
        let seen = Members::of(&[entry(41, 20, 20)]);
        assert_eq!(pids(&all, &[(1, &seen)], &|_| Named::Nobody, 1), [20, 40, 41]);
        let other = Members { processes: BTreeSet::from([(41, 9)]), sessions: BTreeSet::from([43]) };
        assert_eq!(pids(&all, &[(2, &other)], &|_| Named::Nobody, 2), [30, 42, 44]);
        assert_eq!(
            pids(&all, &[], &|pid| if pid == 42 { Named::Slot(1) } else { Named::Nobody }, 1),
            [20, 40, 42, 44]
        );
    }

    #[test]
    fn strangers_and_the_dead_do_not_belong() {
        let mut zombie = entry(45, 20, 20);
        zombie.zombie = true;
        let all = [base(), vec![zombie, entry(46, 1, 20)]].concat();
        let seen = Members::of(&[entry(46, 20, 20)]);
        assert_eq!(pids(&all, &[(1, &seen)], &|_| Named::Slot(1), 1), [20]);
        let circle = [entry(50, 51, 50), entry(51, 50, 50)];
        assert_eq!(pids(&circle, &[], &|_| Named::Slot(1), 1), [0_u32; 0]);
    }

    #[test]
    fn what_is_in_the_middle_of_exec_is_unclear() {
        let all = [base(), vec![entry(40, KEEPER, 40), entry(41, 40, 40)]].concat();
        let leaders = BTreeMap::from([(20, 1)]);
        let look = |named: &dyn Fn(u32) -> Named| {
            let known = Known { keeper: KEEPER, engine: None, leaders: &leaders, members: Vec::new(), named };
            assign(&all, &known).unclear
        };
        assert!(look(&|pid| if pid == 40 { Named::Unclear } else { Named::Nobody }));
        assert!(!look(&|_| Named::Nobody));
    }
}
