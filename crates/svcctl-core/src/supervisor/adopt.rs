//! The beginning of an engine: what the store and the keeper hold is put together, then the work goes on where the
//! last engine left it. Taking over is no transition: nothing is published for it.

use super::action::Action;
use super::event::{Adopted, Command, Event, HookWhat, Process, Restored};
use super::memo::{JobMemo, Memo, Then};
use super::slot::{
    Attempt, History, Main, Progress, Reloading, Running, STEP_KILLING, Stage, Starting, State, Stopping,
    Waiting, Wellness,
};
use super::state::Phase;
use super::stop::resume_step;
use super::{Life, Supervisor};
use crate::ident::{InstanceId, ServiceName};
use crate::spec::ServiceSpec;
use crate::spec::model::Kind;
use crate::time::{Mono, Now};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Supervisor {
    /// A service that the store holds.
    pub(super) fn handle_restored(&mut self, restored: &Restored) {
        self.add_service(&restored.spec, restored.revision, restored.desired);
        if let Some(service) = self.services.get_mut(&restored.spec.name) {
            service.held.clone_from(&restored.held);
            service.job.record = restored.job.clone().unwrap_or_default();
        }
    }

    /// What the keeper holds for a slot.
    pub(super) fn handle_adopted(&mut self, adopted: Adopted) {
        let known = adopted.slot.index == 0 && self.services.contains_key(&adopted.slot.name);
        if !known {
            return self.adopt_orphan(adopted);
        }
        let name = adopted.slot.name.clone();
        match (adopted.memo, adopted.process) {
            // Its counters are lost and nothing runs: the slot begins anew.
            (None, None) => self.actions.push_back(Action::Release(adopted.slot)),
            (None, Some((id, process))) => {
                let kind = self.services.get(&name).map_or(Kind::Simple, |service| service.spec.kind);
                let memo = unread(&id, process, kind);
                self.adopt(&name, &memo, Some((id, process)));
            }
            (Some(memo), process) => self.adopt(&name, &memo, process),
        }
    }

    fn adopt(&mut self, name: &ServiceName, memo: &Memo, process: Option<(InstanceId, Process)>) {
        let Some(service) = self.services.get_mut(name) else { return };
        let (spec, slot) = (of_kind(&service.spec, memo.kind), &mut service.slot);
        let held = process.as_ref().map_or(memo.generation, |(id, _)| id.generation);
        slot.generation = memo.generation.max(held);
        slot.since = Now { mono: memo.since, wall: memo.since_wall };
        slot.history = History {
            restarts: memo.restarts,
            row: memo.row,
            window: memo.window,
            last_exit: memo.last_exit,
            spawn_error: None,
            unwell: None,
        };
        service.job.adopt(&memo.job);
        "taken over from the last engine".clone_into(&mut slot.why);
        let over = memo.generation >= held;
        let hook = memo.hook.map(|(what, index)| (memo.phase, what, index));
        let process = match hook {
            // The memo was written when nothing was left of the process, only that was not acknowledged any more.
            Some((Phase::Starting, HookWhat::BeforeStart, _) | (Phase::Stopping, HookWhat::AfterExit, _)) => {
                self.actions.extend(process.map(|(id, _)| Action::Acknowledge(id)));
                None
            }
            Some(_) | None => process,
        };
        slot.state = match (memo.phase, process) {
            (Phase::Stopping, None) if matches!(memo.hook, Some((HookWhat::AfterExit, _))) => {
                let id = InstanceId { slot: slot.key.clone(), generation: memo.generation };
                let index = memo.hook.map_or(0, |(_, index)| index);
                State::Stopping(Stopping {
                    attempt: Attempt { id, spec, revision: memo.revision },
                    main: Main::Ended,
                    progress: Progress::AfterExit { index },
                    then: memo.then,
                    stuck: Vec::new(),
                })
            }
            // The attempt is made anew, with its first hook.
            (Phase::Starting, None) if memo.hook.is_some() => State::Waiting(Waiting::default()),
            (Phase::Starting | Phase::Running | Phase::Stopping, Some((id, process))) => {
                let attempt = Attempt { id, spec, revision: memo.revision };
                with_process(memo, attempt, process)
            }
            // The exit was taken into account; what followed from it was lost with the engine. It is found at
            // `Resumed`, and the attempt is made then.
            (Phase::Starting | Phase::Running | Phase::Stopping, None) => {
                let by_itself = memo.phase != Phase::Stopping || memo.then != Then::Fresh;
                slot.history.row = memo.row.saturating_add(u32::from(by_itself));
                slot.history.restarts = memo.restarts.saturating_add(u32::from(by_itself));
                State::Waiting(Waiting::default())
            }
            (phase, process) => {
                if let Some((id, _)) = process.filter(|_| over) {
                    // It was over when the memo was written, but that was not acknowledged any more.
                    self.actions.push_back(Action::Acknowledge(id));
                }
                without_process(phase, memo)
            }
        };
        self.retime(name);
    }

    /// All has been told: the work begins, or ends at once if that is wanted already.
    pub(super) fn handle_resumed(&mut self) {
        let Life::Restoring { waiting } = std::mem::replace(&mut self.life, Life::Working) else { return };
        let ends = |event: &Event| matches!(event, Event::Command(_, Command::Shutdown { .. }));
        if waiting.iter().any(ends) {
            self.life = Life::Ending { killing: false };
        }
        let names: Vec<ServiceName> = self.services.keys().cloned().collect();
        for name in &names {
            self.arm_again(name);
            self.resume(name);
            self.follow_watches(name);
        }
        self.kill_orphans();
        self.settle();
        for event in waiting {
            self.dispatch(event);
            self.settle();
        }
    }

    fn resume(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let up = service.is_wanted() && !self.is_ending();
        let (is_job, has_run) = (service.is_job(), service.job.run.is_some());
        match &service.slot.state {
            State::Stopping(stopping) => match stopping.progress {
                // What was sent last may not have arrived; killing twice does no harm.
                Progress::Killing => self.kill(name),
                Progress::Held { .. } => self.hold(name),
                Progress::Step { .. } | Progress::BeforeStop { .. } | Progress::AfterExit { .. } => {
                    self.follow_hook(name);
                }
            },
            State::Starting(_) if up => self.resume_start(name),
            State::Running(_) if up => {
                self.follow_hook(name);
                self.start_health(name);
            }
            State::Scheduled if up && is_job => {
                self.start_trigger(name);
                self.unsettled.insert(name.clone());
            }
            State::Scheduled
            | State::Waiting(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed
                if up && (matches!(service.slot.state, State::Scheduled) || (is_job && !has_run)) =>
            {
                self.try_start(name, "starting", None);
            }
            State::Waiting(_) if up => {
                self.remember(name);
                self.unsettled.insert(name.clone());
            }
            State::Stopped if up => self.try_start(name, "starting", None),
            State::Stopped => {}
            State::Backoff { .. } | State::Failed | State::Completed if service.is_wanted() => {}
            State::Scheduled
            | State::Waiting(_)
            | State::Starting(_)
            | State::Running(_)
            | State::Backoff { .. }
            | State::Failed
            | State::Completed => self.take_down(name, "wanted down"),
        }
    }

    /// Goes on with a start: what is asked by probes is asked anew.
    fn resume_start(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Starting(Starting { attempt, stage, .. }) = &mut slot.state else { return };
        let Stage::Probing { process, .. } = *stage else { return };
        let id = attempt.id.clone();
        // Without a probe it would be running: the news of its spawn was lost.
        *stage = Stage::Spawning;
        self.handle_spawned(&id, process);
    }
}

/// The accepted specification for a process that was made as `kind`: of the revision that it was made from, no engine
/// knows more any longer.
fn of_kind(spec: &Arc<ServiceSpec>, kind: Kind) -> Arc<ServiceSpec> {
    if spec.kind == kind { spec.clone() } else { Arc::new(ServiceSpec { kind, ..ServiceSpec::clone(spec) }) }
}

/// What is assumed of a process whose memo cannot be read: it runs.
fn unread(id: &InstanceId, process: Process, kind: Kind) -> Memo {
    let spawning = process.pid == 0;
    Memo {
        generation: id.generation,
        phase: if spawning { Phase::Starting } else { Phase::Running },
        since: process.since,
        since_wall: process.since_wall,
        revision: 0,
        kind,
        restarts: 0,
        row: 0,
        window: None,
        deadline: None,
        stop_step: 0,
        then: Then::Fresh,
        last_exit: None,
        hook: None,
        job: JobMemo::default(),
    }
}

fn with_process(memo: &Memo, attempt: Attempt, process: Process) -> State {
    let born = process.pid != 0;
    match memo.phase {
        Phase::Stopping => {
            let main = if born { Main::Alive(process) } else { Main::Unborn };
            let stop = &attempt.spec.stop;
            let progress = match (memo.stop_step, memo.deadline) {
                (STEP_KILLING, _) => Progress::Killing,
                (0, Some(deadline)) if matches!(memo.hook, Some((HookWhat::BeforeStop, _))) => {
                    Progress::BeforeStop { index: memo.hook.map_or(0, |(_, index)| index), deadline }
                }
                (0, _) | (_, None) => Progress::Held { blockers: BTreeSet::new() },
                (taken, Some(deadline)) => resume_step(stop, taken, deadline, memo.hook.is_some()),
            };
            State::Stopping(Stopping { attempt, main, progress, then: memo.then, stuck: Vec::new() })
        }
        Phase::Running if born => {
            let deadline = match attempt.spec.kind {
                Kind::Simple => None,
                Kind::Oneshot => memo.deadline,
            };
            let (after, reload) = match memo.hook {
                Some((HookWhat::AfterStart, index)) => (Some(index), Reloading::No),
                Some((HookWhat::Reload, _)) => (None, Reloading::Once),
                Some(_) | None => (None, Reloading::No),
            };
            let wellness = Wellness::default();
            State::Running(Running { attempt, process, deadline, after, reload, wellness })
        }
        Phase::Running
        | Phase::Starting
        | Phase::Stopped
        | Phase::Waiting
        | Phase::Scheduled
        | Phase::Backoff
        | Phase::Failed
        | Phase::Completed => {
            let stage = if born { Stage::Probing { process, error: None } } else { Stage::Spawning };
            State::Starting(Starting { attempt, stage, deadline: memo.deadline })
        }
    }
}

fn without_process(phase: Phase, memo: &Memo) -> State {
    match phase {
        Phase::Backoff => State::Backoff { until: memo.deadline.unwrap_or(Mono(0)) },
        Phase::Failed => State::Failed,
        Phase::Completed => State::Completed,
        Phase::Stopped => State::Stopped,
        Phase::Scheduled => State::Scheduled,
        Phase::Waiting | Phase::Starting | Phase::Running | Phase::Stopping => {
            State::Waiting(Waiting::default())
        }
    }
}
