//! Commands that are not answered yet: what each waits for, and the answer when that is decided.
//!
//! Every ticket is answered exactly once: it leaves the table with its answer, and nothing answers one that is not in
//! the table. A ticket *watches* every service it is about and *pends* on those that are not there yet.

use super::Supervisor;
use super::action::Action;
use super::event::Ticket;
use super::gate::is_ready;
use super::reply::{Done, Failure, Left, Reply};
use super::slot::{Reloading, Service, Stage, Starting, State};
use super::state::Phase;
use super::text;
use super::timer::Timer;
use crate::ident::ServiceName;
use crate::spec::model::{DependencyKind, Kind};
use crate::time::Mono;
use std::collections::{BTreeMap, BTreeSet};

/// What a command wants of each of its services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Running and ready, or completed.
    Up,
    /// Reloaded, and running (or completed).
    Reload,
    /// The run under way is over.
    Ran,
    /// No process left.
    Down,
    /// Forgotten.
    Gone,
    /// No process left of anything: the end of the engine.
    Empty,
}

impl Goal {
    /// What a stop makes impossible.
    pub(super) const OF_LIFE: [Self; 3] = [Self::Up, Self::Reload, Self::Ran];

    /// Whether it is reached when a service has come up.
    fn is_up(self) -> bool {
        match self {
            Self::Up | Self::Reload => true,
            Self::Ran | Self::Down | Self::Gone | Self::Empty => false,
        }
    }
}

/// A command that is accepted.
#[derive(Clone, Debug)]
pub(super) struct Pledge {
    pub(super) ticket: Ticket,
    pub(super) goal: Goal,
    pub(super) targets: BTreeMap<ServiceName, Done>,
    pub(super) no_wait: bool,
    pub(super) deadline: Option<Mono>,
}

#[derive(Clone, Debug)]
struct Open {
    goal: Goal,
    targets: BTreeMap<ServiceName, Done>,
    pending: BTreeSet<ServiceName>,
}

/// The open tickets, and who watches what.
#[derive(Clone, Debug, Default)]
pub(super) struct Tickets {
    open: BTreeMap<Ticket, Open>,
    watching: BTreeMap<ServiceName, BTreeSet<Ticket>>,
}

impl Tickets {
    fn insert(&mut self, ticket: Ticket, open: Open) {
        for name in open.targets.keys() {
            self.watching.entry(name.clone()).or_default().insert(ticket);
        }
        self.open.insert(ticket, open);
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Open> {
        let open = self.open.remove(&ticket)?;
        for name in open.targets.keys() {
            if let Some(tickets) = self.watching.get_mut(name) {
                tickets.remove(&ticket);
                if tickets.is_empty() {
                    self.watching.remove(name);
                }
            }
        }
        Some(open)
    }

    /// The tickets about `name` for which `which` holds.
    fn about(&self, name: &ServiceName, which: impl Fn(&Open) -> bool) -> Vec<Ticket> {
        let watching = self.watching.get(name).into_iter().flatten();
        watching.filter(|ticket| self.open.get(ticket).is_some_and(&which)).copied().collect()
    }
}

impl Supervisor {
    /// Answers a ticket that is not in the table.
    pub(super) fn reply(&mut self, ticket: Ticket, reply: Reply) {
        self.actions.push_back(Action::Reply(ticket, reply));
    }

    /// Answers a ticket of the table, and takes it out.
    fn close(&mut self, ticket: Ticket, reply: Reply) {
        if self.tickets.remove(ticket).is_some() {
            self.timers.set(Timer::Ticket(ticket), None);
            self.reply(ticket, reply);
        }
    }

    /// Waits for what was pledged, or answers at once where nothing is to be waited for.
    pub(super) fn pledge(&mut self, pledge: Pledge) {
        let Pledge { ticket, goal, targets, no_wait, deadline } = pledge;
        let pending: BTreeSet<ServiceName> =
            targets.keys().filter(|name| !self.is_reached(goal, name)).cloned().collect();
        let reached = pending.is_empty() && !(goal == Goal::Empty && self.orphans.any());
        if no_wait || reached {
            return self.reply(ticket, Reply::Done(targets.into_values().collect()));
        }
        self.tickets.insert(ticket, Open { goal, targets, pending: pending.clone() });
        self.timers.set(Timer::Ticket(ticket), deadline);
        if goal != Goal::Empty && pending.iter().any(|name| self.is_stuck(name)) {
            self.time_out(ticket);
        }
    }

