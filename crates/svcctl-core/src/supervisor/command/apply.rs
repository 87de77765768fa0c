//! `apply`: bringing the whole set of services to what is given, with the least disturbance.
//!
//! The plan is made and checked before anything is done; what is refused has changed nothing. The answer follows as
//! soon as all of it is durable, and does not wait for what it starts and stops.

use super::super::Supervisor;
use super::super::event::{Source, Ticket};
use super::super::reply::{Refusal, Reply};
use super::super::slot::{Fate, State};
use super::super::state::Desired;
use super::super::ticket::Goal;
use crate::ident::ServiceName;
use crate::spec::ServiceSpec;
use crate::spec::plan::{Plan, PlanAction, plan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Supervisor {
    /// Takes the specifications of a set, durably, and starts, restarts and uninstalls what that asks for.
    pub(super) fn apply(
        &mut self,
        ticket: Ticket,
        services: Vec<(Arc<ServiceSpec>, Option<Source>)>,
        prune: bool,
    ) -> Result<(), Refusal> {
        let plan = self.plan_for(&services, prune)?;
        let mut given: BTreeMap<ServiceName, (Arc<ServiceSpec>, Option<Source>)> =
            services.into_iter().map(|(spec, source)| (spec.name.clone(), (spec, source))).collect();
        let (mut up, mut afresh, mut gone) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for step in &plan.steps {
            let name = &step.name;
            match step.action {
                PlanAction::Keep | PlanAction::Leave => continue,
                PlanAction::Uninstall => {
                    gone.insert(name.clone());
                    continue;
                }
                PlanAction::Start => up.push(name.clone()),
                PlanAction::Restart => {
                    up.push(name.clone());
                    afresh.insert(name.clone());
                }
                PlanAction::Update if self.has_given_up(name) => up.push(name.clone()),
                PlanAction::Update | PlanAction::Install => {}
            }
            if let Some((spec, source)) = given.remove(name) {
                self.take(spec, source);
            }
        }
        self.take_out(&gone);
        self.bring_up_set(&up, &afresh);
        self.reply(ticket, Reply::Applied(plan));
        Ok(())
    }

    fn plan_for(
        &self,
        services: &[(Arc<ServiceSpec>, Option<Source>)],
        prune: bool,
    ) -> Result<Plan, Refusal> {
        // What is being uninstalled is as good as gone; given again, it stays.
        let staying = self.services.iter().filter(|(_, service)| service.fate == Fate::Stays);
        let old: BTreeMap<ServiceName, Arc<ServiceSpec>> =
            staying.map(|(name, service)| (name.clone(), service.spec.clone())).collect();
        let new: Vec<Arc<ServiceSpec>> = services.iter().map(|(spec, _)| spec.clone()).collect();
        plan(&old, |name| self.would_be_restarted(name), &new, prune).map_err(Refusal::Invalid)
    }

    /// Whether `name` has a process that another specification would have to be given. The run of a job ends by
    /// itself; the next one is made from the new specification. What is held would not come up again, and goes on.
    fn would_be_restarted(&self, name: &ServiceName) -> bool {
        self.services.get(name).is_some_and(|service| {
            let replaceable = !service.is_job() && service.held.is_none();
            service.desired == Desired::Up && replaceable && service.slot.state.attempt().is_some()
        })
    }

    /// Whether `name` is wanted up and has failed: another specification is reason to try again.
    fn has_given_up(&self, name: &ServiceName) -> bool {
        self.services.get(name).is_some_and(|service| {
            service.desired == Desired::Up
                && matches!(service.slot.state, State::Failed | State::Backoff { .. })
        })
    }

    /// Takes one specification, whatever there was under its name.
    fn take(&mut self, spec: Arc<ServiceSpec>, source: Option<Source>) {
        let name = spec.name.clone();
        match self.services.get(&name) {
            None => self.install_new(spec, source),
            Some(service) if service.spec == spec => {}
            Some(service) => {
                let (old, revision) = (service.spec.clone(), service.revision + 1);
                self.replace(&old, spec, source, revision);
            }
        }
        // Whoever gives a service does not want it gone.
        self.supersede(&name, &[Goal::Gone]);
        if let Some(service) = self.services.get_mut(&name) {
            service.fate = Fate::Stays;
        }
    }

    /// Stops services and forgets them; none that stays depends on one of them.
    fn take_out(&mut self, gone: &BTreeSet<ServiceName>) {
        for name in gone {
            if let Some(service) = self.services.get_mut(name) {
                service.fate = Fate::Forgotten;
            }
        }
        self.take_down_all(gone);
        for name in gone {
            if self.services.get(name).is_some_and(|service| matches!(service.slot.state, State::Stopped)) {
                self.forget(name);
            }
        }
    }

    /// Wants `names` up, and all that they depend on; those of `afresh` are stopped first if they run.
    fn bring_up_set(&mut self, names: &[ServiceName], afresh: &BTreeSet<ServiceName>) {
        let targets = self.with_dependencies(names);
        for name in &targets {
            self.supersede(name, &[Goal::Down, Goal::Gone]);
        }
        for name in &targets {
            self.want(name, Desired::Up);
            if afresh.contains(name) {
                self.bring_up_afresh(name);
            } else {
                self.bring_up(name);
            }
        }
        self.settle();
    }
}
