//! What the world itself knows of every service, from the commands that were accepted and the events that were
//! delivered: the core is judged by this, never by its own flags.

use crate::policy::{Counts, End, Expected, expected};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{DependencyKind, Kind, Pause};
use svcctl_core::supervisor::event::{Command, Event, ExitStatus, ProbeResult};
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::time::Mono;

/// One attempt, from the spawn that was asked for until the core was told that nothing is left.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one fact that the world has seen, independent of the others"
)]
pub(crate) struct Known {
    pub(crate) generation: u64,
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) asked: Mono,
    pub(crate) spawned: bool,
    pub(crate) ready: bool,
    pub(crate) running_since: Option<Mono>,
    pub(crate) exit: Option<ExitStatus>,
    /// The exit came after a run that was long enough.
    pub(crate) stable: bool,
    /// The core has sent it a signal or a kill.
    pub(crate) stopping: bool,
    pub(crate) stuck: bool,
    /// When its tree must be killed at the latest, once its stop has begun.
    pub(crate) kill_by: Option<Mono>,
    /// The kill of its tree was asked for.
    pub(crate) killed: bool,
    /// The start deadline passed.
    pub(crate) late: bool,
    /// A command wants a fresh start after it.
    pub(crate) fresh: bool,
    /// It outlived an engine.
    pub(crate) survived: bool,
}

impl Known {
    /// An attempt that was just asked for.
    fn asked(generation: u64, spec: Arc<ServiceSpec>, asked: Mono) -> Self {
        Self {
            generation,
            spec,
            asked,
            spawned: false,
            ready: false,
            running_since: None,
            exit: None,
            stable: false,
            stopping: false,
            stuck: false,
            kill_by: None,
            killed: false,
            late: false,
            fresh: false,
            survived: false,
        }
    }

    /// What a new engine finds.
    pub(crate) fn survived(
        generation: u64,
        spec: Arc<ServiceSpec>,
        now: Mono,
        spawned: bool,
        ready: bool,
    ) -> Self {
        Self { spawned, ready, survived: true, ..Self::asked(generation, spec, now) }
    }
}

/// One service.
#[derive(Clone, Debug)]
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
}

/// What must be true right after an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Policy(Expected),
    Fresh,
    Down,
    /// An engine died in between: anything that the specification allows.
    Unsure,
}

/// Everything the world knows.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) services: BTreeMap<ServiceName, Track>,
    pub(crate) ending: bool,
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
        }
    }

    fn count_anew(&mut self) {
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
        match kind {
            DependencyKind::Completed => track.completed,
            DependencyKind::Started => track.completed || track.process.as_ref().is_some_and(runs),
            DependencyKind::Ready => {
                let ready = |known: &Known| runs(known) && known.ready && known.spec.kind == Kind::Simple;
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
            Command::Install { spec, .. } => {
                let new = || Track::new(spec.clone(), Desired::Down);
                let track = self.services.entry(spec.name.clone()).or_insert_with(new);
                track.spec = spec.clone();
                track.leaving = false;
            }
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
            Command::Shutdown { .. } => self.ending = true,
            Command::Show(_) => {}
        }
    }

    fn wanted_up(&mut self, number: u64, name: &ServiceName, phase: Option<Phase>, afresh: bool) {
        let Some(track) = self.services.get_mut(name) else { return };
        track.desired = Desired::Up;
        track.leaving = false;
        track.command = number;
        let anew = match phase {
            Some(Phase::Stopped | Phase::Backoff | Phase::Failed | Phase::Stopping) | None => true,
            Some(Phase::Completed) => afresh || track.spec.kind == Kind::Simple,
            Some(Phase::Starting | Phase::Running) => afresh,
            Some(Phase::Waiting) => false,
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
        track.process = Some(Known::asked(id.generation.0, spec.clone(), now));
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
            let deadline = known.spec.start.timeout.map(|timeout| known.asked.after(timeout));
            // The deadline of one that outlived an engine is the keeper's, from the specification of that time.
            let unfinished = known.exit.is_none() && !known.ready && !known.survived;
            known.late |= unfinished && deadline.is_some_and(|deadline| deadline <= now);
        }
    }

    /// The core is about to be told `event`; gives the service and what must be true of it afterwards.
    pub(crate) fn told(&mut self, event: &Event, now: Mono) -> Option<(ServiceName, Then)> {
        match event {
            Event::Spawned(id, _) => {
                let known = self.known_mut(id).filter(|known| !known.spawned)?;
                known.spawned = true;
                let at_once = known.spec.kind == Kind::Oneshot || known.spec.ready.is_none();
                if at_once && !known.late {
                    known.running_since = Some(now);
                    known.ready = known.spec.kind == Kind::Simple;
                }
                None
            }
            Event::Probe(id, ProbeResult::Ok) => {
                let known = self.known_mut(id)?;
                if known.exit.is_none() && !known.late && !known.ready {
                    known.ready = true;
                    known.running_since = Some(now);
                }
                None
            }
            Event::Exited { id, status, tree_empty } => {
                let known = self.known_mut(id)?;
                if known.exit.is_none() {
                    known.exit = Some(*status);
                    known.stable = is_stable(known, now);
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
            Event::Probe(_, ProbeResult::Failed(_))
            | Event::Command(..)
            | Event::Restored(_)
            | Event::Adopted(_)
            | Event::Resumed => None,
        }
    }

    fn gone(&mut self, id: &InstanceId, end: End, now: Mono) -> Option<(ServiceName, Then)> {
        self.known_mut(id)?;
        let ending = self.ending;
        let name = id.slot.name.clone();
        let track = self.services.get_mut(&name)?;
        let known = track.process.take()?;
        if ending || track.desired == Desired::Down {
            return Some((name, Then::Down));
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
        let end = if known.late && !matches!(end, End::NoProcess) { End::NotInTime } else { end };
        let then = expected(&known.spec, &mut track.counts, end, now);
        match then {
            Expected::Completed => track.completed = true,
            Expected::Pause(low, _) => track.not_before = Some(now.after(low)),
            Expected::AtOnce | Expected::Failed | Expected::AtMost(_) => {}
        }
        Some((name, Then::Policy(then)))
    }
}

fn is_stable(known: &Known, now: Mono) -> bool {
    match (&known.spec.restart.pause, known.running_since) {
        (Pause::Backoff(backoff), Some(since)) => now.since(since) >= backoff.reset_after,
        (Pause::Fixed(_), _) | (Pause::Backoff(_), None) => false,
    }
}
