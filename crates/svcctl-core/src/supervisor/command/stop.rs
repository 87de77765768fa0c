//! `stop` and `uninstall`.

use super::super::Supervisor;
use super::super::event::{Dependants, Request, Ticket};
use super::super::memo::Then;
use super::super::reply::Refusal;
use super::super::slot::{Fate, State};
use super::super::state::Desired;
use super::super::ticket::{Goal, Pledge};
use super::entries;
use crate::ident::ServiceName;
use std::collections::BTreeSet;

impl Supervisor {
    /// Takes the named services down.
    pub(super) fn stop(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.check_known(request)?;
        let named: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        let with_dependants = self.with_active_dependants(&request.names);
        let targets = match request.dependants {
            Dependants::Ignore => named,
            Dependants::StopToo => with_dependants,
            Dependants::Refuse => self.refuse_if_needed(named, &with_dependants)?,
        };
        let changed = self.take_down_all(&targets);
        let targets = entries(&targets, &request.names, &changed);
        self.pledge(Pledge {
            ticket,
            goal: Goal::Down,
            targets,
            no_wait: request.no_wait,
            deadline: request.deadline,
        });
        Ok(())
    }

    /// Takes the named services down and forgets them.
    pub(super) fn uninstall(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.check_known(request)?;
        let named: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        let taken_along = match request.dependants {
            Dependants::Ignore => BTreeSet::new(),
            Dependants::StopToo => {
                self.with_active_dependants(&request.names).difference(&named).cloned().collect()
            }
            Dependants::Refuse => {
                self.refuse_if_needed(named.clone(), &self.with_staying_dependants(&named))?;
                BTreeSet::new()
            }
        };
        for name in &named {
            self.supersede(name, &Goal::OF_LIFE);
            if let Some(service) = self.services.get_mut(name) {
                service.fate = Fate::Forgotten;
            }
        }
        self.take_down_all(&taken_along.union(&named).cloned().collect());
        for name in &named {
            if self.services.get(name).is_some_and(|service| matches!(service.slot.state, State::Stopped)) {
                self.forget(name);
            }
        }
        let targets = entries(&named, &request.names, &named);
        self.pledge(Pledge {
            ticket,
            goal: Goal::Gone,
            targets,
            no_wait: request.no_wait,
            deadline: request.deadline,
        });
        Ok(())
    }

    fn with_staying_dependants(&self, named: &BTreeSet<ServiceName>) -> BTreeSet<ServiceName> {
        let dependants = named.iter().flat_map(|name| self.dependants.of(name));
        let staying =
            dependants.filter(|name| self.services.get(*name).is_some_and(|one| one.fate == Fate::Stays));
        staying.chain(named).cloned().collect()
    }

    /// Gives `named`, unless `affected` has others.
    fn refuse_if_needed(
        &self,
        named: BTreeSet<ServiceName>,
        affected: &BTreeSet<ServiceName>,
    ) -> Result<BTreeSet<ServiceName>, Refusal> {
        let others: Vec<ServiceName> = affected.difference(&named).cloned().collect();
        if others.is_empty() {
            return Ok(named);
        }
        let needed =
            |name: &&ServiceName| self.dependants.of(name).any(|dependant| others.contains(dependant));
        let first = named.iter().find(needed).or(named.first()).cloned();
        match first {
            Some(name) => Err(Refusal::Needed(name, others)),
            None => Ok(named),
        }
    }

    /// Takes services down; gives those for which there was anything to do.
    pub(super) fn take_down_all(&mut self, targets: &BTreeSet<ServiceName>) -> BTreeSet<ServiceName> {
        for name in targets {
            self.supersede(name, &Goal::OF_LIFE);
        }
        let mut changed = BTreeSet::new();
        for name in targets {
            if self.want(name, Desired::Down) {
                changed.insert(name.clone());
            }
        }
        for name in targets {
            self.take_down(name, "stopped by command");
        }
        self.settle();
        changed
    }

    /// Takes one service down, from whatever state it is in.
    pub(in crate::supervisor) fn take_down(&mut self, name: &ServiceName, why: &str) {
        self.end_run(name, false, why);
        let Some(service) = self.services.get(name) else { return };
        match &service.slot.state {
            State::Stopped | State::Stopping(_) => {}
            State::Scheduled
            | State::Waiting(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => {
                self.enter(name, State::Stopped, why.to_owned(), None);
            }
            State::Starting(_) | State::Running(_) => self.stop_process(name, Then::Fresh, why.to_owned()),
        }
    }
}
