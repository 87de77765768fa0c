//! What the world itself knows of every service, from the commands that were accepted and the events that were
//! delivered: the core is judged by this, never by its own flags.

use crate::around::is_job;
use crate::known::{Known, is_stable};
use crate::policy::{Counts, End, Expected, expected};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{DependencyKind, Kind};
use svcctl_core::supervisor::event::{Command, Event, ExitStatus, HookId, HookWhat, JobRecord};
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::time::{Mono, Wall};

/// One service.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one fact that the world has seen, independent of the others"
)]
pub(crate) struct Track {
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) desired: Desired,
    pub(crate) leaving: bool,
    pub(crate) process: Option<Known>,
    /// It ended with success and was not started since.
    pub(crate) completed: bool,
    pub(crate) counts: Counts,
    /// When the next attempt may come at the earliest.
    pub(crate) not_before: Option<Mono>,
    pub(crate) generation: u64,
    /// The last command about it.
    pub(crate) command: u64,
    /// Where it went last, as observers were told.
    pub(crate) phase: Option<Phase>,
    pub(crate) held: bool,
    /// The hook that runs.
    pub(crate) hook: Option<HookId>,
    /// How many `before_start` hooks of the attempt are done.
    pub(crate) hooks_done: u16,
    /// The conditions that are asked, and what they answered last.
    pub(crate) conditions: BTreeMap<u16, Option<bool>>,
    /// The same, of those that were asked until this very moment.
    pub(crate) asked: BTreeMap<u16, Option<bool>>,
    /// Under which number they are asked.
    pub(crate) asked_under: u64,
    /// How many signals without a stop it may get.
    pub(crate) signals: u32,
    /// It is wanted down, and is run once.
    pub(crate) once: bool,
    /// Somebody asked for a run.
    pub(crate) once_allowed: bool,
    /// Its trigger fired since its last run for that.
    pub(crate) fired: bool,
    /// What the core told of its runs.
    pub(crate) record: JobRecord,
    pub(crate) run_open: bool,
    pub(crate) run_ended: Option<Mono>,
    /// Its last run since it was armed succeeded.
    pub(crate) job_ok: bool,
    /// The due time of its last run by schedule.
    pub(crate) last_due: Option<Wall>,
    pub(crate) jumped_back: bool,
    /// Its schedule or trigger was changed since its last run.
    pub(crate) changed: bool,
    /// An engine died since it was installed.
    pub(crate) recalled: bool,
}

/// What must be true right after an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Policy(Expected),
    Fresh,
    Down,
    /// An engine died in between: anything that the specification allows.
    Unsure,
    /// Its hooks run first.
    Hooks,
}

/// Everything the world knows.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) services: BTreeMap<ServiceName, Track>,
    pub(crate) ending: bool,
    /// When what is left is killed.
    pub(crate) kill_at: Option<Mono>,
}

impl Track {
    pub(crate) fn new(spec: Arc<ServiceSpec>, desired: Desired) -> Self {
        Self {
            spec,
            desired,
            leaving: false,
            process: None,
            completed: false,
            counts: Counts::default(),
            not_before: None,
            generation: 0,
            command: 0,
            phase: None,
            held: false,
            hook: None,
            hooks_done: 0,
            conditions: BTreeMap::new(),
            asked: BTreeMap::new(),
            asked_under: 0,
            signals: 0,
            once: false,
            once_allowed: false,
            fired: false,
            record: JobRecord::default(),
            run_open: false,
            run_ended: None,
            job_ok: false,
            last_due: None,
            jumped_back: false,
            changed: false,
            recalled: false,
        }
    }

    pub(crate) fn count_anew(&mut self) {
        self.counts = Counts::default();
        self.not_before = None;
    }
}

impl Model {
    /// Whether what `name` depends on is as it must be; else what is missing.
    pub(crate) fn closed_gate(&self, name: &ServiceName) -> Option<String> {
        let track = self.services.get(name)?;
        let closed = track.spec.depends_on.iter().find(|(on, kind)| !self.is_open(on, **kind));
        closed.map(|(on, kind)| format!("{on} is not {kind:?}"))
    }

    fn is_open(&self, on: &ServiceName, kind: DependencyKind) -> bool {
        let Some(track) = self.services.get(on) else { return false };
        let runs = |known: &Known| known.spawned && known.exit.is_none() && !known.stopping;
        if is_job(&track.spec) {
            let started = kind == DependencyKind::Started && track.process.as_ref().is_some_and(runs);
            return track.job_ok || started;
        }
        match kind {
            DependencyKind::Completed => track.completed,
            DependencyKind::Started => track.completed || track.process.as_ref().is_some_and(runs),
            DependencyKind::Ready => {
                let ready = |known: &Known| {
                    runs(known) && known.ready && !known.unready && known.spec.kind == Kind::Simple
                };
                (track.completed && track.spec.kind == Kind::Oneshot)
                    || track.process.as_ref().is_some_and(ready)
            }
        }
    }

