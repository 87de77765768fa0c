//! What people want: each command's checks, what it does to each service, and what it waits for.

mod apply;
mod enable;
mod hold;
mod install;
mod once;
mod shutdown;
mod signal;
mod start;
mod stop;

use super::Supervisor;
use super::action::{Action, Persist};
use super::event::{Command, Request, Ticket};
use super::reply::{Done, Refusal, Reply};
use super::state::Desired;
use crate::ident::ServiceName;
use crate::spec::nearest::nearest;
use std::collections::{BTreeMap, BTreeSet};

impl Supervisor {
    pub(super) fn handle_command(&mut self, ticket: Ticket, command: Command) {
        let changes = !matches!(command, Command::Show(_) | Command::Shutdown { .. });
        if changes && self.is_ending() {
            return self.reply(ticket, Reply::Refused(Refusal::ShuttingDown));
        }
        let refusal = match command {
            Command::Show(name) => self.show(ticket, name),
            Command::Shutdown { deadline } => {
                self.shutdown(ticket, deadline);
                Ok(())
            }
            Command::Install { spec, source, update } => self.install(ticket, spec, source, update),
            Command::Apply { services, prune } => self.apply(ticket, services, prune),
            Command::Enable(request, autostart) => self.enable(ticket, &request, autostart),
            Command::StartOnce(request) => self.start_once(ticket, &request),
            Command::Reload(request) => self.reload_all(ticket, &request),
            Command::Signal(request, signal) => self.signal_all(ticket, &request, signal),
            Command::Hold(request, reason) => self.hold_all(ticket, &request, &reason),
            Command::Unhold(request) => self.unhold_all(ticket, &request),
            Command::Uninstall(request) => self.uninstall(ticket, &request),
            Command::Start(request) => self.start(ticket, &request),
            Command::Stop(request) => self.stop(ticket, &request),
            Command::Restart(request) => self.restart(ticket, &request),
            Command::Reset(request) => self.reset(ticket, &request),
        };
        if let Err(refusal) = refusal {
            self.reply(ticket, Reply::Refused(refusal));
        }
    }

    fn show(&mut self, ticket: Ticket, name: Option<ServiceName>) -> Result<(), Refusal> {
        let views = match name {
            None => self.views(),
            Some(name) => vec![self.view(&name).ok_or_else(|| self.unknown(&name))?],
        };
        self.reply(ticket, Reply::Views(views));
        Ok(())
    }

    fn unknown(&self, name: &ServiceName) -> Refusal {
        let near = nearest(name.as_str(), self.services.keys().map(ServiceName::as_str));
        Refusal::NoSuchService(name.clone(), near.and_then(|near| ServiceName::new(near).ok()))
    }

    /// All names of a request must be known before anything is done.
    fn check_known(&self, request: &Request) -> Result<(), Refusal> {
        match request.names.iter().find(|name| !self.services.contains_key(name)) {
            Some(name) => Err(self.unknown(name)),
            None => Ok(()),
        }
    }

    /// Notes what is wanted of `name`, durably; gives whether that is new.
    fn want(&mut self, name: &ServiceName, desired: Desired) -> bool {
        let Some(service) = self.services.get_mut(name) else { return false };
        if service.desired == desired {
            return false;
        }
        service.desired = desired;
        self.actions.push_back(Action::Persist(Persist::Desired(name.clone(), desired)));
        match desired {
            Desired::Up => self.arm(name),
            Desired::Down => self.disarm(name),
        }
        self.follow_watches(name);
        true
    }
}

/// One entry for each of `all`; those that are not among `named` were taken along.
fn entries(
    all: &BTreeSet<ServiceName>,
    named: &[ServiceName],
    changed: &BTreeSet<ServiceName>,
) -> BTreeMap<ServiceName, Done> {
    let named: BTreeSet<&ServiceName> = named.iter().collect();
    let entry = |name: &ServiceName| Done {
        name: name.clone(),
        changed: changed.contains(name),
        taken_along: !named.contains(name),
    };
    all.iter().map(|name| (name.clone(), entry(name))).collect()
}
