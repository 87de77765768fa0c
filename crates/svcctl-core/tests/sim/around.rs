//! What the world knows of what is around a process: hooks, conditions, holds and the runs of jobs; and the invariants
//! about them.

use crate::driver::Stored;
use crate::keeper::Place;
use crate::known::Known;
use crate::model::{Model, Then, Track};
use crate::policy::End;
use crate::world::World;
use jiff::tz::TimeZone;
use std::sync::Arc;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::schedule::{Timing, next_due};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{Kind, Missed, Overlap, ReloadHow};
use svcctl_core::spec::plan::{Effect, effect};
use svcctl_core::supervisor::action::HookRun;
use svcctl_core::supervisor::event::{
    ExitStatus, HookId, HookResult, HookWhat, JobCause, JobRecord, ProbeId, ProbeResult, ProbeWhat, WatchId,
    WatchWhat,
};
use svcctl_core::supervisor::memo::{Cause, Memo};
use svcctl_core::supervisor::state::{Desired, Phase, Transition};
use svcctl_core::time::{Mono, Wall};

type Check = Result<(), String>;

/// A due time that is taken up later than this was missed.
const LATE_MS: i64 = 60_000;

/// Whether a service runs by itself.
pub(crate) fn is_job(spec: &ServiceSpec) -> bool {
    spec.schedule.is_some() || spec.trigger.is_some()
}

impl Track {
    /// Whether a run under way may be stopped for the next one.
    pub(crate) fn may_be_cut(&self) -> bool {
        self.spec.schedule.as_ref().is_some_and(|schedule| schedule.overlap == Overlap::Restart)
    }

    /// What outlives an engine in the world itself.
    pub(crate) fn keep(&mut self, before: &Self) {
        self.last_due = before.last_due;
        self.fired = before.fired;
        self.jumped_back = before.jumped_back;
        self.once_allowed = before.once_allowed;
        self.changed = before.changed;
        self.recalled = true;
        self.generation = before.generation;
    }

    /// What a new engine finds.
    pub(crate) fn recall(
        &mut self,
        stored: &Stored,
        place: &Place,
        memo: Option<&Memo>,
        known: Option<Known>,
        now: Mono,
    ) {
        let phase = memo.map(|memo| memo.phase);
        self.phase = phase;
        let hook = memo.and_then(|memo| memo.hook).map(|(what, _)| what);
        self.completed = phase == Some(Phase::Completed);
        self.job_ok = memo.is_some_and(|memo| memo.job.succeeded);
        self.record = stored.job.clone().unwrap_or_default();
        match memo.and_then(|memo| memo.job.queued) {
            // A run that was begun and had no process yet is begun again.
            Some(Cause::Schedule(due) | Cause::Missed(due)) => {
                self.last_due = self.last_due.map(|last| last.min(Wall(due.0 - 1)));
            }
            Some(Cause::Trigger) => self.fired = true,
            Some(Cause::Command) => self.once_allowed = true,
            None => {}
        }
        let runs = stored.spec.kind == Kind::Oneshot;
        if let Some((_, since)) = memo.and_then(|memo| memo.job.run).filter(|_| runs) {
            let same = self.record.last_run.as_ref().is_some_and(|run| run.started == since);
            self.record.runs += u64::from(!same);
            self.run_open = true;
            self.once = stored.desired == Desired::Down;
        }
        let in_hooks = match (phase, hook) {
            (Some(Phase::Starting), Some(HookWhat::BeforeStart)) => true,
            (Some(Phase::Stopping), Some(HookWhat::AfterExit)) => {
                let generation = memo.map_or(0, |memo| memo.generation.0);
                let known = Known::survived(generation, stored.spec.clone(), now, true, true);
                let status =
                    memo.and_then(|memo| memo.last_exit).map_or(ExitStatus::Unknown, |(status, _)| status);
                let over = Some(End::Exit(status));
                let index = memo.and_then(|memo| memo.hook).map_or(0, |(_, index)| index);
                if usize::from(index) >= stored.spec.hooks.after_exit.len() {
                    // The accepted specification has no such hook: it is over.
                    return;
                }
                self.process = Some(Known { over, exit: Some(status), killed: true, ..known });
                return;
            }
            _ => false,
        };
        // Where the memo says so, the end of the process was known, only not acknowledged any more.
        let over = in_hooks
            || matches!(
                phase,
                Some(Phase::Waiting | Phase::Scheduled | Phase::Backoff | Phase::Failed | Phase::Completed)
            );
        self.process = place.proc.as_ref().filter(|_| !over).map(|proc| {
            let same = known.filter(|known| known.generation == proc.id.generation.0);
            let ready = same.as_ref().is_some_and(|known| known.ready) || stored.spec.ready.is_none();
            // A new engine knows only the accepted specification, and the kind from the memo.
            let mut spec = stored.spec.clone();
            if let Some(known) = &same {
                Arc::make_mut(&mut spec).kind = known.spec.kind;
            }
            let known = Known::survived(proc.id.generation.0, spec, now, proc.born, ready);
            // The keeper kills by itself at a deadline that passed without an engine.
            let killed = proc.kill_by.is_some_and(|at| at <= now);
            Known { kill_by: proc.kill_by, killed, ..known }
        });
    }
}

