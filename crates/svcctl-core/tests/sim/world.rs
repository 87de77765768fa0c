//! The world: one queue of happenings on a virtual clock, and what survives the death of an engine.

use crate::driver::{Disk, Stored};
use crate::engine::Engine;
use crate::keeper::{Due, Effect, Keeper, Request};
use crate::model::{Model, Track};
use crate::{plan, settled};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::rng::Rng;
use svcctl_core::schedule::{OnlyUtc, SharedZones};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::Kind;
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::event::{
    Adopted, Command, Event, ExitStatus, HookResult, ProbeId, Process, Restored, Ticket,
};
use svcctl_core::supervisor::memo::Memo;
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::supervisor::view::ServiceView;
use svcctl_core::time::{Mono, Now, Wall};

/// How long the world is bad.
const CHAOS: Duration = Duration::from_secs(40);
/// How long it may take afterwards until everything has come to rest.
const REST_WITHIN: Duration = Duration::from_mins(5);
/// How many steps that may take at most: a timer that spins takes more.
const STEPS_MAX: u64 = 20_000;

/// What a run was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) steps: u64,
    pub(crate) deaths: u64,
}

impl Report {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { steps: self.steps + other.steps, deaths: self.deaths + other.deaths }
    }
}

/// One thing that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    Install(Arc<ServiceSpec>),
    Command,
    Death,
    Birth,
    Calm,
    Drive(u64),
    Written(u64),
    Request(Request),
    Notice(u64, Event),
    Probe(u64, u64, ProbeId),
    /// The hook with this number of its engine comes to an end.
    Hook(u64, u64, HookResult),
    /// Something changes at watched paths.
    Change,
    /// The wall clock is set.
    Jump,
    Due(Due),
}

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: Mono,
    queue: BTreeMap<(Mono, u64), Happening>,
    next_number: u64,
    pub(crate) engine: Option<Engine>,
    engines: u64,
    pub(crate) disk: Disk,
    pub(crate) keeper: Keeper,
    pub(crate) model: Model,
    pub(crate) tickets: BTreeMap<Ticket, Command>,
    pub(crate) answered: BTreeMap<Ticket, Command>,
    /// What the open starts and restarts are about.
    pub(crate) targets: BTreeMap<Ticket, BTreeSet<ServiceName>>,
    pub(crate) next_ticket: u64,
    pub(crate) calm: bool,
    pub(crate) shutting_down: bool,
    /// What the wall clock is ahead of the monotonic one, in milliseconds.
    pub(crate) ahead_ms: i64,
    services: usize,
    requests_until: Mono,
    notices_until: Mono,
    writes_until: Mono,
    trace: Option<Vec<String>>,
    report: Report,
}

