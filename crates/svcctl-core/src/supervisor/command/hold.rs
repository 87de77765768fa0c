//! `hold` and `unhold`: nothing of a held service is started, whoever wants it; what runs goes on.

use super::super::Supervisor;
use super::super::action::{Action, NoteKind, NoteLevel, Persist};
use super::super::event::{Hold, Request, Ticket};
use super::super::reply::{Refusal, Reply};
use super::super::slot::State;
use super::entries;
use crate::ident::ServiceName;
use crate::spec::model::Kind;
use std::collections::BTreeSet;

impl Supervisor {
    /// Holds the named services, durably. A second hold has the reason of the second.
    pub(super) fn hold_all(
        &mut self,
        ticket: Ticket,
        request: &Request,
        reason: &str,
    ) -> Result<(), Refusal> {
        let since = self.now.wall;
        self.set_holds(ticket, request, |before| {
            let since = before.map_or(since, |hold| hold.since);
            Some(Hold { reason: reason.to_owned(), since })
        })
    }

    /// Takes holds back; what waited only for that starts.
    pub(super) fn unhold_all(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.set_holds(ticket, request, |_| None)
    }

    fn set_holds(
        &mut self,
        ticket: Ticket,
        request: &Request,
        hold: impl Fn(Option<&Hold>) -> Option<Hold>,
    ) -> Result<(), Refusal> {
        self.check_known(request)?;
        let targets: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        let mut changed = BTreeSet::new();
        for name in &targets {
            let Some(service) = self.services.get_mut(name) else { continue };
            let new = hold(service.held.as_ref());
            if service.held == new {
                continue;
            }
            service.held.clone_from(&new);
            let message = match &new {
                Some(Hold { reason, .. }) if reason.is_empty() => "held by command".to_owned(),
                Some(Hold { reason, .. }) => format!("held by command: {reason}"),
                None => "no longer held".to_owned(),
            };
            self.actions.push_back(Action::Persist(Persist::Hold(name.clone(), new)));
            self.note(name, None, NoteKind::Command, NoteLevel::Info, message);
            self.unsettled.insert(name.clone());
            changed.insert(name.clone());
        }
        self.settle();
        let done = entries(&targets, &request.names, &changed).into_values().collect();
        self.reply(ticket, Reply::Done(done));
        Ok(())
    }

    /// A start of what is held would be waited for in vain: of what does not run already, and of all of `afresh`.
    pub(super) fn check_not_held(
        &self,
        targets: &BTreeSet<ServiceName>,
        afresh: &BTreeSet<ServiceName>,
    ) -> Result<(), Refusal> {
        for name in targets {
            let Some(service) = self.services.get(name) else { continue };
            let Some(hold) = &service.held else { continue };
            let there = match &service.slot.state {
                State::Starting(_) | State::Running(_) | State::Scheduled => true,
                State::Completed => service.spec.kind == Kind::Oneshot,
                State::Stopped
                | State::Waiting(_)
                | State::Stopping(_)
                | State::Backoff { .. }
                | State::Failed => false,
            };
            if !there || afresh.contains(name) {
                return Err(Refusal::Held(name.clone(), hold.reason.clone()));
            }
        }
        Ok(())
    }
}
