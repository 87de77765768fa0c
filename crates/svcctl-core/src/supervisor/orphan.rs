//! Slots that the keeper holds and the store does not know: their processes are killed, then they are let go.

use super::Supervisor;
use super::action::Action;
use super::event::{Adopted, Process};
use super::memo::{JobMemo, Memo, Then};
use super::reply::Left;
use super::slot::{Attempt, Main, Progress, State, Stopping};
use super::state::Phase;
use crate::ident::{Generation, InstanceId, ServiceName, SlotKey};
use crate::spec::model::Kind;
use std::collections::BTreeMap;

/// The unknown slots that still have a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Orphans(BTreeMap<SlotKey, Orphan>);

#[derive(Clone, Debug)]
struct Orphan {
    id: InstanceId,
    main: Main,
}

impl Orphans {
    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// What is still to be waited for.
    pub(super) fn left(&self) -> Vec<Left> {
        let entry = |orphan: &Orphan| Left {
            name: orphan.id.slot.name.clone(),
            why: "is not installed and is being ended".to_owned(),
            pids: if let Main::Alive(process) = orphan.main { vec![process.pid] } else { Vec::new() },
        };
        self.0.values().map(entry).collect()
    }
}

impl Supervisor {
    /// Takes note of a slot that no service fills; at the beginning of the work it is dealt with.
    pub(super) fn adopt_orphan(&mut self, adopted: Adopted) {
        match adopted.process {
            None => self.actions.push_back(Action::Release(adopted.slot)),
            Some((id, process)) => {
                let main = if process.pid == 0 { Main::Unborn } else { Main::Alive(process) };
                self.orphans.0.insert(adopted.slot, Orphan { id, main });
            }
        }
    }

    /// Kills what is there.
    pub(super) fn kill_orphans(&mut self) {
        let alive = self.orphans.0.values().filter(|orphan| !matches!(orphan.main, Main::Unborn));
        let ids: Vec<InstanceId> = alive.map(|orphan| orphan.id.clone()).collect();
        for id in ids {
            self.kill_orphan(id);
        }
    }

    fn kill_orphan(&mut self, id: InstanceId) {
        let memo = Memo {
            generation: id.generation,
            phase: Phase::Stopping,
            since: self.now.mono,
            since_wall: self.now.wall,
            revision: 0,
            kind: Kind::Simple,
            restarts: 0,
            row: 0,
            window: None,
            deadline: None,
            stop_step: super::slot::STEP_KILLING,
            then: Then::Fresh,
            last_exit: None,
            hook: None,
            job: JobMemo::default(),
        };
        self.actions.push_back(Action::KillTree { id, memo });
    }

    fn orphan_mut(&mut self, id: &InstanceId) -> Option<&mut Orphan> {
        self.orphans.0.get_mut(&id.slot).filter(|orphan| orphan.id == *id)
    }

    /// Whether the new process was an orphan.
    pub(super) fn orphan_spawned(&mut self, id: &InstanceId, process: Process) -> bool {
        let Some(orphan) = self.orphan_mut(id) else { return false };
        orphan.main = Main::Alive(process);
        self.kill_orphan(id.clone());
        true
    }

    /// Whether what ended was an orphan.
    pub(super) fn orphan_exited(&mut self, id: &InstanceId, tree_empty: bool) -> bool {
        let Some(orphan) = self.orphan_mut(id) else { return false };
        orphan.main = Main::Ended;
        if tree_empty {
            self.orphan_gone(id);
        }
        true
    }

    /// Whether what is gone was an orphan.
    pub(super) fn orphan_gone(&mut self, id: &InstanceId) -> bool {
        if self.orphan_mut(id).is_none() {
            return false;
        }
        self.orphans.0.remove(&id.slot);
        self.forgotten = self.forgotten.max(id.generation);
        self.actions.push_back(Action::Acknowledge(id.clone()));
        self.actions.push_back(Action::Release(id.slot.clone()));
        self.ticket_orphan_gone();
        true
    }

    /// A service was installed under the name of an orphan: its slot is taken until the orphan is gone.
    pub(super) fn take_over_orphan(&mut self, name: &ServiceName) {
        let now = self.now;
        let Some(service) = self.services.get_mut(name) else { return };
        let Some(orphan) = self.orphans.0.remove(&service.slot.key) else { return };
        let generation = Generation(orphan.id.generation.0.max(service.slot.generation.0));
        let attempt = Attempt { id: orphan.id, spec: service.spec.clone(), revision: 0 };
        let progress = Progress::Killing;
        let stopping =
            Stopping { attempt, main: orphan.main, progress, then: Then::Fresh, stuck: Vec::new() };
        service.slot.generation = generation;
        service.slot.state = State::Stopping(stopping);
        service.slot.since = now;
        "what was there before is being ended".clone_into(&mut service.slot.why);
    }
}