impl World {
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        let services = 1 + usize::try_from(rng.below(12)).expect("a world has few services");
        Self {
            rng,
            now: Mono(1_000_000_000),
            queue: BTreeMap::new(),
            next_number: 0,
            engine: None,
            engines: 0,
            disk: Disk::default(),
            keeper: Keeper::default(),
            model: Model::default(),
            tickets: BTreeMap::new(),
            answered: BTreeMap::new(),
            targets: BTreeMap::new(),
            next_ticket: 0,
            calm: false,
            shutting_down: false,
            ahead_ms: 1_700_000_000_000,
            services,
            requests_until: Mono(0),
            notices_until: Mono(0),
            writes_until: Mono(0),
            trace: traced.then(Vec::new),
            report: Report::default(),
        }
    }

    /// Runs to the end; gives what it was, or the invariant that was broken, and the trace.
    pub(crate) fn run(mut self) -> (Result<Report, String>, Vec<String>) {
        let result = self.live();
        (result.map(|()| self.report), self.trace.unwrap_or_default())
    }

    fn live(&mut self) -> Result<(), String> {
        self.begin();
        let end = self.now.after(CHAOS + REST_WITHIN);
        while let Some(at) = self.next_at() {
            if self.is_at_rest() {
                break;
            }
            if at > end || self.report.steps > STEPS_MAX {
                let views = self.engine.as_ref().map(|engine| engine.sup.views()).unwrap_or_default();
                let phases: Vec<_> = views.iter().map(|view| (&view.name, view.phase, &view.why)).collect();
                let (steps, queue, tickets) = (self.report.steps, self.queue.values().next(), &self.tickets);
                return Err(format!(
                    "no rest at {:?} after {steps} steps: next {queue:?}, {tickets:?}, {phases:?}",
                    self.now
                ));
            }
            self.report.steps += 1;
            self.step(at)?;
        }
        settled::check(self)
    }

    /// Draws what will happen.
    fn begin(&mut self) {
        let full = self.rng.below(2) == 0;
        for index in 0..self.services {
            let spec = Arc::new(plan::spec(&mut self.rng, index));
            let desired = if self.rng.below(2) == 0 { Desired::Up } else { Desired::Down };
            if full {
                self.disk.0.insert(spec.name.clone(), Stored::new(spec, 1, desired));
            } else {
                let at = Duration::from_micros(1 + index as u64);
                self.later(at, Happening::Install(spec));
            }
        }
        self.later(Duration::ZERO, Happening::Birth);
        let chaos_ms = u64::try_from(CHAOS.as_millis()).expect("chaos is short");
        for _ in 0..self.rng.below(50) {
            let at = Duration::from_millis(1 + self.rng.below(chaos_ms));
            self.draw_trouble(at);
        }
        for _ in 0..self.rng.below(5).saturating_sub(1) {
            let at = Duration::from_micros(1_000 * (1 + self.rng.below(chaos_ms)) + self.rng.below(1_000));
            self.later(at, Happening::Death);
        }
        for _ in 0..self.rng.below(12) {
            let at = Duration::from_millis(1 + self.rng.below(chaos_ms));
            self.later(at, Happening::Change);
        }
        for _ in 0..self.rng.below(4) {
            let at = Duration::from_millis(1 + self.rng.below(chaos_ms));
            self.later(at, Happening::Jump);
        }
        self.later(CHAOS, Happening::Calm);
    }

    /// Everything that will still happen is that schedules are due.
    fn is_at_rest(&self) -> bool {
        let Some(engine) = self.engine.as_ref().filter(|_| self.calm) else { return false };
        // Attempts of probes that were ended come to nothing.
        let idle = |happening: &Happening| match happening {
            Happening::Probe(engine_number, asked, id) => {
                *engine_number != engine.number || !engine.asks(*asked, id)
            }
            _ => false,
        };
        if !self.queue.values().all(idle) {
            return false;
        }
        let views = engine.sup.views();
        let moving = |phase: Phase| matches!(phase, Phase::Starting | Phase::Stopping | Phase::Backoff);
        let at_work = |view: &ServiceView| {
            moving(view.phase) || (view.phase == Phase::Running && self.was_oneshot(&view.name))
        };
        let promised = |command: &Command| match command {
            Command::Start(request)
            | Command::Restart(request)
            | Command::Reload(request)
            | Command::StartOnce(request)
            | Command::Stop(request)
            | Command::Uninstall(request) => request.deadline.is_some(),
            _ => true,
        };
        let first = views.iter().filter_map(|view| view.job.as_ref()?.next_due).min();
        let later = engine.sup.poll_timeout().is_some_and(|at| at > self.now);
        first.is_some() && later && !views.iter().any(at_work) && !self.tickets.values().any(promised)
    }

    /// The wall clock is set to another time, and a little later the engine is told.
    fn jump(&mut self) {
        let most = if self.rng.below(2) == 0 { 90_000 } else { 7_200_000 };
        let by = i64::try_from(self.rng.below(most)).expect("a jump is short");
        let by = if self.rng.below(3) == 0 { -by } else { by };
        self.ahead_ms += by;
        self.model.jumped(by < 0);
        self.note(|| format!("*** the wall clock jumps by {by} ms"));
        if let Some(number) = self.engine.as_ref().map(|engine| engine.number) {
            let delay = Duration::from_millis(self.rng.below(500));
            self.later(delay, Happening::Notice(number, Event::ClockJumped));
        }
    }

    /// A file changes, and whoever watches it is told.
    fn change(&mut self) -> Result<(), String> {
        let Some(engine) = &self.engine else { return Ok(()) };
        let count = engine.watches.len() as u64;
        let index = usize::try_from(self.rng.below(count)).expect("there are few watches");
        let Some(id) = engine.watches.iter().nth(index).cloned() else { return Ok(()) };
        self.tell(Event::Changed(id, vec!["/in/a".to_owned()]))
    }

    /// A command, often with another one at its heels, sometimes with the death of the engine.
    fn draw_trouble(&mut self, at: Duration) {
        self.later(at, Happening::Command);
        let soon = Duration::from_micros(self.rng.below(40_000));
        match self.rng.below(30) {
            0 => self.later(at + soon, Happening::Death),
            1..10 => self.later(at + soon, Happening::Command),
            _ => {}
        }
    }

    /// When something happens next: in the world, or because the core asked to be woken.
    fn next_at(&self) -> Option<Mono> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let woken = self.engine.as_ref().and_then(|engine| engine.sup.poll_timeout());
        [queued, woken].into_iter().flatten().min()
    }

    fn step(&mut self, at: Mono) -> Result<(), String> {
        self.now = self.now.max(at);
        let woken = self.engine.as_ref().and_then(|engine| engine.sup.poll_timeout());
        if woken.is_some_and(|woken| woken <= self.now) {
            return self.tell_time();
        }
        let Some((_, happening)) = self.queue.pop_first() else { return Ok(()) };
        match happening {
            Happening::Install(spec) => self.command(&Command::Install { spec, source: None, update: false }),
            Happening::Command => self.any_command(),
            Happening::Death => {
                self.die();
                Ok(())
            }
            Happening::Birth => self.be_born(),
            Happening::Calm => self.become_calm(),
            Happening::Drive(engine) => {
                if self.is(engine) {
                    self.drive()
                } else {
                    Ok(())
                }
            }
            Happening::Written(engine) => self.written(engine),
            Happening::Request(request) => {
                self.note(|| format!("   keeper: {request:?}"));
                let effects = self.keeper.request(request, self.now, &mut self.rng)?;
                self.effects(effects);
                Ok(())
            }
            Happening::Notice(engine, event) => {
                if self.is(engine) {
                    self.tell(event)
                } else {
                    Ok(())
                }
            }
            Happening::Probe(engine, number, id) => self.probe(engine, number, id),
            Happening::Hook(engine, number, result) => self.hook_ends(engine, number, result),
            Happening::Change => self.change(),
            Happening::Jump => {
                self.jump();
                Ok(())
            }
            Happening::Due(due) => {
                self.note(|| format!("   {due:?}"));
                let effects = self.keeper.due(due);
                self.effects(effects);
                Ok(())
            }
        }
    }

    fn is(&self, engine: u64) -> bool {
        self.engine.as_ref().is_some_and(|living| living.number == engine)
    }

    fn any_command(&mut self) -> Result<(), String> {
        let command = if !self.shutting_down && self.rng.below(400) == 0 {
            self.shutting_down = true;
            Command::Shutdown { deadline: self.now.after(Duration::from_millis(self.rng.below(8_000))) }
        } else {
            plan::command(&mut self.rng, self.services, self.now)
        };
        if self.engine.is_some() { self.command(&command) } else { Ok(()) }
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(event) => self.notice(event),
                Effect::Later(after, due) => self.later(after, Happening::Due(due)),
            }
        }
    }

    /// News from the keeper, in order, after a while.
    fn notice(&mut self, event: Event) {
        let at = self.now.after(Duration::from_micros(self.rng.below(3_000))).max(self.notices_until);
        self.notices_until = at;
        if let Some(engine) = self.engine.as_ref().map(|engine| engine.number) {
            // What was told may be told again, also when it has long been of the past.
            if !self.calm && self.rng.below(10) == 0 {
                let again = at.after(Duration::from_millis(self.rng.below(4_000)));
                self.push(again, Happening::Notice(engine, event.clone()));
            }
            self.push(at, Happening::Notice(engine, event));
        }
    }

    /// A request to the keeper, in order, after a while. What was sent arrives, even if the sender dies.
    pub(crate) fn send(&mut self, request: Request) {
        let at = self.now.after(Duration::from_micros(self.rng.below(2_000))).max(self.requests_until);
        self.requests_until = at;
        self.push(at, Happening::Request(request));
    }

    pub(crate) fn write_later(&mut self, delay: Duration, engine: u64) {
        let at = self.now.after(delay).max(self.writes_until);
        self.writes_until = at;
        self.push(at, Happening::Written(engine));
    }

    fn written(&mut self, number: u64) -> Result<(), String> {
        let Some(engine) = self.engine.as_mut().filter(|engine| engine.number == number) else {
            return Ok(());
        };
        if let Some(persist) = engine.driver.written() {
            self.note(|| format!("   durable: {persist:?}"));
            self.disk.write(persist);
        }
        self.drive()
    }

    pub(crate) fn later(&mut self, after: Duration, happening: Happening) {
        self.push(self.now.after(after), happening);
    }

    fn push(&mut self, at: Mono, happening: Happening) {
        self.next_number += 1;
        self.queue.insert((at, self.next_number), happening);
    }

    pub(crate) fn clock(&self) -> Now {
        Now { mono: self.now, wall: Wall(i64::try_from(self.now.0 / 1_000_000).unwrap_or(0) + self.ahead_ms) }
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>12} µs {}", now.0 / 1_000, line()));
        }
    }

    /// The engine dies: what it had not carried out is lost, writes under way may have been durable or not.
    fn die(&mut self) {
        let Some(mut engine) = self.engine.take() else { return };
        self.note(|| "*** the engine dies".to_owned());
        self.report.deaths += 1;
        while self.rng.below(2) == 0 {
            let Some(persist) = engine.driver.written() else { break };
            self.disk.write(persist);
        }
        self.tickets.clear();
        self.answered.clear();
        let gap = Duration::from_micros(self.rng.below(200_000));
        let at = self.now.after(gap).max(Mono(self.requests_until.0 + 1));
        self.push(at, Happening::Birth);
    }

    /// A new engine puts together what disk and keeper hold.
    fn be_born(&mut self) -> Result<(), String> {
        self.engines += 1;
        let number = self.engines;
        self.note(|| format!("*** engine {number}"));
        self.recall();
        let sup = Supervisor::new(self.rng.next_u64(), SharedZones(Arc::new(OnlyUtc)));
        self.engine = Some(Engine::new(number, sup));
        let stored: Vec<Stored> = self.disk.0.values().cloned().collect();
        for Stored { spec, revision, desired, held, job } in stored {
            self.tell(Event::Restored(Restored { spec, revision, desired, held, job }))?;
        }
        for adopted in self.held() {
            self.tell(Event::Adopted(adopted))?;
        }
        if self.shutting_down {
            self.model.ending = true;
            self.command(&Command::Shutdown { deadline: self.now.after(Duration::from_secs(5)) })?;
        }
        self.tell(Event::Resumed)?;
        for event in self.keeper.backlog(&mut self.rng) {
            self.notice(event);
        }
        Ok(())
    }

    fn held(&self) -> Vec<Adopted> {
        let places = self.keeper.places.iter();
        let adopted = places.map(|(slot, place)| {
            let process = place.proc.as_ref().map(|proc| {
                let unborn = Process { pid: 0, ..proc.process };
                (proc.id.clone(), if proc.born { proc.process } else { unborn })
            });
            Adopted { slot: slot.clone(), memo: Memo::decode(&place.memo), process }
        });
        adopted.collect()
    }

    /// What the world knows is from now on what disk and keeper hold.
    fn recall(&mut self) {
        self.model.kill_at = None;
        let mut old = std::mem::take(&mut self.model.services);
        for (name, stored) in &self.disk.0 {
            let before = old.remove(name);
            let mut track = Track::new(stored.spec.clone(), stored.desired);
            track.counts.unsure = true;
            track.held = stored.held.is_some();
            track.record = stored.job.clone().unwrap_or_default();
            if let Some(before) = &before {
                track.keep(before);
            }
            if let Some(place) = self.keeper.place(name) {
                let memo = Memo::decode(&place.memo);
                let known = before.as_ref().and_then(|track| track.process.clone());
                track.recall(stored, place, memo.as_ref(), known, self.now);
            }
            self.model.services.insert(name.clone(), track);
        }
    }

    /// Whether the process of a service was made as a oneshot.
    fn was_oneshot(&self, name: &ServiceName) -> bool {
        let made = self.keeper.place(name).and_then(|place| Memo::decode(&place.memo));
        made.is_some_and(|memo| memo.kind == Kind::Oneshot)
    }

    /// From now on nothing goes wrong any more.
    fn become_calm(&mut self) -> Result<(), String> {
        self.note(|| "*** calm".to_owned());
        self.calm = true;
        let procs = self.keeper.places.values().filter_map(|place| place.proc.as_ref());
        let ends: Vec<InstanceId> =
            procs.filter(|proc| self.was_oneshot(&proc.id.slot.name)).map(|proc| proc.id.clone()).collect();
        for id in ends {
            self.later(Duration::from_millis(30), Happening::Due(Due::Ends(id, ExitStatus::Code(0))));
        }
        if self.engine.is_some() && !self.shutting_down && self.rng.below(6) == 0 {
            self.shutting_down = true;
            let deadline = self.now.after(Duration::from_millis(self.rng.below(8_000)));
            return self.command(&Command::Shutdown { deadline });
        }
        Ok(())
    }
}
