//! The keeper as a model: slots with their memos, processes with their trees, kill deadlines, exits that are told
//! again until acknowledged. It survives the engine.

use crate::program::Program;
use std::collections::BTreeMap;
use std::time::Duration;
use svcctl_core::ident::{InstanceId, ServiceName, SlotKey};
use svcctl_core::rng::Rng;
use svcctl_core::supervisor::event::{Event, ExitStatus, Process, SpawnError};
use svcctl_core::supervisor::memo::{MEMO_MAX_BYTES, Memo};
use svcctl_core::time::{Mono, Wall};

/// How long a kill takes.
const KILL_TAKES: Duration = Duration::from_millis(1);
/// How long a tree resists before it is called stuck.
const STUCK_AFTER: Duration = Duration::from_millis(300);

/// What the engine asks for.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Spawn { id: InstanceId, memo: Memo, program: Program },
    Signal { id: InstanceId, memo: Memo, kill_by: Option<Mono> },
    KillTree { id: InstanceId, memo: Memo },
    Remember { slot: SlotKey, memo: Memo },
    Acknowledge(InstanceId),
    Release(SlotKey),
}

/// What happens in the keeper's world by itself, later.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    Born(InstanceId),
    Ends(InstanceId, ExitStatus),
    TreeEnds(InstanceId),
    KillBy(InstanceId),
    Stuck(InstanceId),
    Freed(InstanceId),
}

/// What follows from a request or from what is due.
pub(crate) enum Effect {
    Tell(Event),
    Later(Duration, Due),
}

/// One process that the keeper made, until it is acknowledged.
#[derive(Debug)]
pub(crate) struct Proc {
    pub(crate) id: InstanceId,
    pub(crate) process: Process,
    pub(crate) born: bool,
    pub(crate) ended: Option<ExitStatus>,
    tree: u32,
    killed: bool,
    freed: bool,
    /// The deadline that came with its first signal.
    pub(crate) kill_by: Option<Mono>,
    program: Program,
}

impl Proc {
    fn is_gone(&self) -> bool {
        self.ended.is_some() && self.tree == 0
    }
}

/// One place.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) memo: Vec<u8>,
    pub(crate) proc: Option<Proc>,
    greatest: u64,
}

/// The keeper.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    pub(crate) places: BTreeMap<SlotKey, Place>,
    next_pid: u32,
}

impl Keeper {
    /// Carries out one request.
    pub(crate) fn request(
        &mut self,
        request: Request,
        now: Mono,
        rng: &mut Rng,
    ) -> Result<Vec<Effect>, String> {
        match request {
            Request::Spawn { id, memo, program } => self.spawn(&id, &memo, program, now, rng),
            Request::Signal { id, memo, kill_by } => {
                self.keep(&id.slot, &memo)?;
                Ok(self.signal(&id, now, kill_by))
            }
            Request::KillTree { id, memo } => {
                self.keep(&id.slot, &memo)?;
                Ok(self.kill(&id))
            }
            Request::Remember { slot, memo } => self.keep(&slot, &memo).map(|()| Vec::new()),
            Request::Acknowledge(id) => self.acknowledge(&id),
            Request::Release(slot) => {
                if let Some(place) = self.places.remove(&slot)
                    && let Some(proc) = place.proc
                {
                    return Err(format!("{slot} was released with {proc:?} in it"));
                }
                Ok(Vec::new())
            }
        }
    }

    fn keep(&mut self, slot: &SlotKey, memo: &Memo) -> Result<(), String> {
        let bytes = memo.encode();
        if bytes.len() > MEMO_MAX_BYTES {
            return Err(format!("the memo of {slot} has {} bytes", bytes.len()));
        }
        self.places.entry(slot.clone()).or_default().memo = bytes;
        Ok(())
    }

    fn spawn(
        &mut self,
        id: &InstanceId,
        memo: &Memo,
        program: Program,
        now: Mono,
        rng: &mut Rng,
    ) -> Result<Vec<Effect>, String> {
        self.keep(&id.slot, memo)?;
        let place = self.places.entry(id.slot.clone()).or_default();
        if let Some(proc) = &place.proc {
            return Err(format!("a second process {id:?} in the slot of {proc:?}"));
        }
        if id.generation.0 <= place.greatest {
            return Err(format!("{id:?} is not newer than generation {}", place.greatest));
        }
        place.greatest = id.generation.0;
        self.next_pid += 1;
        let process = Process { pid: self.next_pid, since: now, since_wall: Wall(0) };
        let proc = Proc {
            id: id.clone(),
            process,
            born: false,
            ended: None,
            tree: 0,
            killed: false,
            freed: false,
            kill_by: None,
            program,
        };
        place.proc = Some(proc);
        Ok(vec![Effect::Later(Duration::from_micros(100 + rng.below(20_000)), Due::Born(id.clone()))])
    }

    pub(crate) fn proc_mut(&mut self, id: &InstanceId) -> Option<&mut Proc> {
        self.places.get_mut(&id.slot)?.proc.as_mut().filter(|proc| proc.id == *id)
    }

    fn signal(&mut self, id: &InstanceId, now: Mono, kill_by: Option<Mono>) -> Vec<Effect> {
        let Some(proc) = self.proc_mut(id) else { return Vec::new() };
        let mut effects = Vec::new();
        if let Some(kill_by) = kill_by {
            proc.kill_by = Some(kill_by);
            effects.push(Effect::Later(kill_by.since(now), Due::KillBy(id.clone())));
        }
        if let Some((delay, status)) = proc.program.heeds
            && proc.ended.is_none()
        {
            effects.push(Effect::Later(delay, Due::Ends(id.clone(), status)));
        }
        effects
    }

