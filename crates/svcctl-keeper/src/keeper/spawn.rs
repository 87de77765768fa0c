//! From a request to a process, or to the reason why there is none.

use super::deadlines::SlotId;
use super::log::cut;
use super::members::Members;
use super::signals::KILL;
use super::slots::{Occupant, Process, SLOTS_MAX, Stage, status};
use super::streams::HeldStream;
use super::token::Token;
use super::{Keeper, now, say};
use crate::INSTANCE_VARIABLE;
use crate::protocol::{self, Image, MESSAGE_MAX_BYTES, Notice, SlotKey, Stream};
use svcctl_os::linux::poll::Interest;
use svcctl_os::process::{
    Child, Identity, Limit, OutputPipe, Program, Resource, Spawning, StartError, exit_of, output_pipe,
    reap_orphans, send_signal,
};

impl Keeper {
    /// Makes a process, or repeats the answer to the same request.
    pub(super) fn spawn(&mut self, key: &SlotKey, generation: u64, image: Image, state: Vec<u8>) {
        let Some(id) = self.slots.obtain(key) else {
            let message = format!("the keeper holds {SLOTS_MAX} services already");
            self.tell(&Notice::SpawnFailed { slot: key.clone(), generation, message }, &[]);
            return;
        };
        let Some(slot) = self.slots.get(id) else { return };
        if slot.occupant.generation() == generation {
            slot.state = state;
            return self.repeat_answer(id);
        }
        if slot.occupant.generation() > generation {
            return say(&format!("{key}: a request for an earlier process (number {generation}) is ignored"));
        }
        slot.state = state;
        if slot.is_alive() {
            let pid = slot.any_process().map_or(0, |process| process.child.pid);
            let message = format!("processes of its predecessor (pid {pid}) are left");
            self.tell(&Notice::SpawnFailed { slot: key.clone(), generation, message }, &[]);
            return;
        }
        self.vacate(id);
        match self.try_spawn(id, key, generation, image) {
            Ok(()) => {}
            Err(error) => self.fail_spawn(id, generation, error.to_string()),
        }
    }

    fn try_spawn(
        &mut self,
        id: SlotId,
        key: &SlotKey,
        generation: u64,
        image: Image,
    ) -> Result<(), StartError> {
        let program = program(image, key, generation);
        let (stdout, stderr) = (output_pipe()?, output_pipe()?);
        self.prepare_group(id);
        let ((child, spawning), in_group) = self.start(id, &program, [&stdout, &stderr])?;
        let pid = child.pid;
        if let Err(error) = self.poller.add(spawning.status(), Token::SlotStart(id).number(), Interest::Read)
        {
            self.abandon(id, &child, in_group);
            return Err(error.into());
        }
        for (stream, pipe) in [(Stream::Stdout, stdout), (Stream::Stderr, stderr)] {
            let (slot, read) = (key.clone(), pipe.read);
            self.streams.insert(HeldStream {
                slot,
                generation,
                stream,
                pid,
                read,
                spool: None,
                watched: false,
            });
        }
        self.slots.add_leader(pid, id);
        let Some(slot) = self.slots.get(id) else { return Ok(()) };
        slot.occupant = Occupant::Process(Box::new(Process {
            generation,
            at: now(),
            child,
            stage: Stage::Starting(Box::new(spawning)),
            in_group,
            watched: true,
            members: Members::default(),
            unclear: 0,
            killing: None,
            stop_signal: None,
        }));
        Ok(())
    }

    /// Begins the process, in the slot's cgroup if that can be; tells whether it is.
    fn start(
        &mut self,
        id: SlotId,
        program: &Program,
        output: [&OutputPipe; 2],
    ) -> Result<((Child, Spawning), bool), StartError> {
        let mut spent = false;
        let group = self.slots.get(id).and_then(|slot| slot.group.as_ref());
        if let Some(group) = group {
            match self.spawner.start(program, output, Some(group.directory())) {
                Ok(spawning) => return Ok((spawning, true)),
                Err(StartError::Cgroup(error)) => {
                    say(&format!("a process is started without a cgroup: {error}"));
                    spent = true;
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(slot) = self.slots.get(id) {
            // The next process gets a new one.
            slot.spent |= spent;
        }
        self.spawner.start(program, output, None).map(|spawning| (spawning, false))
    }

    /// Kills a child whose start cannot be followed. It is no slot's leader, so SIGCHLD has it reaped as an orphan.
    fn abandon(&mut self, id: SlotId, child: &Child, in_group: bool) {
        let _ = send_signal(&child.pidfd, KILL);
        let Some(slot) = self.slots.get(id).filter(|_| in_group) else { return };
        if let Some(group) = &slot.group {
            let _ = group.kill();
            slot.spent = true;
        }
    }

    /// The status pipe of a new process has something.
    pub(super) fn handle_start(&mut self, id: SlotId) {
        let Some(process) = self.slots.get(id).and_then(|slot| slot.any_process()) else { return };
        let Stage::Starting(spawning) = &mut process.stage else { return };
        let generation = process.generation;
        let outcome = match spawning.poll() {
            Ok(None) => return,
            Ok(Some(outcome)) => outcome,
            Err(error) => {
                let _ = send_signal(&process.child.pidfd, KILL);
                Err(format!("its start could not be followed: {error}"))
            }
        };
        let _ = self.poller.remove(spawning.status());
        match outcome {
            Ok(()) => {
                process.stage = Stage::Running;
                let watched =
                    self.poller.add(&process.child.pidfd, Token::SlotExit(id).number(), Interest::Read);
                process.watched = watched.is_ok();
                let pid = process.child.pid;
                self.tell_spawned(id);
                if let Err(error) = watched {
                    say(&format!(
                        "pid {pid}: only SIGCHLD tells of its end, since it cannot be watched: {error}"
                    ));
                    self.handle_exit(id);
                }
            }
            Err(message) => {
                let pid = process.child.pid;
                self.slots.remove_leader(pid);
                self.fail_spawn(id, generation, message);
                // If it is not dead yet, SIGCHLD tells.
                self.reap_orphans();
            }
        }
    }

    fn fail_spawn(&mut self, id: SlotId, generation: u64, message: String) {
        self.deadlines.clear_slot(id);
        let message = cut(message, MESSAGE_MAX_BYTES);
        let Some(slot) = self.slots.get(id) else { return };
        let key = slot.key.clone();
        slot.occupant = Occupant::Failed { generation, message: message.clone(), noted: false };
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.streams.remove(&key, generation, stream);
        }
        self.tell(&Notice::SpawnFailed { slot: key, generation, message }, &[]);
    }

    fn repeat_answer(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id) else { return };
        let key = slot.key.clone();
        match &mut slot.occupant {
            Occupant::Nobody { .. } => {}
            Occupant::Failed { generation, message, .. } => {
                let notice =
                    Notice::SpawnFailed { slot: key, generation: *generation, message: message.clone() };
                self.tell(&notice, &[]);
            }
            Occupant::Process(process) => match &process.stage {
                Stage::Starting(_) => {}
                Stage::Running => self.tell_spawned(id),
                Stage::Ended { .. } => {
                    self.tell_spawned(id);
                    self.tell_ended(id);
                }
            },
        }
    }

    fn tell_spawned(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id) else { return };
        let slot_key = slot.key.clone();
        let Some(process) = slot.any_process() else { return };
        let (generation, pid, at) = (process.generation, process.child.pid, process.at);
        let streams: Vec<_> = self.streams.of(&slot_key, generation).into_iter().map(|(_, id)| id).collect();
        self.tell(&Notice::Spawned { slot: slot_key, generation, pid, at }, &streams);
    }