    /// `names` and all they depend on.
    pub(crate) fn with_dependencies(&self, names: &[ServiceName]) -> BTreeSet<ServiceName> {
        let mut open = names.to_vec();
        let mut closed = BTreeSet::new();
        while let Some(name) = open.pop() {
            if let Some(track) = self.services.get(&name)
                && closed.insert(name)
            {
                open.extend(track.spec.depends_on.keys().cloned());
            }
        }
        closed
    }

    /// The services whose specification names `on`.
    pub(crate) fn dependants(&self, on: &ServiceName) -> impl Iterator<Item = &ServiceName> {
        let depends = |track: &Track| track.spec.depends_on.contains_key(on);
        self.services.iter().filter(move |(_, track)| depends(track)).map(|(name, _)| name)
    }

    /// A command was accepted; `phase` tells where a service was before it, `along` are the dependants that go too.
    pub(crate) fn accepted(
        &mut self,
        number: u64,
        command: &Command,
        phase: &BTreeMap<ServiceName, Phase>,
        along: &BTreeSet<ServiceName>,
    ) {
        match command {
            Command::Install { spec, .. } => self.installed(spec, phase),
            Command::Start(request) => {
                for name in self.with_dependencies(&request.names) {
                    self.wanted_up(number, &name, phase.get(&name).copied(), false);
                }
            }
            Command::Restart(request) => {
                for name in self.with_dependencies(&request.names) {
                    self.wanted_up(number, &name, phase.get(&name).copied(), request.names.contains(&name));
                }
            }
            Command::Stop(request) | Command::Uninstall(request) => {
                let leaving = matches!(command, Command::Uninstall(_));
                for name in along.iter().chain(&request.names) {
                    let Some(track) = self.services.get_mut(name) else { continue };
                    track.desired = Desired::Down;
                    track.command = number;
                    track.completed = false;
                    track.not_before = None;
                    track.once = false;
                    track.run_open = false;
                    track.fired = false;
                    track.leaving |= leaving && request.names.contains(name);
                }
            }
            Command::Reset(request) => {
                for name in request.names.iter().filter(|name| phase.get(*name) == Some(&Phase::Failed)) {
                    if let Some(track) = self.services.get_mut(name) {
                        track.count_anew();
                    }
                }
            }
            Command::Shutdown { deadline } => {
                self.ending = true;
                self.kill_at = Some(self.kill_at.map_or(*deadline, |at| at.min(*deadline)));
            }
            Command::StartOnce(request)
            | Command::Reload(request)
            | Command::Signal(request, _)
            | Command::Hold(request, _)
            | Command::Unhold(request) => {
                self.said(number, command, &request.names);
            }
            Command::Show(_) | Command::Apply { .. } | Command::Enable(..) => {}
        }
    }

    fn wanted_up(&mut self, number: u64, name: &ServiceName, phase: Option<Phase>, afresh: bool) {
        let Some(track) = self.services.get_mut(name) else { return };
        if track.desired == Desired::Down {
            track.job_ok = false;
        }
        track.desired = Desired::Up;
        track.once = false;
        track.once_allowed |= afresh;
        track.leaving = false;
        track.command = number;
        let anew = match phase {
            Some(Phase::Stopped | Phase::Backoff | Phase::Failed | Phase::Stopping) | None => true,
            Some(Phase::Completed) => afresh || track.spec.kind == Kind::Simple,
            Some(Phase::Starting | Phase::Running) => afresh,
            Some(Phase::Waiting | Phase::Scheduled) => false,
        };
        if anew {
            track.count_anew();
            track.completed = false;
            if let Some(known) = &mut track.process {
                known.fresh = true;
            }
        }
    }

    /// The core asked for a process.
    pub(crate) fn spawn_asked(&mut self, id: &InstanceId, spec: &Arc<ServiceSpec>, now: Mono) {
        let Some(track) = self.services.get_mut(&id.slot.name) else { return };
        track.completed = false;
        track.not_before = None;
        track.generation = id.generation.0;
        track.hooks_done = 0;
        let hooking = !spec.hooks.before_start.is_empty();
        track.process = Some(Known { hooking, ..Known::asked(id.generation.0, spec.clone(), now) });
    }

    /// The process that the core knows under this id.
    pub(crate) fn known_mut(&mut self, id: &InstanceId) -> Option<&mut Known> {
        let process = self.services.get_mut(&id.slot.name)?.process.as_mut();
        process.filter(|known| known.generation == id.generation.0)
    }

    /// A stop whose deadline has passed without a kill.
    pub(crate) fn overdue(&self, now: Mono) -> Option<&Known> {
        let known = self.services.values().filter_map(|track| track.process.as_ref());
        known.into_iter().find(|known| !known.killed && known.kill_by.is_some_and(|at| at < now))
    }