impl Known {
    /// It runs, as far as is known.
    pub(crate) fn is_running(&self) -> bool {
        self.running_since.is_some() && self.exit.is_none() && !self.stopping && !self.late && !self.unwell
    }

    /// The process came to run: what was accepted meanwhile takes effect where it can.
    pub(crate) fn refresh(&mut self, new: &Arc<ServiceSpec>) {
        if effect(&self.spec, new) != Effect::Restart {
            if self.spec.health != new.health {
                (self.live_failures, self.ready_failures, self.unready) = (0, 0, false);
            }
            self.spec = new.clone();
        }
    }
}

impl Model {
    /// The wall clock was set.
    pub(crate) fn jumped(&mut self, back: bool) {
        for track in self.services.values_mut() {
            track.jumped_back |= back;
        }
    }

    /// A probe is about to be answered.
    pub(crate) fn told_probe(&mut self, probe: &ProbeId, result: &ProbeResult, now: Mono) {
        let yes = *result == ProbeResult::Ok;
        let Some(track) = self.services.get_mut(&probe.id.slot.name) else { return };
        match probe.what {
            ProbeWhat::Condition(index) => {
                let asked = track.asked_under == probe.id.generation.0;
                if let Some(answer) = track.conditions.get_mut(&index).filter(|_| asked) {
                    *answer = Some(yes);
                }
                return;
            }
            ProbeWhat::Trigger => {
                track.fired |= yes;
                return;
            }
            ProbeWhat::Ready | ProbeWhat::Liveness | ProbeWhat::Readiness => {}
        }
        let (accepted, starting) = (track.spec.clone(), track.phase == Some(Phase::Starting));
        let known = track.process.as_mut().filter(|known| known.generation == probe.id.generation.0);
        let Some(known) = known else { return };
        let (unsure, running) = (known.survived, known.is_running());
        match probe.what {
            ProbeWhat::Ready => {
                if yes && known.exit.is_none() && !known.late && !known.ready {
                    known.ready = true;
                    known.running_since = Some(now);
                    if starting {
                        known.refresh(&accepted);
                    }
                }
            }
            ProbeWhat::Liveness if running || unsure => {
                let limit = known.spec.health.liveness.as_ref().map_or(u32::MAX, |probe| probe.fail_after);
                known.live_failures = if yes { 0 } else { known.live_failures + 1 };
                if known.live_failures >= limit {
                    known.unwell = true;
                    known.stable = crate::known::is_stable(known, now);
                }
                known.weigh();
            }
            ProbeWhat::Readiness if running || unsure => {
                known.ready_failures = if yes { 0 } else { known.ready_failures + 1 };
                known.weigh();
            }
            ProbeWhat::Liveness | ProbeWhat::Readiness | ProbeWhat::Condition(_) | ProbeWhat::Trigger => {}
        }
    }

