//! What an earlier keeper of the same run directory left when it died: nobody supervises it, so it is killed, all of it
//! and at once, whatever its services are to be now. The first engine is started when it is dead.
//!
//! Only cgroups tell what was left. Where trees are walked, or where this keeper was started from another cgroup than
//! the earlier one, it is not found.

use super::deadlines::Due;
use super::token::Token;
use super::{Keeper, later, say};
use std::collections::BTreeMap;
use std::time::Duration;
use svcctl_os::linux::cgroup::{Group, slot_of};
use svcctl_os::linux::poll::Interest;

/// How long the first engine waits for the death of all that is left.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(2);

/// The number of a leftover in the keeper's table.
pub(super) type LeftoverId = u64;

/// The cgroups whose processes have been killed and are not dead yet.
#[derive(Debug, Default)]
pub(super) struct Leftovers(BTreeMap<LeftoverId, Leftover>);

#[derive(Debug)]
struct Leftover {
    slot: String,
    group: Group,
}

impl Leftovers {
    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Keeper {
    /// Kills what an earlier keeper left, and removes its cgroups.
    pub(super) fn sweep(&mut self) {
        let Some(subtree) = &self.subtree else { return };
        let found: Vec<_> = subtree.names().into_iter().map(|name| (subtree.open(&name), name)).collect();
        for (id, (group, name)) in (0..).zip(found) {
            let slot = slot_of(&name).to_owned();
            match group {
                Ok(group) if group.populated().unwrap_or(true) => self.kill_leftover(id, slot, group),
                Ok(group) => self.remove_group(group),
                Err(error) => say(&format!("{slot}: what an earlier daemon left cannot be seen: {error}")),
            }
        }
        if self.leftovers.any() {
            self.deadlines.set(Due::Leftovers, later(LEFTOVERS_WITHIN));
        }
        // They may have died before that was watched.
        let killed: Vec<LeftoverId> = self.leftovers.0.keys().copied().collect();
        for id in killed {
            self.handle_leftover(id);
        }
    }

    fn kill_leftover(&mut self, id: LeftoverId, slot: String, group: Group) {
        let killed = group.kill();
        let watched = self.poller.add(group.events(), Token::Leftover(id).number(), Interest::Priority);
        match killed.and(watched) {
            Ok(()) => {
                say(&format!("{slot}: processes that an earlier daemon left are killed"));
                self.leftovers.0.insert(id, Leftover { slot, group });
            }
            Err(error) => {
                say(&format!("{slot}: processes that an earlier daemon left cannot be killed: {error}"));
                self.remove_group(group);
            }
        }
    }

    /// A leftover may be dead.
    pub(super) fn handle_leftover(&mut self, id: LeftoverId) {
        let Some(leftover) = self.leftovers.0.get(&id) else { return };
        if leftover.group.populated().unwrap_or(false) {
            return;
        }
        if let Some(leftover) = self.leftovers.0.remove(&id) {
            self.remove_group(leftover.group);
        }
        if !self.leftovers.any() {
            self.deadlines.clear(Due::Leftovers);
            self.start_engine();
        }
    }

    /// The time for dying is over: the engine is started in spite of what is left.
    pub(super) fn handle_leftovers_over(&mut self) {
        for Leftover { slot, group } in self.leftovers.0.values() {
            let pids = group.pids().unwrap_or_default();
            say(&format!("{slot}: these processes of an earlier daemon do not die: {pids:?}"));
        }
        self.forget_leftovers();
        self.start_engine();
    }

    /// Nothing is waited for any more but the removal of the cgroups.
    pub(super) fn forget_leftovers(&mut self) {
        self.deadlines.clear(Due::Leftovers);
        for Leftover { group, .. } in std::mem::take(&mut self.leftovers.0).into_values() {
            self.remove_group(group);
        }
    }
}