    /// Start deadlines that passed before `now`: those that end at `now` are taken up by the timeout itself.
    pub(crate) fn note_late_before(&mut self, now: Mono) {
        self.note_late(Mono(now.0.saturating_sub(1)));
    }

    /// Start deadlines that have passed by `now`.
    pub(crate) fn note_late(&mut self, now: Mono) {
        for known in self.services.values_mut().filter_map(|track| track.process.as_mut()) {
            // The deadline of one that outlived an engine is the keeper's, from the specification of that time.
            let unfinished = known.exit.is_none() && !known.ready && !known.survived && !known.unwell;
            known.late |= unfinished && known.deadline.is_some_and(|deadline| deadline <= now);
        }
    }

    /// The core is about to be told `event`; gives the service and what must be true of it afterwards.
    pub(crate) fn told(&mut self, event: &Event, now: Mono) -> Option<(ServiceName, Then)> {
        match event {
            Event::Spawned(id, _) => {
                let track = self.services.get(&id.slot.name)?;
                let (accepted, starting) = (track.spec.clone(), track.phase == Some(Phase::Starting));
                let known = self.known_mut(id).filter(|known| !known.spawned)?;
                known.spawned = true;
                let at_once = known.spec.kind == Kind::Oneshot || known.spec.ready.is_none();
                if at_once && !known.late && !known.stopping {
                    known.running_since = Some(now);
                    known.ready = known.spec.kind == Kind::Simple;
                    if starting {
                        known.refresh(&accepted);
                    }
                }
                None
            }
            Event::Probe(probe, result) => {
                self.told_probe(probe, result, now);
                None
            }
            Event::HookDone(id, result) => self.told_hook(id, result, now),
            Event::Changed(id, _) => {
                self.told_change(id);
                None
            }
            Event::Exited { id, status, tree_empty } => {
                let known = self.known_mut(id)?;
                if known.exit.is_none() {
                    known.exit = Some(*status);
                    known.stable = if known.unwell { known.stable } else { is_stable(known, now) };
                }
                if *tree_empty { self.gone(id, End::Exit(*status), now) } else { None }
            }
            Event::TreeEmpty(id) => {
                let status = self.known_mut(id)?.exit.unwrap_or(ExitStatus::Unknown);
                self.gone(id, End::Exit(status), now)
            }
            Event::SpawnFailed(id, _) => self.gone(id, End::NoProcess, now),
            Event::TreeStuck(id, _) => {
                self.known_mut(id)?.stuck = true;
                None
            }
            Event::ClockJumped
            | Event::Command(..)
            | Event::Restored(_)
            | Event::Adopted(_)
            | Event::Resumed => None,
        }
    }

    pub(crate) fn gone(&mut self, id: &InstanceId, end: End, now: Mono) -> Option<(ServiceName, Then)> {
        let killing = self.kill_at.is_some_and(|at| at <= now);
        let hooking = self.services.get(&id.slot.name)?.hook.as_ref().is_some_and(is_after_exit);
        let known = self.known_mut(id)?;
        if known.over.is_some() && hooking {
            // It is told again.
            return None;
        }
        let exited = known.exit.is_some() && !known.spec.hooks.after_exit.is_empty();
        if exited && known.over.is_none() && !killing {
            known.over = Some(end);
            known.killed = true;
            known.exit.get_or_insert(ExitStatus::Unknown);
            return Some((id.slot.name.clone(), Then::Hooks));
        }
        let ending = self.ending;
        let name = id.slot.name.clone();
        let track = self.services.get_mut(&name)?;
        let known = track.process.take()?;
        if killing {
            return Some((name, Then::Unsure));
        }
        if ending || (track.desired == Desired::Down && !track.once) {
            return Some((name, Then::Down));
        }
        if is_job(&track.spec) || track.once || known.cut {
            track.counts.unsure = true;
            return Some((name, Then::Unsure));
        }
        if known.fresh {
            return Some((name, Then::Fresh));
        }
        if known.survived {
            // What the engines before knew of it is not known here. If it may have completed, it is taken as
            // that until the core has said.
            track.counts.unsure = true;
            track.completed =
                matches!(expected(&known.spec, &mut track.counts, end, now), Expected::Completed);
            return Some((name, Then::Unsure));
        }
        if known.stable && !known.late {
            track.counts.row = 0;
        }
        let end = if known.late || known.unwell { End::NotInTime } else { end };
        let then = expected(&known.spec, &mut track.counts, end, now);
        match then {
            Expected::Completed => track.completed = true,
            Expected::Pause(low, _) => track.not_before = Some(now.after(low)),
            Expected::AtOnce | Expected::Failed | Expected::AtMost(_) => {}
        }
        Some((name, Then::Policy(then)))
    }
}

fn is_after_exit(hook: &HookId) -> bool {
    hook.what == HookWhat::AfterExit
}