    fn is_reached(&self, goal: Goal, name: &ServiceName) -> bool {
        let Some(service) = self.services.get(name) else { return true };
        match goal {
            Goal::Up if service.is_job() => !matches!(service.slot.state, State::Stopping(_)),
            Goal::Reload => match &service.slot.state {
                State::Running(running) => running.reload == Reloading::No,
                State::Completed | State::Scheduled => true,
                State::Stopped
                | State::Waiting(_)
                | State::Starting(_)
                | State::Stopping(_)
                | State::Backoff { .. }
                | State::Failed => false,
            },
            Goal::Ran => service.job.run.is_none(),
            Goal::Up => is_ready(service) || matches!(service.slot.state, State::Completed),
            Goal::Down | Goal::Empty => service.slot.state.attempt().is_none(),
            Goal::Gone => false,
        }
    }

    fn is_stuck(&self, name: &ServiceName) -> bool {
        let state = self.services.get(name).map(|service| &service.slot.state);
        matches!(state, Some(State::Stopping(stopping)) if !stopping.stuck.is_empty())
    }

    /// `name` is where tickets of these goals want it.
    fn reached(&mut self, name: &ServiceName, goals: &[Goal]) {
        for ticket in self.tickets.about(name, |open| goals.contains(&open.goal)) {
            let Some(open) = self.tickets.open.get_mut(&ticket) else { continue };
            open.pending.remove(name);
            self.close_if_done(ticket);
        }
    }

    fn close_if_done(&mut self, ticket: Ticket) {
        let Some(open) = self.tickets.open.get(&ticket) else { return };
        let waits_for_orphans = open.goal == Goal::Empty && self.orphans.any();
        if open.pending.is_empty() && !waits_for_orphans {
            let targets = open.targets.values().cloned().collect();
            self.close(ticket, Reply::Done(targets));
        }
    }

    /// The last orphan may be gone: the end of the engine may have waited for it.
    pub(super) fn ticket_orphan_gone(&mut self) {
        let ending = self.tickets.open.iter().filter(|(_, open)| open.goal == Goal::Empty);
        for ticket in ending.map(|(ticket, _)| *ticket).collect::<Vec<_>>() {
            self.close_if_done(ticket);
        }
    }

    /// `name` runs and is ready.
    pub(super) fn ticket_up(&mut self, name: &ServiceName) {
        self.reached(name, &[Goal::Up, Goal::Reload]);
    }

    /// `name` was reloaded by its command.
    pub(super) fn ticket_reloaded(&mut self, name: &ServiceName) {
        self.reached(name, &[Goal::Reload]);
    }

    /// The reload of `name` failed.
    pub(super) fn ticket_not_reloaded(&mut self, name: &ServiceName, why: &str) {
        self.fail(name, why, |goal| goal == Goal::Reload);
    }

    /// The run of `name` is over.
    pub(super) fn ticket_ran(&mut self, name: &ServiceName, succeeded: bool, result: &str) {
        if succeeded {
            self.reached(name, &[Goal::Ran]);
        } else {
            self.fail(name, result, |goal| goal == Goal::Ran);
        }
    }

    /// Those that wait for this of `name` wait in vain.
    fn fail(&mut self, name: &ServiceName, why: &str, which: impl Fn(Goal) -> bool) {
        for ticket in self.tickets.about(name, |open| which(open.goal) && open.pending.contains(name)) {
            self.close(ticket, failed(name, why, None));
        }
    }

    /// `name` completed. What depends on it being ready, and it is none that stays ready, waits in vain.
    pub(super) fn ticket_completed(&mut self, name: &ServiceName, kind: Kind) {
        self.reached(name, &[Goal::Up, Goal::Reload]);
        match kind {
            Kind::Oneshot => {}
            Kind::Simple => {
                let why = "ended with success, so it is not ready for what depends on it";
                for ticket in self.tickets.about(name, |open| open.goal == Goal::Up) {
                    if self.pending_needs_ready(ticket, name) {
                        self.close(ticket, failed(name, why, None));
                    }
                }
            }
        }
    }

