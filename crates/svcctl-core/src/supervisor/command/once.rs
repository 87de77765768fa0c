//! `start --once`: one run now, whatever is wanted otherwise.

use super::super::Supervisor;
use super::super::event::{JobCause, Request, Ticket};
use super::super::reply::Refusal;
use super::super::slot::State;
use super::super::ticket::{Goal, Pledge};
use super::entries;
use crate::ident::ServiceName;
use crate::spec::model::Kind;
use std::collections::BTreeSet;

impl Supervisor {
    /// Runs the named jobs or oneshots once; what is wanted of them stays as it is.
    pub(super) fn start_once(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.check_known(request)?;
        let targets: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        for name in &targets {
            self.check_once(name)?;
        }
        self.check_complete(&targets)?;
        for name in &targets {
            self.begin_run(name, JobCause::Command);
        }
        self.settle();
        let (no_wait, deadline) = (request.no_wait, request.deadline);
        let targets = entries(&targets, &request.names, &targets);
        self.pledge(Pledge { ticket, goal: Goal::Ran, targets, no_wait, deadline });
        Ok(())
    }

    fn check_once(&self, name: &ServiceName) -> Result<(), Refusal> {
        let Some(service) = self.services.get(name) else { return Ok(()) };
        let refuse = |why: &str| Err(Refusal::NotApplicable(name.clone(), why.to_owned()));
        if service.spec.kind == Kind::Simple {
            return refuse("is a program that stays and has no single run; start it with: svcctl start");
        }
        if let Some(hold) = &service.held {
            return Err(Refusal::Held(name.clone(), hold.reason.clone()));
        }
        match &service.slot.state {
            State::Stopped | State::Scheduled | State::Completed | State::Failed => Ok(()),
            State::Stopping(_) => refuse("is being stopped; repeat this when it is"),
            State::Waiting(_) | State::Starting(_) | State::Running(_) | State::Backoff { .. } => {
                refuse("is running already; wait for its end, or end it with: svcctl stop")
            }
        }
    }
}