    /// Paths changed.
    pub(crate) fn told_change(&mut self, id: &WatchId) {
        let Some(track) = self.services.get_mut(&id.name) else { return };
        match id.what {
            WatchWhat::Trigger => track.fired = true,
            WatchWhat::Reload => track.reload(!track.held),
        }
    }

    /// A hook is about to be done.
    pub(crate) fn told_hook(
        &mut self,
        id: &HookId,
        result: &HookResult,
        now: Mono,
    ) -> Option<(ServiceName, Then)> {
        let track = self.services.get_mut(&id.id.slot.name)?;
        track.hook.take_if(|hook| hook == id)?;
        match (id.what, result) {
            (HookWhat::BeforeStart, HookResult::Ok) => {
                track.hooks_done += 1;
                None
            }
            (HookWhat::BeforeStart, HookResult::Failed(_)) => self.gone(&id.id, End::NoProcess, now),
            (HookWhat::AfterExit, _) => {
                let known = track.process.as_ref()?;
                let last = usize::from(id.index) + 1 >= known.spec.hooks.after_exit.len();
                let end = known.over.filter(|_| last)?;
                self.gone(&id.id, end, now)
            }
            (HookWhat::AfterStart | HookWhat::BeforeStop | HookWhat::Reload | HookWhat::StopStep, _) => None,
        }
    }

    /// Starts whose time is over while their hooks run.
    pub(crate) fn cut_hooks(&mut self, now: Mono) -> Vec<(ServiceName, Then)> {
        let late = self.services.iter().filter_map(|(name, track)| {
            let known = track.process.as_ref().filter(|known| known.hooking && known.late)?;
            Some((name.clone(), known.generation))
        });
        let ids: Vec<(ServiceName, u64)> = late.collect();
        let id = |(name, generation): (ServiceName, u64)| InstanceId {
            slot: svcctl_core::ident::SlotKey { name, index: 0 },
            generation: svcctl_core::ident::Generation(generation),
        };
        ids.into_iter().filter_map(|one| self.gone(&id(one), End::NotInTime, now)).collect()
    }
}

impl Known {
    fn weigh(&mut self) {
        let limit = self.spec.health.readiness.as_ref().map_or(u32::MAX, |probe| probe.fail_after);
        if self.ready_failures >= limit {
            self.unready = true;
        } else if self.ready_failures == 0 {
            self.unready = false;
        }
    }
}

impl Track {
    /// A reload of what runs begins.
    pub(crate) fn reload(&mut self, restarts: bool) {
        let running = self.process.is_some() && self.phase == Some(Phase::Running);
        match self.spec.reload.as_ref().map(|reload| &reload.how) {
            Some(ReloadHow::Signal(_)) if running => self.signals += 1,
            Some(ReloadHow::Restart) if running && restarts => {
                self.count_anew();
                self.once_allowed = true;
                if let Some(known) = self.process.as_mut().filter(|known| !known.survived) {
                    known.fresh = true;
                }
            }
            Some(_) | None => {}
        }
    }
}

