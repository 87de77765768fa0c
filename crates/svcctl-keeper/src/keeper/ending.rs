//! The keeper's own end: nothing of the services is left behind.

use super::deadlines::{Due, SlotId};
use super::requests::ENGINE_END_WITHIN;
use super::slots::Slot;
use super::{EXIT_FAILED, Keeper, Phase, later, say};
use std::time::Duration;
use svcctl_os::linux::procfs::{self, Entry};

/// How long the keeper goes on killing before it ends in spite of processes that do not die.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How long it waits for the kernel to let go of cgroups that are empty.
const GROUPS_WITHIN: Duration = Duration::from_millis(500);

impl Keeper {
    /// Begins the end: kills what is left and lets the engine end.
    pub(super) fn end(&mut self, exit_code: u8) {
        if matches!(self.phase, Phase::Ending { .. }) {
            return;
        }
        self.phase = Phase::Ending { exit_code };
        if let Some(reporter) = self.reporter.take() {
            reporter.fail(exit_code.max(EXIT_FAILED), "the daemon was ended before it served");
        }
        for due in [Due::Shutdown, Due::StartEngine, Due::Splice] {
            self.deadlines.clear(due);
        }
        self.forget_leftovers();
        let ids: Vec<SlotId> = self.slots.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.kill_tree(id);
        }
        self.deadlines.set(Due::EndEngine, later(ENGINE_END_WITHIN));
        self.deadlines.set(Due::End, later(END_WITHIN));
    }

    /// The time for killing is over.
    pub(super) fn handle_end_over(&mut self) {
        let left: Vec<SlotId> =
            self.slots.iter().filter(|(_, slot)| slot.is_alive()).map(|(id, _)| id).collect();
        for id in left {
            if let Some(slot) = self.slots.remove(id) {
                say(&format!("{}: processes are left that do not die", slot.key));
            }
        }
        self.kill_engine("the daemon ends");
        // Whatever is in the way of the cgroups' removal stays.
        self.old_groups.clear();
        self.given_up = true;
    }

    /// The exit code, once nothing is left to wait for.
    pub(super) fn is_over(&mut self) -> Option<u8> {
        let Phase::Ending { exit_code } = self.phase else { return None };
        if self.engine.pid().is_some() || self.slots.iter().any(|(_, slot)| slot.is_alive()) {
            return None;
        }
        self.remove_all_groups();
        if !self.given_up && (!self.old_groups.is_empty() || self.kill_strays()) {
            return None;
        }
        if let Some(subtree) = self.subtree.take() {
            // Another keeper of the same directory may have its groups there.
            let _ = subtree.remove();
        }
        Some(exit_code)
    }

    fn remove_all_groups(&mut self) {
        let ids: Vec<SlotId> = self.slots.iter().map(|(id, _)| id).collect();
        let slots: Vec<Slot> = ids.into_iter().filter_map(|id| self.slots.remove(id)).collect();
        if slots.is_empty() {
            return;
        }
        for group in slots.into_iter().filter_map(|slot| slot.group) {
            self.remove_group(group);
        }
        self.deadlines.set(Due::End, later(GROUPS_WITHIN));
    }

    /// Without cgroups, a process may have left its tree without a trace. By now it is a child of the keeper, and all
    /// children that the keeper did not have from the beginning are of services. Gives whether there was one; its death
    /// brings SIGCHLD, and its own children to the keeper.
    fn kill_strays(&mut self) -> bool {
        if self.subtree.is_some() {
            return false;
        }
        let own = std::process::id();
        let is_stray = |entry: &Entry| {
            entry.parent == own && !entry.zombie && !self.before.contains(&(entry.pid, entry.start))
        };
        let strays: Vec<Entry> = procfs::processes().into_iter().filter(is_stray).collect();
        for entry in &strays {
            let _ = procfs::kill(*entry);
            say(&format!("pid {} has left the tree of its service; it is killed", entry.pid));
        }
        !strays.is_empty()
    }
}
