//! All processes of a slot: killed as a whole, and seen to be gone.
//!
//! With a cgroup the kernel kills them at once and tells when none is left. Without one the process table is walked:
//! when a leader ends, before a stop signal, some time after the engine notes something for a slot, and while a tree is
//! killed. A killed tree is looked at again after each death of an orphan (SIGCHLD), and after a rising pause.

use super::deadlines::{Due, SlotId};
use super::members::{Found, Known, Members, Named, assign};
use super::signals::KILL;
use super::slots::{Killing, Occupant, Stage};
use super::token::Token;
use super::{Keeper, later, now, say};
use crate::INSTANCE_VARIABLE;
use crate::protocol::{Notice, STUCK_AFTER_MS, STUCK_PIDS_MAX, SlotKey};
use std::collections::BTreeSet;
use std::time::Duration;
use svcctl_os::linux::cgroup::Group;
use svcctl_os::linux::poll::Interest;
use svcctl_os::linux::procfs::{self, Variable};
use svcctl_os::process::{reap, send_signal};

/// An exit that is not acknowledged for this long costs the engine its life.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(5);
/// The first wait before a walked tree is looked through and killed again; it doubles up to the next.
const KILL_PAUSE_FIRST: Duration = Duration::from_millis(2);
/// The longest such wait.
const KILL_PAUSE_MAX: Duration = Duration::from_millis(500);
/// How often a tree is looked at again before an orphan without an environment counts as nobody's; the wait is
/// [`KILL_PAUSE_FIRST`] and doubles each time, in all 126 ms.
const UNCLEAR_MAX: u32 = 6;
/// How soon after a note of the engine the process table is looked through, once for all slots.
const SCAN_AFTER: Duration = Duration::from_millis(100);
/// How old a look at the process table may be before a stop signal.
const SCAN_FRESH: Duration = Duration::from_millis(20);
/// The wait before cgroups that the kernel holds on to are removed again.
const GROUP_PAUSE: Duration = Duration::from_millis(20);
/// How often that is tried; somebody may have put a process of his own into it.
const GROUP_TRIES: u32 = 250;
/// The most cgroups that wait for their removal; what is more is left to the next keeper.
const OLD_GROUPS_MAX: usize = 4096;

/// Slots whose leader has ended and whose tree is to be looked at, in this round of the loop.
#[derive(Debug, Default)]
pub(super) struct Settling(BTreeSet<SlotId>);

impl Settling {
    /// Adds a slot.
    pub(super) fn add(&mut self, slot: SlotId) {
        self.0.insert(slot);
    }
}

impl Keeper {
    /// Gives a slot its cgroup.
    pub(super) fn prepare_group(&mut self, id: SlotId) {
        self.drop_spent_group(id);
        let Some(subtree) = &mut self.subtree else { return };
        let Some(slot) = self.slots.get(id).filter(|slot| slot.group.is_none()) else { return };
        match subtree.group(&slot.key) {
            Ok(group) => slot.group = Some(group),
            Err(error) => say(&format!("{}: no cgroup could be made: {error}", slot.key)),
        }
    }