/// The core begins an attempt: with its spawn, or with the first hook before it.
pub(crate) fn launch(world: &mut World, id: &InstanceId, spec: &Arc<ServiceSpec>) -> Check {
    let name = &id.slot.name;
    let Some(track) = world.model.services.get(name) else { return Err(format!("spawn of unknown {name}")) };
    if world.model.ending {
        return Err(format!("spawn of {name} while the engine is ending"));
    }
    if track.desired == Desired::Down && !track.once {
        return Err(format!("spawn of {name}, which is wanted down"));
    }
    if track.held {
        return Err(format!("spawn of {name}, which is held"));
    }
    if let Some(known) = &track.process {
        return Err(format!("spawn of {name} while {known:?} is in its slot"));
    }
    if let Some(missing) = world.model.closed_gate(name) {
        return Err(format!("spawn of {name}, but {missing}"));
    }
    let holds = |index: u16| track.asked.get(&index).copied().flatten() == Some(true);
    if let Some(index) =
        (0_u16..).zip(&track.spec.start.when).map(|(index, _)| index).find(|index| !holds(*index))
    {
        return Err(format!("spawn of {name}, but its condition {index} does not hold: {:?}", track.asked));
    }
    if is_job(&track.spec) && !track.run_open {
        return Err(format!("spawn of {name} without a run"));
    }
    if id.generation.0 <= track.generation {
        return Err(format!("{id:?} is not newer than generation {}", track.generation));
    }
    if track.spec != *spec {
        return Err(format!("spawn of {name} from another specification than the accepted one"));
    }
    if let Some(not_before) = track.not_before.filter(|at| *at > world.now) {
        return Err(format!("spawn of {name} {:?} before its pause was over", not_before.since(world.now)));
    }
    world.model.spawn_asked(id, spec, world.now);
    if let Some(track) = world.model.services.get_mut(name) {
        track.asked.clear();
    }
    Ok(())
}

/// The core wants a hook run.
pub(crate) fn hook(world: &mut World, run: &HookRun) -> Check {
    let (id, now) = (&run.id, world.now);
    if id.what == HookWhat::BeforeStart && id.index == 0 {
        launch(world, &id.id, &run.spec)?;
    }
    let killing = world.model.kill_at.is_some_and(|at| at <= now);
    let begins = matches!(id.what, HookWhat::BeforeStop | HookWhat::StopStep);
    let fresh = world.model.known_mut(&id.id).is_some_and(|known| !known.stopping && !known.survived);
    if begins && fresh {
        crate::check::dependants_first(world, &id.id)?;
    }
    let Some(track) = world.model.services.get_mut(&id.id.slot.name) else {
        return Err(format!("{id:?} of an unknown service"));
    };
    if let Some(other) = track.hook.replace(id.clone()) {
        return Err(format!("{id:?} is run beside {other:?}"));
    }
    let Some(known) = track.process.as_mut().filter(|known| known.generation == id.id.generation.0) else {
        return Err(format!("{id:?} is run for nothing"));
    };
    let fits = match id.what {
        HookWhat::BeforeStart => known.hooking && track.hooks_done == id.index,
        HookWhat::AfterStart | HookWhat::Reload => known.running_since.is_some() || known.survived,
        HookWhat::BeforeStop | HookWhat::StopStep => {
            known.stopping = true;
            known.exit.is_none() || known.survived
        }
        HookWhat::AfterExit => {
            let next = known.hooks_done == id.index || known.survived;
            known.hooks_done = id.index + 1;
            known.over.is_some() && !killing && next
        }
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{id:?} is not to be run now: {known:?}, {} done", track.hooks_done))
    }
}

/// The core wants a hook ended.
pub(crate) fn cancelled(world: &mut World, id: &HookId) -> Check {
    let Some(track) = world.model.services.get_mut(&id.id.slot.name) else { return Ok(()) };
    if track.hook.take_if(|hook| hook == id).is_none() {
        return Err(format!("{id:?} was cancelled, and does not run"));
    }
    track.process.take_if(|known| known.hooking && known.generation == id.id.generation.0);
    Ok(())
}

/// The core begins or ends to ask.
pub(crate) fn asked(world: &mut World, probe: &ProbeId, begins: bool) {
    let Some(track) = world.model.services.get_mut(&probe.id.slot.name) else { return };
    let ProbeWhat::Condition(index) = probe.what else { return };
    if begins {
        track.conditions.insert(index, None);
        track.asked_under = probe.id.generation.0;
        track.asked.remove(&index);
    } else if let Some(answer) = track.conditions.remove(&index) {
        // What it was when it was asked last: a launch follows in the same breath, or does not.
        track.asked.insert(index, answer);
    }
}

