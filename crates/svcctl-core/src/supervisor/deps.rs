//! Who depends on whom: the edges of every accepted specification, readable from both ends.

use super::Supervisor;
use super::slot::{Fate, Service, State};
use super::state::Desired;
use crate::ident::ServiceName;
use crate::spec::model::DependencyKind;
use crate::spec::{DependencySource, ServiceSpec};
use std::collections::{BTreeMap, BTreeSet};

/// For each service (installed or not), the installed ones that depend on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Dependants(BTreeMap<ServiceName, BTreeSet<ServiceName>>);

impl Dependants {
    /// Those that depend on `name`.
    pub(super) fn of(&self, name: &ServiceName) -> impl Iterator<Item = &ServiceName> + use<'_> {
        self.0.get(name).into_iter().flatten()
    }

    /// Adds the edges of `spec`.
    pub(super) fn add(&mut self, spec: &ServiceSpec) {
        for on in spec.depends_on.keys() {
            self.0.entry(on.clone()).or_default().insert(spec.name.clone());
        }
    }

    /// Takes the edges of `spec` away.
    pub(super) fn remove(&mut self, spec: &ServiceSpec) {
        for on in spec.depends_on.keys() {
            if let Some(dependants) = self.0.get_mut(on) {
                dependants.remove(&spec.name);
                if dependants.is_empty() {
                    self.0.remove(on);
                }
            }
        }
    }
}

/// The services that will still be installed when what is under way has ended.
pub(super) struct Staying<'a>(pub(super) &'a BTreeMap<ServiceName, Service>);

impl DependencySource for Staying<'_> {
    fn dependencies(&self, name: &ServiceName) -> Option<&BTreeMap<ServiceName, DependencyKind>> {
        let service = self.0.get(name).filter(|service| service.fate == Fate::Stays)?;
        Some(&service.spec.depends_on)
    }
}

impl Supervisor {
    /// `names` and all that they depend on, directly or not, as far as it is installed.
    pub(super) fn with_dependencies(&self, names: &[ServiceName]) -> BTreeSet<ServiceName> {
        self.closure(names, |name, found| {
            found.extend(
                self.services.get(name).into_iter().flat_map(|service| service.spec.depends_on.keys()),
            );
        })
    }

    /// `names` and all services wanted up that depend on them, directly or over others that are up.
    pub(super) fn with_active_dependants(&self, names: &[ServiceName]) -> BTreeSet<ServiceName> {
        self.closure(names, |name, found| {
            found.extend(self.dependants.of(name).filter(|dependant| self.is_active(dependant)));
        })
    }

    fn closure<'a>(
        &'a self,
        names: &'a [ServiceName],
        neighbours: impl Fn(&ServiceName, &mut Vec<&'a ServiceName>),
    ) -> BTreeSet<ServiceName> {
        let mut open: Vec<&ServiceName> = names.iter().collect();
        let mut closed = BTreeSet::new();
        while let Some(name) = open.pop() {
            if self.services.contains_key(name) && closed.insert(name.clone()) {
                neighbours(name, &mut open);
            }
        }
        closed
    }

    /// Whether a service runs or is on its way to it, so that taking its dependencies away would hurt it.
    fn is_active(&self, name: &ServiceName) -> bool {
        self.services.get(name).is_some_and(|service| {
            let up = service.desired == Desired::Up;
            up && !matches!(service.slot.state, State::Stopped | State::Failed | State::Completed)
        })
    }
}
