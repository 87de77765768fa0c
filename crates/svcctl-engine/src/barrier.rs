//! The order of actions around what must be durable first.
//!
//! The core's contract (`svcctl_core::supervisor::action`): what follows a `Persist` for the same service, and every
//! reply that promises something, waits until it is durable. What only tells of a state promises nothing. Actions of other services pass, so a slow disk holds back a stop of one service
//! but never the restart of another. When the store fails, what waited is done all the same (a stop must stop), and
//! every reply that waited says that its promise may not outlive the machine.

use std::collections::{BTreeMap, VecDeque};
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::action::{Action, HookRun, Persist, Probe, Watch};
use svcctl_core::supervisor::event::{HookId, ProbeId, Ticket};
use svcctl_core::supervisor::reply::Reply;

/// What may be done now.
#[derive(Debug)]
pub(crate) enum Step {
    /// Carry this out.
    Act(Action),
    /// Give this to the store under this number.
    Persist(u64, Persist),
    /// Give this to the store, which may take its time.
    Behind(Persist),
    /// Answer; with the store's error, if what the answer promises may not be durable.
    Reply(Ticket, Reply, Option<String>),
}

/// Holds back what must wait.
#[derive(Debug, Default)]
pub(crate) struct Barrier {
    /// The number of the last persist handed out.
    issued: u64,
    /// The number up to which the store has answered.
    settled: u64,
    /// The last persist of each service that is still open.
    open: BTreeMap<ServiceName, u64>,
    /// What waits, in the core's order.
    parked: VecDeque<Parked>,
}

#[derive(Debug)]
struct Parked {
    needed: u64,
    action: Action,
    error: Option<String>,
}

impl Barrier {
    /// Takes one action, in the core's order. Gives it back as a step if it may be done at once.
    pub(crate) fn push(&mut self, action: Action) -> Option<Step> {
        if let Action::Persist(persist @ Persist::Job(..)) = action {
            return Some(Step::Behind(persist));
        }
        if let Action::Persist(persist) = action {
            self.issued += 1;
            self.open.insert(persist.name().clone(), self.issued);
            return Some(Step::Persist(self.issued, persist));
        }
        let needed = self.needed(&action);
        if needed <= self.settled {
            return Some(step(action, None));
        }
        self.parked.push_back(Parked { needed, action, error: None });
        None
    }

    /// The store has answered everything up to the persist `upto`: it is durable, or failed for the reason in
    /// `error`. Gives what may be done now, in order.
    pub(crate) fn settle(&mut self, upto: u64, error: Option<&str>) -> Vec<Step> {
        self.settled = self.settled.max(upto);
        self.open.retain(|_, number| *number > upto);
        let mut steps = Vec::new();
        for mut parked in std::mem::take(&mut self.parked) {
            if parked.error.is_none() {
                parked.error = error.map(str::to_owned);
            }
            if parked.needed <= self.settled {
                steps.push(step(parked.action, parked.error));
            } else {
                self.parked.push_back(parked);
            }
        }
        steps
    }

    fn needed(&self, action: &Action) -> u64 {
        let name = match action {
            // A note tells what has happened, as a view does; neither waits for anything.
            Action::Reply(_, Reply::Views(_) | Reply::Refused(_)) | Action::Note(_) => return 0,
            Action::Reply(
                _,
                Reply::Done(_)
                | Reply::Applied(_)
                | Reply::Failed(_)
                | Reply::TimedOut(_)
                | Reply::Superseded(_),
            ) => return self.issued,
            Action::Spawn { id, .. }
            | Action::Signal { id, .. }
            | Action::KillTree { id, .. }
            | Action::StartProbe(Probe { id: ProbeId { id, .. }, .. })
            | Action::StopProbe(ProbeId { id, .. })
            | Action::RunHook(HookRun { id: HookId { id, .. }, .. })
            | Action::CancelHook(HookId { id, .. })
            | Action::Acknowledge(id) => &id.slot.name,
            Action::Watch(Watch { id, .. }) | Action::Unwatch(id) => &id.name,
            Action::Remember { slot, .. } | Action::Release(slot) => &slot.name,
            Action::Publish(transition) => &transition.slot.name,
            Action::Persist(persist) => persist.name(),
        };
        self.open.get(name).copied().unwrap_or(0)
    }
}

fn step(action: Action, error: Option<String>) -> Step {
    match action {
        Action::Reply(ticket, reply) => Step::Reply(ticket, reply, error),
        other => Step::Act(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svcctl_core::ident::SlotKey;
    use svcctl_core::supervisor::state::Desired;

    fn name(text: &str) -> ServiceName {
        ServiceName::new(text).unwrap()
    }

    fn persist(text: &str) -> Action {
        Action::Persist(Persist::Desired(name(text), Desired::Down))
    }

    fn release(text: &str) -> Action {
        Action::Release(SlotKey { name: name(text), index: 0 })
    }

    fn reply(ticket: u64) -> Action {
        Action::Reply(Ticket(ticket), Reply::Done(Vec::new()))
    }

    #[test]
    fn a_service_waits_for_its_own_persist_and_others_pass() {
        let mut barrier = Barrier::default();
        assert!(matches!(barrier.push(persist("a")), Some(Step::Persist(1, _))));
        assert!(barrier.push(release("a")).is_none());
        assert!(matches!(barrier.push(release("b")), Some(Step::Act(_))));
        let steps = barrier.settle(1, None);
        assert!(matches!(steps.as_slice(), [Step::Act(Action::Release(slot))] if slot.name == name("a")));
        assert!(matches!(barrier.push(release("a")), Some(Step::Act(_))));
    }

    #[test]
    fn a_reply_waits_for_every_persist_before_it_and_keeps_its_place() {
        let mut barrier = Barrier::default();
        barrier.push(persist("a"));
        barrier.push(persist("b"));
        barrier.push(release("b"));
        barrier.push(reply(7));
        assert!(barrier.settle(1, None).is_empty());
        let steps = barrier.settle(2, None);
        assert!(matches!(steps.as_slice(), [Step::Act(_), Step::Reply(Ticket(7), _, None)]));
    }

    #[test]
    fn a_question_is_answered_however_slow_the_disk_is() {
        let mut barrier = Barrier::default();
        barrier.push(persist("a"));
        let shown = Action::Reply(Ticket(3), Reply::Views(Vec::new()));
        assert!(matches!(barrier.push(shown), Some(Step::Reply(Ticket(3), _, None))));
    }

    #[test]
    fn a_failed_store_lets_go_and_says_so_in_the_reply() {
        let mut barrier = Barrier::default();
        barrier.push(persist("a"));
        barrier.push(release("a"));
        barrier.push(reply(1));
        let steps = barrier.settle(1, Some("no space left"));
        let [Step::Act(_), Step::Reply(_, _, Some(error))] = steps.as_slice() else { panic!("{steps:?}") };
        assert_eq!(error, "no space left");
        assert!(matches!(barrier.push(reply(2)), Some(Step::Reply(_, _, None))));
    }
}