    fn drop_spent_group(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id).filter(|slot| slot.spent) else { return };
        slot.spent = false;
        if let Some(group) = slot.group.take() {
            self.remove_group(group);
        }
    }

    /// Looks at the trees whose leaders have ended, and tells what there is to tell.
    pub(super) fn settle(&mut self) {
        // A tree that becomes empty just before its cgroup is watched adds itself once more.
        while !self.settling.0.is_empty() {
            let ids = std::mem::take(&mut self.settling.0);
            let any_walked = ids.iter().any(|id| self.is_walked(*id));
            let found = if any_walked { self.walk(Duration::ZERO) } else { Found::default() };
            for id in ids {
                let Some(slot) = self.slots.get(id) else { continue };
                let group_empty = slot.group.as_ref().is_none_or(|group| !group.populated().unwrap_or(false));
                let Some(process) = slot.any_process().filter(|process| process.is_left_over()) else {
                    continue;
                };
                let empty = if process.in_group { group_empty } else { !found.trees.contains_key(&id) };
                if empty && !process.in_group && found.unclear && process.unclear < UNCLEAR_MAX {
                    let pause = KILL_PAUSE_FIRST.saturating_mul(1 << process.unclear);
                    process.unclear += 1;
                    self.deadlines.set(Due::LookAgain(id), later(pause));
                    continue;
                }
                self.settle_one(id, empty);
            }
        }
    }

    fn is_walked(&mut self, id: SlotId) -> bool {
        self.slots.get(id).and_then(|slot| slot.any_process()).is_some_and(|process| !process.in_group)
    }

    fn settle_one(&mut self, id: SlotId, empty: bool) {
        let Some(slot) = self.slots.get(id) else { return };
        let Some(process) = slot.any_process() else { return };
        let in_group = process.in_group;
        let Stage::Ended { tree_empty, told, .. } = &mut process.stage else { return };
        let was_told = *told;
        *tree_empty = empty;
        if empty {
            process.killing = None;
            let pid = process.child.pid;
            let _ = reap(&process.child.pidfd);
            self.slots.remove_leader(pid);
            self.deadlines.clear_slot(id);
        }
        if in_group {
            self.watch_group(id, !empty);
        }
        if empty {
            self.drop_spent_group(id);
        }
        if !empty {
            self.pass_on_stop(id);
        }
        if empty || !was_told {
            self.tell_ended(id);
        }
    }

    /// Whether the kernel is to tell when the slot's cgroup is empty.
    fn watch_group(&mut self, id: SlotId, watch: bool) {
        let Some(group) = self.slots.get(id).and_then(|slot| slot.group.as_ref()) else { return };
        let token = Token::SlotTree(id).number();
        let result = if watch {
            // It may have been watched already.
            let _ = self.poller.remove(group.events());
            let added = self.poller.add(group.events(), token, Interest::Priority);
            // It may have become empty in between.
            if group.populated().is_ok_and(|populated| !populated) {
                self.settling.add(id);
            }
            added
        } else {
            let _ = self.poller.remove(group.events());
            Ok(())
        };
        if let Err(error) = result {
            say(&format!("a cgroup cannot be watched: {error}"));
        }
    }

    /// Begins to kill the tree of a slot.
    pub(super) fn kill_tree(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id).filter(|slot| slot.is_alive()) else { return };
        let Some(process) = slot.any_process() else { return };
        if process.killing.is_none() {
            let pause_ns = u64::try_from(KILL_PAUSE_FIRST.as_nanos()).unwrap_or(u64::MAX);
            process.killing = Some(Killing { pause_ns });
            self.deadlines.set(Due::Stuck(id), later(Duration::from_millis(STUCK_AFTER_MS)));
        }
        self.deadlines.clear(Due::KillBy(id));
        self.kill_now(id);
    }

    fn kill_now(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id) else { return };
        let key = slot.key.clone();
        let group = slot.group.as_ref().map(Group::kill);
        slot.spent = group.is_some();
        let Some(process) = slot.any_process() else { return };
        // The leader too by itself: it may have been moved to another cgroup.
        let _ = send_signal(&process.child.pidfd, KILL);
        if process.in_group {
            if let Some(Err(error)) = group {
                say(&format!("{key}: its cgroup could not be killed: {error}"));
            }
            return;
        }
        let pause_ns = process.killing.map_or(0, |killing| killing.pause_ns);
        for entry in self.walk(Duration::ZERO).trees.remove(&id).unwrap_or_default() {
            if let Err(error) = procfs::kill(entry) {
                say(&format!("{key}: pid {} could not be killed: {error}", entry.pid));
            }
        }
        self.deadlines.set(Due::KillAgain(id), now().saturating_add(pause_ns));
    }

    /// A walked tree that is being killed is looked through again.
    pub(super) fn handle_kill_again(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id).filter(|slot| slot.is_alive()) else { return };
        let Some(process) = slot.any_process() else { return };
        if let Some(killing) = &mut process.killing {
            let longest = u64::try_from(KILL_PAUSE_MAX.as_nanos()).unwrap_or(u64::MAX);
            killing.pause_ns = killing.pause_ns.saturating_mul(2).min(longest);
        }
        if process.is_left_over() {
            self.settling.add(id);
        }
        self.kill_now(id);
    }

    /// The engine's own deadline for a tree has passed.
    pub(super) fn handle_kill_by(&mut self, id: SlotId) {
        self.kill_tree(id);
        if let Some(slot) = self.slots.get(id) {
            say(&format!("{}: the time for its stop is over, it is killed", slot.key));
        }
    }

    /// A tree has been killed for a long time and is still there.
    pub(super) fn handle_stuck(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id).filter(|slot| slot.is_alive()) else { return };
        let key = slot.key.clone();
        let in_cgroup = slot.group.as_ref().and_then(|group| group.pids().ok()).unwrap_or_default();
        let Some(process) = slot.any_process() else { return };
        let generation = process.generation;
        let mut pids = if process.in_group {
            in_cgroup
        } else {
            self.walk(Duration::ZERO)
                .trees
                .remove(&id)
                .unwrap_or_default()
                .iter()
                .map(|entry| entry.pid)
                .collect()
        };
        pids.truncate(STUCK_PIDS_MAX);
        say(&format!("{key}: these processes do not die: {pids:?}"));
        self.tell(&Notice::TreeStuck { slot: key, generation, pids }, &[]);
    }

    /// Whether the trees of some slots have to be walked.
    fn walks(&self) -> bool {
        self.slots.iter().any(|(_, slot)| match &slot.occupant {
            Occupant::Process(process) => !process.in_group && slot.is_alive(),
            Occupant::Nobody { .. } | Occupant::Failed { .. } => false,
        })
    }

    /// Looks around soon, once for all that asks until then.
    pub(super) fn look_around_soon(&mut self) {
        if self.subtree.is_none() {
            self.deadlines.set_first(Due::Scan, later(SCAN_AFTER));
        }
    }

    /// Looks through the process table, to remember who belongs to whom.
    pub(super) fn look_around(&mut self) {
        if self.walks() {
            self.walk(SCAN_FRESH);
        }
    }

    /// After the death of an orphan, walked trees whose leader has ended may be empty.
    pub(super) fn settle_walked(&mut self) {
        let left_over = self.slots.iter().filter(|(_, slot)| match &slot.occupant {
            Occupant::Process(process) => !process.in_group && process.is_left_over(),
            Occupant::Nobody { .. } | Occupant::Failed { .. } => false,
        });
        let ids: Vec<SlotId> = left_over.map(|(id, _)| id).collect();
        for id in ids {
            self.settling.add(id);
        }
    }

    /// The live processes of each slot that is walked. Reads the process table unless that was done within `fresh`.
    pub(super) fn walk(&mut self, fresh: Duration) -> Found {
        let age = Duration::from_nanos(now().saturating_sub(self.table.0));
        if age > fresh || fresh.is_zero() {
            self.table = (now(), procfs::processes());
        }
        let slots = &self.slots;
        // Asked of orphans only that nothing else tells about: reading a process's environment waits while that process
        // waits for memory.
        let named = |pid: u32| match procfs::variable(pid, INSTANCE_VARIABLE) {
            Variable::Set(value) => {
                let slot = value.rsplit_once(':').and_then(|(key, _)| slots.id(&SlotKey::from(key)));
                slot.map_or(Named::Nobody, Named::Slot)
            }
            Variable::NotSet => Named::Nobody,
            Variable::NoEnvironment => Named::Unclear,
        };
        let members = slots.iter().filter_map(|(id, slot)| match &slot.occupant {
            Occupant::Process(process) if !process.in_group => Some((id, &process.members)),
            Occupant::Process(_) | Occupant::Nobody { .. } | Occupant::Failed { .. } => None,
        });
        let known = Known {
            keeper: std::process::id(),
            engine: self.engine.pid(),
            leaders: slots.leaders(),
            members: members.collect(),
            named: &named,
        };
        let found = assign(&self.table.1, &known);
        for (id, slot) in self.slots.iter_mut() {
            if let Some(process) = slot.any_process() {
                process.members =
                    found.trees.get(&id).map_or_else(Members::default, |tree| Members::of(tree));
            }
        }
        found
    }

    /// From now on the engine has its time to acknowledge the exit.
    pub(super) fn expect_acknowledgement(&mut self, id: SlotId) {
        self.deadlines.set(Due::Acknowledge(id), later(ACKNOWLEDGE_WITHIN));
    }

    /// It did not.
    pub(super) fn handle_unacknowledged(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id) else { return };
        let why = format!("it has not acknowledged the end of {}", slot.key);
        self.kill_engine(&why);
    }

    /// With a new engine, nothing counts as told.
    pub(super) fn forget_told(&mut self) {
        let ids: Vec<SlotId> = self.slots.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.deadlines.clear(Due::Acknowledge(id));
            let Some(process) = self.slots.get(id).and_then(|slot| slot.any_process()) else { continue };
            if let Stage::Ended { told, .. } = &mut process.stage {
                *told = false;
            }
        }
    }

    /// Removes the cgroup of a slot that is gone, now or a little later.
    pub(super) fn remove_group(&mut self, group: Group) {
        let _ = self.poller.remove(group.events());
        if matches!(group.remove(), Ok(false)) && self.old_groups.len() < OLD_GROUPS_MAX {
            self.old_groups.push((group, GROUP_TRIES));
            self.deadlines.set_first(Due::RemoveGroups, later(GROUP_PAUSE));
        }
    }

    /// Tries again.
    pub(super) fn remove_groups(&mut self) {
        self.old_groups.retain_mut(|(group, tries)| {
            *tries -= 1;
            matches!(group.remove(), Ok(false)) && *tries > 0
        });
        if !self.old_groups.is_empty() {
            self.deadlines.set_first(Due::RemoveGroups, later(GROUP_PAUSE));
        }
    }
}
