//! The driver as a model: actions in order, with `Persist` as a barrier for its service and for every reply.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::state::Desired;

/// A service on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) revision: u64,
    pub(crate) desired: Desired,
}

/// What survives everything.
#[derive(Debug, Default)]
pub(crate) struct Disk(pub BTreeMap<ServiceName, Stored>);

impl Disk {
    /// Makes one write durable.
    pub(crate) fn write(&mut self, persist: Persist) {
        match persist {
            Persist::Service { spec, revision, desired } => {
                self.0.insert(spec.name.clone(), Stored { spec, revision, desired });
            }
            Persist::Desired(name, desired) => {
                if let Some(stored) = self.0.get_mut(&name) {
                    stored.desired = desired;
                }
            }
            Persist::Forget(name) => {
                self.0.remove(&name);
            }
        }
    }
}

/// What must be on the disk before an action is carried out.
#[derive(Debug)]
pub(crate) struct NeedsDown {
    /// The service that must be wanted down.
    pub(crate) name: ServiceName,
    /// The last command about it when the core asked for the action; after a later one the disk may say anything.
    pub(crate) command: u64,
}

/// One action that is not carried out yet.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) action: Action,
    /// Whether its write is under way.
    started: bool,
    pub(crate) needs_down: Option<NeedsDown>,
}

/// What the driver does next.
pub(crate) enum Next {
    /// A write begins; it is done later.
    Write,
    /// This is carried out now.
    Execute(Item),
}

/// The actions that are not carried out yet.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    queue: VecDeque<Item>,
}

impl Driver {
    pub(crate) fn push(&mut self, action: Action, needs_down: Option<NeedsDown>) {
        self.queue.push_back(Item { action, started: false, needs_down });
    }

    /// Takes the first thing that may be done; `None` while everything waits.
    pub(crate) fn next(&mut self) -> Option<Next> {
        let mut blocked: BTreeSet<ServiceName> = BTreeSet::new();
        for index in 0..self.queue.len() {
            let item = &mut self.queue[index];
            let free = match &item.action {
                Action::Persist(persist) => {
                    if !item.started {
                        item.started = true;
                        return Some(Next::Write);
                    }
                    blocked.insert(persist.name().clone());
                    false
                }
                Action::Reply(..) => blocked.is_empty(),
                other => service(other).is_none_or(|name| !blocked.contains(name)),
            };
            if free {
                return self.queue.remove(index).map(Next::Execute);
            }
        }
        None
    }

    /// The first write that is under way is done.
    pub(crate) fn written(&mut self) -> Option<Persist> {
        let under_way = |item: &Item| item.started && matches!(item.action, Action::Persist(_));
        let index = self.queue.iter().position(under_way)?;
        match self.queue.remove(index)?.action {
            Action::Persist(persist) => Some(persist),
            _ => None,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }
}

/// Which service an action is about.
fn service(action: &Action) -> Option<&ServiceName> {
    match action {
        Action::Spawn { id, .. }
        | Action::Signal { id, .. }
        | Action::KillTree { id, .. }
        | Action::Acknowledge(id)
        | Action::StartProbe { id, .. }
        | Action::StopProbe(id) => Some(&id.slot.name),
        Action::Remember { slot, .. } | Action::Release(slot) => Some(&slot.name),
        Action::Publish(transition) => Some(&transition.slot.name),
        Action::Persist(persist) => Some(persist.name()),
        Action::Reply(..) => None,
    }
}
