//! `install`: taking a specification.

use super::super::Supervisor;
use super::super::action::{Action, Persist};
use super::super::deps::Staying;
use super::super::event::Ticket;
use super::super::reply::{Done, Refusal, Reply};
use super::super::slot::{Fate, Service, Slot, State};
use super::super::state::Desired;
use super::super::ticket::Goal;
use crate::ident::{ServiceName, SlotKey};
use crate::spec::{ServiceSpec, diff, validate_among};
use std::sync::Arc;

impl Supervisor {
    /// Takes a specification, durably. What runs goes on as it is; the next start is made from the new one.
    pub(super) fn install(
        &mut self,
        ticket: Ticket,
        spec: Arc<ServiceSpec>,
        update: bool,
    ) -> Result<(), Refusal> {
        let name = spec.name.clone();
        let problems = validate_among(&spec, &Staying(&self.services));
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems));
        }
        let changed = match self.services.get(&name) {
            None => {
                self.install_new(spec);
                true
            }
            Some(service) if service.spec == spec => false,
            Some(service) if update => {
                let (old, revision) = (service.spec.clone(), service.revision + 1);
                self.replace(&old, spec, revision);
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

    fn install_new(&mut self, spec: Arc<ServiceSpec>) {
        let name = spec.name.clone();
        let (revision, desired) = (1, Desired::Down);
        self.add_service(&spec, revision, desired);
        self.actions.push_back(Action::Persist(Persist::Service { spec, revision, desired }));
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
        let service = Service { spec: spec.clone(), revision, desired, fate: Fate::Stays, slot };
        self.services.insert(spec.name.clone(), service);
    }

    fn replace(&mut self, old: &Arc<ServiceSpec>, new: Arc<ServiceSpec>, revision: u64) {
        let name = new.name.clone();
        // Who waits for its end is found by the edges, which are about to change.
        self.unblock(&name, old.depends_on.keys().filter(|on| !new.depends_on.contains_key(*on)));
        self.dependants.remove(old);
        self.dependants.add(&new);
        let Some(service) = self.services.get_mut(&name) else { return };
        let desired = service.desired;
        service.spec = new.clone();
        service.revision = revision;
        self.actions.push_back(Action::Persist(Persist::Service { spec: new, revision, desired }));
        if service.slot.state.blocks_dependencies() {
            self.block_dependencies(&name);
        }
        self.look_again(&name);
    }

    /// The edges of `name` are others now.
    fn look_again(&mut self, name: &ServiceName) {
        if self.services.get(name).is_some_and(|service| matches!(service.slot.state, State::Waiting)) {
            self.unsettled.insert(name.clone());
        }
        // Its kind may be another, and with it what completion means for those that wait for it.
        self.wake_dependants(name);
    }
}
