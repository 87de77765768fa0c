//! The driver as a model: actions in order, with `Persist` as a barrier for its service and for every reply.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::event::{Hold, JobRecord};
use svcctl_core::supervisor::state::Desired;

/// A service on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) revision: u64,
    pub(crate) desired: Desired,
    pub(crate) held: Option<Hold>,
    pub(crate) job: Option<JobRecord>,
}

impl Stored {
    /// A service as it was just installed.
    pub(crate) fn new(spec: Arc<ServiceSpec>, revision: u64, desired: Desired) -> Self {
        Self { spec, revision, desired, held: None, job: None }
    }
}

/// What survives everything.
#[derive(Debug, Default)]
pub(crate) struct Disk(pub BTreeMap<ServiceName, Stored>);

impl Disk {
    /// Makes one write durable.
    pub(crate) fn write(&mut self, persist: Persist) {
        match persist {
            Persist::Service { spec, source: _, revision, desired } => {
                let new = Stored::new(spec.clone(), revision, desired);
                let stored = self.0.entry(spec.name.clone()).or_insert(new);
                (stored.spec, stored.revision, stored.desired) = (spec, revision, desired);
            }
            Persist::Hold(name, held) => {
                if let Some(stored) = self.0.get_mut(&name) {
                    stored.held = held;
                }
            }
            Persist::Job(name, record) => {
                if let Some(stored) = self.0.get_mut(&name) {
                    stored.job = Some(record);
                }
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
    Execute(Box<Item>),
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
                    // What is known of runs is written behind.
                    if !matches!(persist, Persist::Job(..)) {
                        blocked.insert(persist.name().clone());
                    }
                    false
                }
                Action::Reply(..) => blocked.is_empty(),
                other => service(other).is_none_or(|name| !blocked.contains(name)),
            };
            if free {
                return self.queue.remove(index).map(Box::new).map(Next::Execute);
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
        | Action::Acknowledge(id) => Some(&id.slot.name),
        Action::StartProbe(probe) => Some(&probe.id.id.slot.name),
        Action::StopProbe(probe) => Some(&probe.id.slot.name),
        Action::RunHook(run) => Some(&run.id.id.slot.name),
        Action::CancelHook(hook) => Some(&hook.id.slot.name),
        Action::Watch(watch) => Some(&watch.id.name),
        Action::Unwatch(watch) => Some(&watch.name),
        Action::Remember { slot, .. } | Action::Release(slot) => Some(&slot.name),
        Action::Publish(transition) => Some(&transition.slot.name),
        Action::Persist(persist) => Some(persist.name()),
        Action::Reply(..) | Action::Note(_) => None,
    }
}