    fn kill(&mut self, id: &InstanceId) -> Vec<Effect> {
        let Some(proc) = self.proc_mut(id) else { return Vec::new() };
        proc.killed = true;
        if !proc.born || proc.is_gone() {
            return Vec::new();
        }
        if let Some(stuck_for) = proc.program.stuck_for.filter(|_| !proc.freed) {
            let stuck = Effect::Later(STUCK_AFTER, Due::Stuck(id.clone()));
            return vec![stuck, Effect::Later(stuck_for, Due::Freed(id.clone()))];
        }
        let due = match proc.ended {
            None => Due::Ends(id.clone(), ExitStatus::Signal(9)),
            Some(_) => Due::TreeEnds(id.clone()),
        };
        vec![Effect::Later(KILL_TAKES, due)]
    }

    fn acknowledge(&mut self, id: &InstanceId) -> Result<Vec<Effect>, String> {
        let Some(place) = self.places.get_mut(&id.slot) else { return Ok(Vec::new()) };
        let Some(proc) = place.proc.take_if(|proc| proc.id == *id) else { return Ok(Vec::new()) };
        if proc.is_gone() { Ok(Vec::new()) } else { Err(format!("acknowledged {proc:?}, which lives")) }
    }

    /// Lets happen what is due.
    pub(crate) fn due(&mut self, due: Due) -> Vec<Effect> {
        match due {
            Due::Born(id) => self.born(&id),
            Due::Ends(id, status) => self.ends(&id, status),
            Due::KillBy(id) => self.kill(&id),
            Due::TreeEnds(id) => {
                let Some(proc) = self.proc_mut(&id) else { return Vec::new() };
                let had_tree = std::mem::replace(&mut proc.tree, 0) > 0;
                if had_tree { vec![Effect::Tell(Event::TreeEmpty(id))] } else { Vec::new() }
            }
            Due::Stuck(id) => match self.proc_mut(&id).filter(|proc| !proc.is_gone() && !proc.freed) {
                Some(proc) => vec![Effect::Tell(Event::TreeStuck(id, vec![proc.process.pid]))],
                None => Vec::new(),
            },
            Due::Freed(id) => {
                let Some(proc) = self.proc_mut(&id) else { return Vec::new() };
                proc.freed = true;
                self.kill(&id)
            }
        }
    }

    fn born(&mut self, id: &InstanceId) -> Vec<Effect> {
        let Some(place) = self.places.get_mut(&id.slot) else { return Vec::new() };
        let Some(proc) = &mut place.proc else { return Vec::new() };
        if let Some(message) = proc.program.spawn_error.clone() {
            place.proc = None;
            return vec![Effect::Tell(Event::SpawnFailed(id.clone(), SpawnError { message }))];
        }
        proc.born = true;
        let mut effects = vec![Effect::Tell(Event::Spawned(id.clone(), proc.process))];
        if let Some((after, status)) = proc.program.ends {
            effects.push(Effect::Later(after, Due::Ends(id.clone(), status)));
        }
        if proc.killed {
            effects.extend(self.kill(id));
        }
        effects
    }

    fn ends(&mut self, id: &InstanceId, status: ExitStatus) -> Vec<Effect> {
        let Some(proc) = self.proc_mut(id).filter(|proc| proc.born && proc.ended.is_none()) else {
            return Vec::new();
        };
        proc.ended = Some(status);
        proc.tree = if proc.killed { 0 } else { proc.program.leaves };
        let mut effects = Vec::new();
        if let Some(after) = proc.program.leaves_for.filter(|_| proc.tree > 0) {
            effects.push(Effect::Later(after, Due::TreeEnds(id.clone())));
        }
        let tree_empty = proc.tree == 0;
        effects.push(Effect::Tell(Event::Exited { id: id.clone(), status, tree_empty }));
        effects
    }

    /// Whether this process answers its probe.
    pub(crate) fn answers(&mut self, id: &InstanceId, now: Mono, calm: bool) -> bool {
        self.proc_mut(id).is_some_and(|proc| {
            let after = proc.program.ready_after;
            let ready = calm || after.is_some_and(|after| now >= proc.process.since.after(after));
            ready && proc.born && proc.ended.is_none()
        })
    }

    /// The exits that were not acknowledged, for a new engine, in either of the forms that the keeper may use.
    pub(crate) fn backlog(&self, rng: &mut Rng) -> Vec<Event> {
        let mut events = Vec::new();
        for proc in self.places.values().filter_map(|place| place.proc.as_ref()) {
            let Some(status) = proc.ended else { continue };
            let in_two = rng.below(2) == 0;
            let tree_empty = proc.tree == 0 && !in_two;
            events.push(Event::Exited { id: proc.id.clone(), status, tree_empty });
            if proc.tree == 0 && in_two {
                events.push(Event::TreeEmpty(proc.id.clone()));
            }
        }
        events
    }

    /// The place of a service.
    pub(crate) fn place(&self, name: &ServiceName) -> Option<&Place> {
        self.places.get(&SlotKey { name: name.clone(), index: 0 })
    }
}
