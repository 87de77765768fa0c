//! `start`, `restart` and `reset`.

use super::super::Supervisor;
use super::super::event::{JobCause, Request, Ticket};
use super::super::memo::Then;
use super::super::reply::{Refusal, Reply};
use super::super::slot::{Fate, State};
use super::super::state::Desired;
use super::super::ticket::{Goal, Pledge};
use super::entries;
use crate::ident::ServiceName;
use crate::spec::Problem;
use crate::spec::model::Kind;
use std::collections::BTreeSet;

impl Supervisor {
    /// Brings up the named services and all they depend on.
    pub(super) fn start(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.bring_up_all(ticket, request, &BTreeSet::new())
    }

    /// Stops what runs of the named services and brings it up again, with all they depend on. Their dependants are
    /// left as they are.
    pub(super) fn restart(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.bring_up_all(ticket, request, &request.names.iter().cloned().collect())
    }

    fn bring_up_all(
        &mut self,
        ticket: Ticket,
        request: &Request,
        afresh: &BTreeSet<ServiceName>,
    ) -> Result<(), Refusal> {
        self.check_known(request)?;
        let targets = self.with_dependencies(&request.names);
        self.check_complete(&targets)?;
        self.check_not_held(&targets, afresh)?;
        for name in &targets {
            self.supersede(name, &[Goal::Down, Goal::Gone]);
        }
        let mut changed = BTreeSet::new();
        for name in &targets {
            let wanted = self.want(name, Desired::Up);
            if let Some(service) = self.services.get_mut(name) {
                service.fate = Fate::Stays;
            }
            let acted = if afresh.contains(name) { self.bring_up_afresh(name) } else { self.bring_up(name) };
            if wanted || acted {
                changed.insert(name.clone());
            }
        }
        self.settle();
        let targets = entries(&targets, &request.names, &changed);
        self.pledge(Pledge {
            ticket,
            goal: Goal::Up,
            targets,
            no_wait: request.no_wait,
            deadline: request.deadline,
        });
        Ok(())
    }

    /// A dependency that is not installed (it was uninstalled by force) would be waited for in vain.
    pub(super) fn check_complete(&self, targets: &BTreeSet<ServiceName>) -> Result<(), Refusal> {
        let services = targets.iter().filter_map(|name| self.services.get(name));
        let edges =
            services.flat_map(|service| service.spec.depends_on.keys().map(|on| (&service.spec.name, on)));
        let problem = |(name, on): (&ServiceName, &ServiceName)| Problem {
            path: format!("depends_on.{on}"),
            which: crate::spec::Which::Value,
            message: format!("{name} depends on {on}, which is not installed; install it first"),
        };
        let missing = edges.filter(|(_, on)| !self.services.contains_key(on));
        let problems: Vec<Problem> = missing.map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(Refusal::Invalid(problems)) }
    }

    /// Starts one service; gives whether there was anything to do.
    pub(super) fn bring_up(&mut self, name: &ServiceName) -> bool {
        let Some(service) = self.services.get(name) else { return false };
        match &service.slot.state {
            State::Scheduled | State::Waiting(_) | State::Starting(_) | State::Running(_) => false,
            State::Completed if service.spec.kind == Kind::Oneshot => false,
            State::Stopped | State::Backoff { .. } | State::Failed | State::Completed => {
                self.start_afresh(name);
                true
            }
            State::Stopping(_) => self.come_up_again(name),
        }
    }

    /// Starts one service, and stops it first if it runs.
    pub(super) fn bring_up_afresh(&mut self, name: &ServiceName) -> bool {
        let Some(service) = self.services.get_mut(name) else { return false };
        if service.is_job() && service.job.run.is_some() {
            // The run under way ends, and another one takes its place.
            service.job.queued = Some(JobCause::Command);
            self.cut_run(name, "restarted by command");
            return true;
        }
        match &service.slot.state {
            State::Scheduled | State::Waiting(_) => false,
            State::Starting(_) | State::Running(_) => {
                service.slot.history.count_anew();
                self.stop_process(name, Then::Fresh, "restarted by command".to_owned());
                true
            }
            State::Stopped | State::Backoff { .. } | State::Failed | State::Completed => {
                self.start_afresh(name);
                true
            }
            State::Stopping(_) => self.come_up_again(name),
        }
    }

    fn start_afresh(&mut self, name: &ServiceName) {
        if let Some(slot) = self.slot_mut(name) {
            slot.history.count_anew();
        }
        self.try_start(name, "started by command", None);
    }

    /// Lets a service that is being stopped come up when it is; gives whether it would not have.
    fn come_up_again(&mut self, name: &ServiceName) -> bool {
        let Some(slot) = self.slot_mut(name) else { return false };
        slot.history.count_anew();
        let State::Stopping(stopping) = &mut slot.state else { return false };
        let before = std::mem::replace(&mut stopping.then, Then::Fresh);
        self.remember(name);
        before != Then::Fresh
    }

    /// Clears `Failed`.
    pub(super) fn reset(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.check_known(request)?;
        let targets: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        let mut changed = BTreeSet::new();
        for name in &targets {
            let Some(slot) = self.slot_mut(name) else { continue };
            if matches!(slot.state, State::Failed) {
                slot.history.count_anew();
                self.try_start(name, "reset by command", None);
                changed.insert(name.clone());
            }
        }
        let done = entries(&targets, &request.names, &changed).into_values().collect();
        self.reply(ticket, Reply::Done(done));
        Ok(())
    }
}