/// What the core knows of the runs of a job.
pub(crate) fn job(world: &mut World, name: &ServiceName, record: &JobRecord) -> Check {
    let (wall, now) = (world.clock().wall, world.now);
    let Some(track) = world.model.services.get_mut(name) else { return Ok(()) };
    let begins = record.runs > track.record.runs;
    let run = record.last_run.as_ref();
    track.record = record.clone();
    if let Some(succeeded) = run.and_then(|run| run.succeeded) {
        track.job_ok = succeeded;
        if std::mem::replace(&mut track.run_open, false) {
            track.run_ended = Some(now);
        }
        return Ok(());
    }
    let Some(run) = run.filter(|_| begins) else { return Ok(()) };
    // The core counts its attempts anew, and the world counts none of a job.
    track.count_anew();
    track.counts.unsure = true;
    if let Some(known) = &track.process {
        return Err(format!("a run of {name} begins while {known:?} is there"));
    }
    if std::mem::replace(&mut track.run_open, true) {
        return Err(format!("a run of {name} begins before the last one is over"));
    }
    let fits = match &run.cause {
        JobCause::Trigger(_) => std::mem::replace(&mut track.fired, false),
        JobCause::Command => std::mem::replace(&mut track.once_allowed, false),
        JobCause::Schedule(due) => {
            // What was due during the last run is skipped: nothing follows its end in the same breath.
            let skips = track.spec.schedule.as_ref().is_some_and(|one| one.overlap == Overlap::Skip);
            is_due(track, *due) && !(skips && track.run_ended == Some(now) && wall.0 - due.0 > 10)
        }
        JobCause::Missed(due) => {
            let once = track.spec.schedule.as_ref().is_some_and(|one| one.missed == Missed::Once);
            once && is_due(track, *due) && wall.0 - due.0 >= LATE_MS - 1
        }
    };
    // What was queued by a schedule of before may be found in a memo that is older than the change.
    let stale = std::mem::replace(&mut track.changed, false) && track.recalled;
    if fits || stale { Ok(()) } else { Err(format!("a run of {name} for no reason: {run:?}, {track:?}")) }
}

/// Whether this is a due time, and none that was run before.
fn is_due(track: &mut Track, due: Wall) -> bool {
    let Some(schedule) = &track.spec.schedule else { return false };
    let right = match &schedule.timing {
        cron @ Timing::Cron(_) => {
            let after = track.last_due.is_none_or(|last| due > last);
            after && next_due(cron, Wall(due.0 - 1), &TimeZone::UTC) == Some(due)
        }
        Timing::Every(_) => track.jumped_back || track.last_due.is_none_or(|last| due > last),
    };
    track.last_due = Some(due);
    right
}

/// Whether a oneshot may be run once.
pub(crate) fn once(track: &mut Track, allowed: bool) {
    track.once_allowed |= allowed;
    // Of what is no job, no record is told.
    track.run_open |= allowed && !is_job(&track.spec);
    track.once = allowed && (track.desired == Desired::Down) && track.spec.kind == Kind::Oneshot;
}

/// Observers were told where a service went; `rests` if no attempt follows by itself.
pub(crate) fn published(world: &mut World, transition: &Transition, rests: bool) {
    let Some(track) = world.model.services.get_mut(&transition.slot.name) else { return };
    track.phase = Some(transition.to);
    let cut = transition.to == Phase::Stopping && track.may_be_cut();
    if let Some(known) = track.process.as_mut().filter(|_| cut) {
        known.cut = true;
    }
    if rests {
        track.once = false;
        track.run_open &= is_job(&track.spec);
        track.completed |= track.counts.unsure && transition.to == Phase::Completed;
    }
}
