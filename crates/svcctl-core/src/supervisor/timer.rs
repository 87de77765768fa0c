//! The one table of deadlines. Every owner has at most one: a slot's follows from its state, so that no timer can
//! outlive the state it belongs to.

use super::event::Ticket;
use crate::ident::SlotKey;
use crate::time::Mono;
use std::collections::{BTreeMap, BTreeSet};

/// Whose deadline it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The next point at which this slot has to act.
    Slot(SlotKey),
    /// When the schedule of this slot is due.
    Job(SlotKey),
    /// When this command is answered at the latest.
    Ticket(Ticket),
}

/// All deadlines, ordered by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Mono, Timer)>,
    by_owner: BTreeMap<Timer, Mono>,
}

impl Timers {
    /// Sets the owner's deadline, or clears it.
    pub(super) fn set(&mut self, owner: Timer, at: Option<Mono>) {
        let before = match at {
            Some(at) => self.by_owner.insert(owner.clone(), at),
            None => self.by_owner.remove(&owner),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, owner.clone()));
        }
        if let Some(at) = at {
            self.by_time.insert((at, owner));
        }
    }

    /// When the first deadline is.
    pub(super) fn next(&self) -> Option<Mono> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the first deadline that is due.
    pub(super) fn pop_due(&mut self, now: Mono) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let (_, owner) = self.by_time.pop_first()?;
        self.by_owner.remove(&owner);
        Some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_one_deadline_and_it_comes_once() {
        let mut timers = Timers::default();
        let (one, two) = (Timer::Ticket(Ticket(1)), Timer::Ticket(Ticket(2)));
        timers.set(one.clone(), Some(Mono(10)));
        timers.set(one.clone(), Some(Mono(5)));
        timers.set(two.clone(), Some(Mono(7)));
        assert_eq!(timers.next(), Some(Mono(5)));
        assert_eq!(timers.pop_due(Mono(4)), None);
        assert_eq!(timers.pop_due(Mono(9)), Some(one));
        timers.set(two, None);
        assert_eq!(timers.pop_due(Mono(100)), None);
        assert_eq!(timers.next(), None);
    }
}
