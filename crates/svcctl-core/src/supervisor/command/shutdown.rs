//! The end of the engine: everything is stopped, nothing is started, what is wanted stays as it is.

use super::super::event::Ticket;
use super::super::reply::Done;
use super::super::slot::{Main, Progress, State};
use super::super::ticket::{Goal, Pledge};
use super::super::{Life, Supervisor};
use crate::ident::ServiceName;
use crate::time::Mono;
use std::collections::BTreeMap;

impl Supervisor {
    pub(super) fn shutdown(&mut self, ticket: Ticket, deadline: Mono) {
        if !self.is_ending() {
            self.life = Life::Ending { killing: false };
        }
        let names: Vec<ServiceName> = self.services.keys().cloned().collect();
        for name in &names {
            self.supersede(name, &Goal::OF_LIFE);
            self.look_at_clock(name);
        }
        for name in &names {
            self.wind_down(name);
        }
        self.settle();
        let left = names.into_iter().filter(|name| self.has_process(name));
        let entry = |name: ServiceName| (name.clone(), Done { name, changed: true, taken_along: false });
        let targets: BTreeMap<ServiceName, Done> = left.map(entry).collect();
        let deadline = Some(deadline);
        self.pledge(Pledge { ticket, goal: Goal::Empty, targets, no_wait: false, deadline });
    }

    /// Ends what `name` does; what it came to (failed, completed) stays shown.
    pub(in crate::supervisor) fn wind_down(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        match &service.slot.state {
            State::Stopped | State::Failed | State::Completed => {}
            State::Scheduled
            | State::Waiting(_)
            | State::Starting(_)
            | State::Running(_)
            | State::Stopping(_)
            | State::Backoff { .. } => self.take_down(name, "svcctl is ending"),
        }
    }

    fn has_process(&self, name: &ServiceName) -> bool {
        self.services.get(name).is_some_and(|service| service.slot.state.attempt().is_some())
    }

    /// The deadline of the end has come: what lives is killed now, what comes to life later as well.
    pub(in crate::supervisor) fn kill_what_is_left(&mut self) {
        self.life = Life::Ending { killing: true };
        let names: Vec<ServiceName> = self.services.keys().cloned().collect();
        for name in names {
            let Some(stopping) = self.stopping_mut(&name) else { continue };
            match (&stopping.progress, stopping.main) {
                (Progress::AfterExit { .. }, _) => self.stopped(&name, None),
                (Progress::Killing, _) | (_, Main::Unborn) => {}
                (Progress::Held { .. } | Progress::BeforeStop { .. } | Progress::Step { .. }, _) => {
                    self.kill(&name);
                }
            }
        }
    }
}
