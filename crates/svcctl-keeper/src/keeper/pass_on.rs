//! What a stop is to those who outlive the main process.
//!
//! A stop signal goes to the main process alone, since many programs end their workers themselves and in their own
//! order. But a shell that was told to end just ends, and the program that it had started knows nothing of it. So what
//! is left of the tree when the main process has ended gets the signal too, once, and has what is left of the time.

use super::deadlines::SlotId;
use super::{Keeper, say};
use std::time::Duration;
use svcctl_os::linux::procfs::{self, Entry};

impl Keeper {
    /// The main process has ended and others of its tree live on: they get the stop signal that it had, if it had one.
    pub(super) fn pass_on_stop(&mut self, id: SlotId) {
        let Some(process) = self.slots.get(id).and_then(|slot| slot.any_process()) else { return };
        let Some(signal) = process.stop_signal.take() else { return };
        let leader = process.child.pid;
        for entry in self.members_now(id).into_iter().filter(|entry| entry.pid != leader) {
            if let Err(error) = procfs::signal(entry, signal) {
                say(&format!("pid {} could not be told to end: {error}", entry.pid));
            }
        }
    }

    /// The live processes of a slot.
    fn members_now(&mut self, id: SlotId) -> Vec<Entry> {
        let Some(slot) = self.slots.get(id) else { return Vec::new() };
        let grouped = slot.group.as_ref().and_then(|group| group.pids().ok()).unwrap_or_default();
        if slot.any_process().is_some_and(|process| process.in_group) {
            return grouped.into_iter().filter_map(procfs::process).collect();
        }
        self.walk(Duration::ZERO).trees.remove(&id).unwrap_or_default()
    }
}