    fn pending_needs_ready(&self, ticket: Ticket, on: &ServiceName) -> bool {
        let Some(open) = self.tickets.open.get(&ticket) else { return false };
        let services = open.pending.iter().filter_map(|name| self.services.get(name));
        services.into_iter().any(|service| service.spec.depends_on.get(on) == Some(&DependencyKind::Ready))
    }

    /// No process of `name` is left, and it is wanted down.
    pub(super) fn ticket_down(&mut self, name: &ServiceName) {
        self.reached(name, &[Goal::Down, Goal::Empty]);
    }

    /// `name` is forgotten.
    pub(super) fn ticket_gone(&mut self, name: &ServiceName) {
        self.reached(name, &[Goal::Gone]);
    }

    /// An attempt to start `name` failed; another one follows.
    pub(super) fn ticket_trouble(&mut self, name: &ServiceName, why: &str, next: &str) {
        for ticket in self.tickets.about(name, |open| open.goal.is_up() && open.pending.contains(name)) {
            self.close(ticket, failed(name, why, Some(next)));
        }
    }

    /// No other attempt to start `name` follows: also what depends on it waits in vain.
    pub(super) fn ticket_given_up(&mut self, name: &ServiceName, why: &str) {
        for ticket in self.tickets.about(name, |open| open.goal.is_up()) {
            self.close(ticket, failed(name, why, None));
        }
    }

    /// What is left of `name` cannot be ended.
    pub(super) fn ticket_stuck(&mut self, name: &ServiceName) {
        let waiting = |open: &Open| open.goal != Goal::Empty && open.pending.contains(name);
        for ticket in self.tickets.about(name, waiting) {
            self.time_out(ticket);
        }
    }

    /// A new command wants the opposite of what these tickets are waiting for.
    pub(super) fn supersede(&mut self, name: &ServiceName, goals: &[Goal]) {
        for ticket in self.tickets.about(name, |open| goals.contains(&open.goal)) {
            self.close(ticket, Reply::Superseded(name.clone()));
        }
    }

    /// The ticket's time is over.
    pub(super) fn ticket_timeout(&mut self, ticket: Ticket) {
        let Some(open) = self.tickets.open.get(&ticket) else { return };
        if open.goal == Goal::Empty {
            self.kill_what_is_left();
        }
        self.time_out(ticket);
    }

    fn time_out(&mut self, ticket: Ticket) {
        let Some(open) = self.tickets.open.get(&ticket) else { return };
        let left = open.pending.iter().filter_map(|name| self.services.get(name)).map(|one| self.left(one));
        let orphans = if open.goal == Goal::Empty { self.orphans.left() } else { Vec::new() };
        let reply = Reply::TimedOut(left.chain(orphans).collect());
        self.close(ticket, reply);
    }

    /// What is still to be waited for in `service`.
    fn left(&self, service: &Service) -> Left {
        let slot = &service.slot;
        let why = match &slot.state {
            State::Waiting(_) => text::waits_for(&self.closed_gates(&service.spec.name)),
            State::Starting(Starting { stage: Stage::Probing { error: Some(error), .. }, .. }) => {
                format!("is not ready: {error}")
            }
            State::Starting(_) => "is not ready".to_owned(),
            State::Running(running) if running.reload != Reloading::No => "is being reloaded".to_owned(),
            State::Running(_) => "has not completed".to_owned(),
            State::Stopping(stopping) if !stopping.stuck.is_empty() => "cannot be ended".to_owned(),
            State::Stopping(_) => "is being stopped".to_owned(),
            State::Backoff { .. } | State::Failed | State::Stopped | State::Scheduled | State::Completed => {
                slot.why.clone()
            }
        };
        let pids = match slot.state.phase() {
            Phase::Stopping => pids(service),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Scheduled
            | Phase::Starting
            | Phase::Running
            | Phase::Backoff
            | Phase::Failed
            | Phase::Completed => Vec::new(),
        };
        Left { name: service.spec.name.clone(), why, pids }
    }
}

/// The processes that are left of a service.
fn pids(service: &Service) -> Vec<u32> {
    if let State::Stopping(stopping) = &service.slot.state
        && !stopping.stuck.is_empty()
    {
        return stopping.stuck.clone();
    }
    service.slot.state.process().map(|process| process.pid).into_iter().collect()
}

fn failed(name: &ServiceName, why: &str, next: Option<&str>) -> Reply {
    Reply::Failed(vec![Failure { name: name.clone(), why: why.to_owned(), next: next.map(str::to_owned) }])
}
