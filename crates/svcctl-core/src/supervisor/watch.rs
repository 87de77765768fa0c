//! Watched paths: those of a service's own configuration and those of its trigger, as long as it is wanted up.

use super::Supervisor;
use super::action::{Action, Watch};
use super::event::{JobCause, WatchId, WatchWhat};
use super::slot::Service;
use super::state::Desired;
use crate::ident::ServiceName;
use crate::spec::model::{PathEvent, TriggerOn};
use std::collections::BTreeMap;

impl Supervisor {
    /// Brings what the shell watches for `name` in line with what is wanted of it and its specification.
    pub(super) fn follow_watches(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        let wanted = watches(service);
        let old = std::mem::replace(&mut service.watches, wanted.clone());
        for watch in old.values().filter(|watch| !wanted.contains_key(&watch.id.what)) {
            self.actions.push_back(Action::Unwatch(watch.id.clone()));
        }
        for (what, watch) in wanted {
            if old.get(&what) != Some(&watch) {
                self.actions.push_back(Action::Watch(watch));
            }
        }
    }

    /// Something changed at paths that are watched.
    pub(super) fn handle_changed(&mut self, id: &WatchId, paths: Vec<String>) {
        let name = &id.name;
        let Some(service) = self.services.get(name) else { return };
        if self.is_ending() || !service.watches.contains_key(&id.what) {
            return;
        }
        match id.what {
            WatchWhat::Reload => self.reload_changed(name),
            WatchWhat::Trigger => self.fire(name, JobCause::Trigger(paths)),
        }
    }
}

/// What is to be watched for a service.
fn watches(service: &Service) -> BTreeMap<WatchWhat, Watch> {
    let mut found = BTreeMap::new();
    if service.desired == Desired::Down {
        return found;
    }
    let id = |what: WatchWhat| WatchId { name: service.spec.name.clone(), what };
    if let Some(reload) = service.spec.reload.as_ref().filter(|reload| !reload.watch.is_empty()) {
        let events = vec![PathEvent::Create, PathEvent::Modify, PathEvent::Delete];
        let watch = Watch { id: id(WatchWhat::Reload), patterns: reload.watch.clone(), events };
        found.insert(WatchWhat::Reload, watch);
    }
    if let Some(TriggerOn::Path { path, events }) = service.spec.trigger.as_ref().map(|trigger| &trigger.on) {
        let (patterns, events) = (vec![path.clone()], events.clone());
        found.insert(WatchWhat::Trigger, Watch { id: id(WatchWhat::Trigger), patterns, events });
    }
    found
}
