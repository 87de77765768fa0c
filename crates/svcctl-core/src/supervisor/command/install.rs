//! `install`: taking a specification.

use super::super::Supervisor;
use super::super::action::{Action, Persist};
use super::super::deps::Staying;
use super::super::event::{Source, Ticket};
use super::super::gate::is_ready;
use super::super::job::Job;
use super::super::reply::{Done, Refusal, Reply};
use super::super::slot::{Fate, Service, Slot, State, Wellness};
use super::super::state::Desired;
use super::super::ticket::Goal;
use crate::ident::{ServiceName, SlotKey};
use crate::spec::model::Kind;
use crate::spec::plan::{Effect, effect};
use crate::spec::{ServiceSpec, diff, validate_among};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Supervisor {
    /// Takes a specification, durably. What runs goes on as it is; the next start is made from the new one.
    pub(super) fn install(
        &mut self,
        ticket: Ticket,
        spec: Arc<ServiceSpec>,
        source: Option<Source>,
        update: bool,
    ) -> Result<(), Refusal> {
        let name = spec.name.clone();
        let problems = validate_among(&spec, &Staying(&self.services));
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems));
        }
        let changed = match self.services.get(&name) {
            None => {
                self.install_new(spec, source);
                true
            }
            Some(service) if service.spec == spec => false,
            Some(service) if update => {
                let (old, revision) = (service.spec.clone(), service.revision + 1);
                self.replace(&old, spec, source, revision);
                true
            }
            Some(service) => return Err(Refusal::Differs(name, diff(&service.spec, &spec))),
        };
        // Whoever installs a service does not want it gone.
        self.supersede(&name, &[Goal::Gone]);
        if let Some(service) = self.services.get_mut(&name) {
            service.fate = Fate::Stays;
        }
        self.reply(ticket, Reply::Done(vec![Done { name, changed, taken_along: false }]));
        Ok(())
    }

    pub(super) fn install_new(&mut self, spec: Arc<ServiceSpec>, source: Option<Source>) {
        let name = spec.name.clone();
        let (revision, desired) = (1, Desired::Down);
        self.add_service(&spec, revision, desired);
        self.actions.push_back(Action::Persist(Persist::Service { spec, source, revision, desired }));
        self.take_over_orphan(&name);
    }

    /// Puts a service into the set, with an empty slot.
    pub(in crate::supervisor) fn add_service(
        &mut self,
        spec: &Arc<ServiceSpec>,
        revision: u64,
        desired: Desired,
    ) {
        let key = SlotKey { name: spec.name.clone(), index: 0 };
        let slot = Slot::empty(key, self.forgotten, self.now, "installed");
        self.dependants.add(spec);
        let service = Service {
            spec: spec.clone(),
            revision,
            desired,
            fate: Fate::Stays,
            held: None,
            watches: BTreeMap::new(),
            job: Job::default(),
            slot,
        };
        self.services.insert(spec.name.clone(), service);
    }

    pub(super) fn replace(
        &mut self,
        old: &Arc<ServiceSpec>,
        new: Arc<ServiceSpec>,
        source: Option<Source>,
        revision: u64,
    ) {
        let name = new.name.clone();
        // Who waits for its end is found by the edges, which are about to change.
        self.unblock(&name, old.depends_on.keys().filter(|on| !new.depends_on.contains_key(*on)));
        self.dependants.remove(old);
        self.dependants.add(&new);
        if self.services.get(&name).is_some_and(|service| matches!(service.slot.state, State::Scheduled)) {
            self.stop_trigger(&name);
        }
        let Some(service) = self.services.get_mut(&name) else { return };
        let desired = service.desired;
        service.spec = new.clone();
        service.revision = revision;
        self.actions.push_back(Action::Persist(Persist::Service { spec: new, source, revision, desired }));
        if service.slot.state.blocks_dependencies() {
            self.block_dependencies(&name);
        }
        self.refresh(&name, false);
        self.follow_watches(&name);
        self.rearm(&name, old);
        self.look_again(&name);
    }

    /// Gives the attempt that runs the accepted specification, as far as that takes effect without a restart.
    /// One that is being made or ended keeps its own; it gets the other when it comes to run (`starting`).
    pub(in crate::supervisor) fn refresh(&mut self, name: &ServiceName, starting: bool) {
        let Some(service) = self.services.get_mut(name) else { return };
        let (new, revision) = (service.spec.clone(), service.revision);
        let old_probes = service.slot.state.probes();
        let running = matches!(service.slot.state, State::Running(_));
        if !running && !starting {
            return;
        }
        let Some(attempt) = service.slot.state.attempt_mut() else { return };
        if attempt.revision == revision || effect(&attempt.spec, &new) == Effect::Restart {
            return;
        }
        let health = attempt.spec.health != new.health;
        attempt.spec = new;
        attempt.revision = revision;
        if running && health {
            if let State::Running(running) = &mut service.slot.state {
                running.wellness = Wellness::default();
            }
            self.actions.extend(old_probes.into_iter().map(Action::StopProbe));
            self.start_health(name);
            self.wake_dependants(name);
            if self.services.get(name).is_some_and(is_ready) {
                self.ticket_up(name);
            }
        }
        self.remember(name);
    }

    /// The schedule or trigger of `name` may be another: it is a job now, or is none any more, or has other times.
    fn rearm(&mut self, name: &ServiceName, old: &ServiceSpec) {
        let now = self.now.mono;
        let Some(service) = self.services.get_mut(name) else { return };
        let (new, is_job, has_run) = (service.spec.clone(), service.is_job(), service.job.run.is_some());
        if old.trigger != new.trigger && matches!(service.slot.state, State::Scheduled) {
            // A late answer to the old condition is not one to the new.
            service.slot.generation = service.slot.generation.next(now);
        }
        if old.schedule != new.schedule || old.trigger != new.trigger {
            self.disarm(name);
            self.arm(name);
            if self.services.get(name).is_some_and(|service| !matches!(service.slot.state, State::Stopped)) {
                self.remember(name);
            }
        }
        let why = "its specification was changed";
        if has_run && new.kind == Kind::Simple {
            // A program that stays has no runs.
            self.end_run(name, false, why);
            if self.services.get(name).is_some_and(|service| service.desired == Desired::Down) {
                self.take_down(name, why);
            }
        }
        let Some(service) = self.services.get(name) else { return };
        match &service.slot.state {
            State::Scheduled if is_job => self.start_trigger(name),
            State::Scheduled => self.try_start(name, why, None),
            State::Waiting(_) | State::Backoff { .. } | State::Failed | State::Completed
                if is_job && !has_run =>
            {
                self.try_start(name, why, None);
            }
            State::Waiting(_) if old.start.when != new.start.when => self.ask_anew(name),
            State::Stopped
            | State::Waiting(_)
            | State::Starting(_)
            | State::Running(_)
            | State::Stopping(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => {}
        }
    }

    /// The edges of `name` are others now.
    fn look_again(&mut self, name: &ServiceName) {
        if self.services.get(name).is_some_and(|service| matches!(service.slot.state, State::Waiting(_))) {
            self.unsettled.insert(name.clone());
        }
        // Its kind may be another, and with it what completion means for those that wait for it.
        self.wake_dependants(name);
    }
}