    /// The leader of a slot ended: whether others are left is looked at once for all that ended in this round.
    pub(super) fn handle_exit(&mut self, id: SlotId) {
        let Some(process) = self.slots.get(id).and_then(|slot| slot.any_process()) else { return };
        if !matches!(process.stage, Stage::Running) {
            return;
        }
        let Ok(Some(exit)) = exit_of(&process.child.pidfd) else { return };
        let _ = self.poller.remove(&process.child.pidfd);
        process.stage = Stage::Ended { exit, tree_empty: false, told: false };
        self.settling.add(id);
    }

    /// After SIGCHLD: leaders that the poller does not tell of may have ended.
    pub(super) fn handle_unwatched_exits(&mut self) {
        let unwatched = self.slots.iter().filter(|(_, slot)| match &slot.occupant {
            Occupant::Process(process) => !process.watched,
            Occupant::Nobody { .. } | Occupant::Failed { .. } => false,
        });
        let ids: Vec<SlotId> = unwatched.map(|(id, _)| id).collect();
        for id in ids {
            self.handle_exit(id);
        }
    }

    /// Tells how the leader of a slot ended and whether any other process is left.
    pub(super) fn tell_ended(&mut self, id: SlotId) {
        let listens = self.engine.listens();
        let Some(slot) = self.slots.get(id) else { return };
        let slot_key = slot.key.clone();
        let Some(process) = slot.any_process() else { return };
        let generation = process.generation;
        let Stage::Ended { exit, tree_empty, told } = &mut process.stage else { return };
        let notice = if *told {
            Notice::TreeEmpty { slot: slot_key, generation }
        } else {
            Notice::Exited { slot: slot_key, generation, status: status(*exit), tree_empty: *tree_empty }
        };
        *told = listens;
        let complete = *tree_empty;
        self.tell(&notice, &[]);
        if complete && listens {
            self.expect_acknowledgement(id);
        }
    }

    /// Reaps dead children that are neither leaders nor the engine.
    pub(super) fn reap_orphans(&mut self) {
        let (leaders, engine) = (self.slots.leaders(), self.engine.pid());
        if let Err(error) = reap_orphans(|pid| Some(pid) == engine || leaders.contains_key(&pid)) {
            say(&format!("orphans could not be reaped: {error}"));
        }
    }
}

fn program(image: Image, key: &SlotKey, generation: u64) -> Program {
    let Image { argv, mut env, cwd, identity, umask, limits } = image;
    let name = format!("{INSTANCE_VARIABLE}=");
    env.retain(|entry| !entry.starts_with(name.as_bytes()));
    env.push(format!("{name}{key}:{generation}").into_bytes());
    let identity = identity.map(|identity| Identity {
        user: identity.user,
        group: identity.group,
        groups: identity.groups,
    });
    let limits =
        limits.iter().map(|limit| Limit { resource: resource(limit.resource), at: limit.at }).collect();
    Program { argv, env, cwd, identity, umask, limits }
}

fn resource(resource: protocol::Resource) -> Resource {
    match resource {
        protocol::Resource::OpenFiles => Resource::OpenFiles,
        protocol::Resource::Processes => Resource::Processes,
        protocol::Resource::Core => Resource::Core,
        protocol::Resource::FileSize => Resource::FileSize,
        protocol::Resource::Stack => Resource::Stack,
        protocol::Resource::LockedMemory => Resource::LockedMemory,
        protocol::Resource::AddressSpace => Resource::AddressSpace,
    }
}
