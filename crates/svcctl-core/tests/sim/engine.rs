//! One engine of the world: the supervisor with its driver. Every event goes through here, and what the core makes of
//! it is judged before anything is carried out.

use crate::check;
use crate::driver::{Driver, Next};
use crate::keeper::Request;
use crate::program::Program;
use crate::world::{Happening, World};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::model::Kind;
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::{Action, Probe};
use svcctl_core::supervisor::event::{
    Command, Event, HookId, HookResult, ProbeId, ProbeResult, ProbeWhat, Ticket, WatchId,
};
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::state::Phase;
use svcctl_core::time::Mono;

/// Until when questions without an end are asked; later, once.
const ASKED_UNTIL: Mono = Mono(48_000_000_000);

/// One engine.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) number: u64,
    pub(crate) sup: Supervisor,
    pub(crate) driver: Driver,
    /// What is asked, how often, and under which number.
    pub(crate) probes: BTreeMap<ProbeId, (Duration, u64)>,
    /// The hooks that run.
    hooks: BTreeMap<u64, HookId>,
    pub(crate) watches: BTreeSet<WatchId>,
    next: u64,
}

impl Engine {
    /// Whether this is asked under this number.
    pub(crate) fn asks(&self, asked: u64, id: &ProbeId) -> bool {
        self.probes.get(id).is_some_and(|(_, known)| *known == asked)
    }

    /// An engine that has nothing to do yet.
    pub(crate) fn new(number: u64, sup: Supervisor) -> Self {
        Self {
            number,
            sup,
            driver: Driver::default(),
            probes: BTreeMap::new(),
            hooks: BTreeMap::new(),
            watches: BTreeSet::new(),
            next: 0,
        }
    }
}

impl World {
    /// Tells the core something, and judges what it makes of it.
    pub(crate) fn tell(&mut self, event: Event) -> Result<(), String> {
        self.note(|| format!("-> {event:?}"));
        let now = self.clock();
        self.model.note_late_before(self.now);
        let then = self.model.told(&event, self.now);
        let Some(engine) = &mut self.engine else { return Ok(()) };
        engine.sup.handle(now, event);
        self.take_actions()?;
        match then {
            Some((name, then)) => check::follows(self, &name, then),
            None => Ok(()),
        }
    }

    /// Lets the core's deadline pass.
    pub(crate) fn tell_time(&mut self) -> Result<(), String> {
        self.note(|| "-> timeout".to_owned());
        let now = self.clock();
        self.model.note_late(self.now);
        let cut = self.model.cut_hooks(self.now);
        let Some(engine) = &mut self.engine else { return Ok(()) };
        engine.sup.handle_timeout(now);
        self.take_actions()?;
        for (name, then) in cut {
            check::follows(self, &name, then)?;
        }
        Ok(())
    }

    /// Gives the core a command.
    pub(crate) fn command(&mut self, command: &Command) -> Result<(), String> {
        self.next_ticket += 1;
        let number = self.next_ticket;
        let ticket = Ticket(number);
        self.note(|| format!("-> {ticket:?} {command:?}"));
        self.model.note_late_before(self.now);
        self.tickets.insert(ticket, command.clone());
        match command {
            Command::Start(request) | Command::Restart(request) => {
                self.targets.insert(ticket, self.model.with_dependencies(&request.names));
            }
            Command::Reload(request) | Command::StartOnce(request) => {
                self.targets.insert(ticket, request.names.iter().cloned().collect());
            }
            _ => {}
        }
        let now = self.clock();
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let phases: BTreeMap<ServiceName, Phase> =
            engine.sup.views().into_iter().map(|view| (view.name, view.phase)).collect();
        let along = check::dependants_along(&self.model, &phases, command);
        engine.sup.handle(now, Event::Command(ticket, command.clone()));
        let mut actions = Vec::new();
        while let Some(action) = engine.sup.poll_action() {
            actions.push(action);
        }
        let refused = actions.iter().find_map(|action| match action {
            Action::Reply(to, Reply::Refused(refusal)) if *to == ticket => Some(refusal.clone()),
            _ => None,
        });
        check::acceptance(&self.model, &phases, command, refused.as_ref())?;
        if refused.is_none() {
            self.model.accepted(number, command, &phases, &along);
        }
        self.judge_all(actions)
    }

    fn take_actions(&mut self) -> Result<(), String> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let mut actions = Vec::new();
        while let Some(action) = engine.sup.poll_action() {
            actions.push(action);
        }
        self.judge_all(actions)
    }

    fn judge_all(&mut self, actions: Vec<Action>) -> Result<(), String> {
        for action in actions {
            self.note(|| format!("<- {action:?}"));
            let needs_down = check::issued(self, &action)?;
            if let Some(engine) = &mut self.engine {
                engine.driver.push(action, needs_down);
            }
        }
        if let Some(illegal) = self.engine.as_mut().and_then(|engine| engine.sup.poll_illegal()) {
            return Err(format!("failed to {illegal}"));
        }
        if let Some(known) = self.model.overdue(self.now) {
            return Err(format!("a stop went on after its deadline: {known:?}"));
        }
        self.drive()
    }

    /// Carries out some of what may be carried out; the rest comes a little later, if the engine lives then.
    pub(crate) fn drive(&mut self) -> Result<(), String> {
        let mut patience = if self.rng.below(3) == 0 { self.rng.below(4) } else { 1_000 };
        while let Some(engine) = &mut self.engine {
            if patience == 0 {
                let number = engine.number;
                let delay = Duration::from_micros(self.rng.below(3_000));
                self.later(delay, Happening::Drive(number));
                return Ok(());
            }
            patience -= 1;
            match engine.driver.next() {
                None => return Ok(()),
                Some(Next::Write) => {
                    let number = engine.number;
                    let delay = Duration::from_micros(self.rng.below(15_000));
                    self.write_later(delay, number);
                }
                Some(Next::Execute(item)) => {
                    if let Some(needs) = item.needs_down {
                        check::is_down_on_disk(self, &needs)?;
                    }
                    self.execute(item.action)?;
                }
            }
        }
        Ok(())
    }

    fn execute(&mut self, action: Action) -> Result<(), String> {
        let request = match action {
            Action::Spawn { id, spec, memo, .. } => {
                let oneshot = spec.kind == Kind::Oneshot;
                let program =
                    if self.calm { Program::good(oneshot) } else { Program::drawn(&mut self.rng, oneshot) };
                Request::Spawn { id, memo, program }
            }
            Action::Signal { id, memo, kill_by, .. } => Request::Signal { id, memo, kill_by },
            Action::KillTree { id, memo } => Request::KillTree { id, memo },
            Action::Remember { slot, memo } => Request::Remember { slot, memo },
            Action::Acknowledge(id) => Request::Acknowledge(id),
            Action::Release(slot) => Request::Release(slot),
            Action::StartProbe(Probe { id, interval, delay, .. }) => {
                let Some(engine) = &mut self.engine else { return Ok(()) };
                engine.next += 1;
                let (number, asked) = (engine.number, engine.next);
                engine.probes.insert(id.clone(), (interval, asked));
                self.later(delay + Duration::from_millis(1), Happening::Probe(number, asked, id));
                return Ok(());
            }
            Action::StopProbe(id) => {
                if let Some(engine) = &mut self.engine {
                    engine.probes.remove(&id);
                }
                return Ok(());
            }
            Action::Reply(ticket, reply) => return check::replied(self, ticket, &reply),
            Action::Publish(_) | Action::Persist(_) | Action::Note(_) => return Ok(()),
            Action::RunHook(_) | Action::CancelHook(_) | Action::Watch(_) | Action::Unwatch(_) => {
                self.execute_around(action);
                return Ok(());
            }
        };
        self.send(request);
        Ok(())
    }

    /// Hooks and watches.
    fn execute_around(&mut self, action: Action) {
        let Some(engine) = &mut self.engine else { return };
        match action {
            Action::RunHook(run) => {
                engine.next += 1;
                let (number, hook) = (engine.number, engine.next);
                engine.hooks.insert(hook, run.id);
                let timeout = u64::try_from(run.hook.timeout.as_millis()).unwrap_or(0);
                let (delay, result) = match self.rng.below(6) {
                    _ if self.calm => (Duration::from_millis(5), HookResult::Ok),
                    0 => (run.hook.timeout, HookResult::Failed("took too long".to_owned())),
                    1 => {
                        let failed = HookResult::Failed("exited with code 1".to_owned());
                        (Duration::from_millis(self.rng.below(timeout)), failed)
                    }
                    2 => (Duration::from_millis(self.rng.below(timeout)), HookResult::Ok),
                    _ => (Duration::from_millis(self.rng.below(20)), HookResult::Ok),
                };
                self.later(delay, Happening::Hook(number, hook, result));
            }
            Action::CancelHook(id) => engine.hooks.retain(|_, hook| *hook != id),
            Action::Watch(watch) => {
                engine.watches.insert(watch.id);
            }
            Action::Unwatch(id) => {
                engine.watches.remove(&id);
            }
            _ => {}
        }
    }

    /// A hook comes to its end, if it was not cancelled.
    pub(crate) fn hook_ends(&mut self, number: u64, hook: u64, result: HookResult) -> Result<(), String> {
        let Some(engine) = self.engine.as_mut().filter(|engine| engine.number == number) else {
            return Ok(());
        };
        let Some(id) = engine.hooks.remove(&hook) else { return Ok(()) };
        self.tell(Event::HookDone(id, result))
    }

    /// One attempt of a probe.
    pub(crate) fn probe(&mut self, number: u64, asked: u64, id: ProbeId) -> Result<(), String> {
        let Some(engine) = self.engine.as_ref().filter(|engine| engine.number == number) else {
            return Ok(());
        };
        let Some((interval, _)) = engine.probes.get(&id).copied().filter(|(_, known)| *known == asked) else {
            return Ok(());
        };
        let yes = match id.what {
            ProbeWhat::Ready => self.keeper.answers(&id.id, self.now, self.calm),
            ProbeWhat::Liveness | ProbeWhat::Readiness => self.calm || self.rng.below(4) != 0,
            ProbeWhat::Condition(_) => self.calm || self.rng.below(3) == 0,
            ProbeWhat::Trigger => !self.calm && self.rng.below(3) == 0,
        };
        let result = if yes { ProbeResult::Ok } else { ProbeResult::Failed("connection refused".to_owned()) };
        let for_ever = matches!(id.what, ProbeWhat::Liveness | ProbeWhat::Readiness | ProbeWhat::Trigger);
        if !(self.calm && for_ever && self.now > ASKED_UNTIL) {
            self.later(interval, Happening::Probe(number, asked, id.clone()));
        }
        if self.rng.below(8) == 0 && !self.calm {
            // The answer is on its way for a while; the process may be another by then.
            let delay = Duration::from_millis(self.rng.below(2_000));
            self.later(delay, Happening::Notice(number, Event::Probe(id, result)));
            return Ok(());
        }
        self.tell(Event::Probe(id, result))
    }

    /// The services that a stop takes along, by the world's own reading.
    pub(crate) fn active(phases: &BTreeMap<ServiceName, Phase>, name: &ServiceName) -> bool {
        !matches!(phases.get(name), None | Some(Phase::Stopped | Phase::Failed | Phase::Completed))
    }
}

/// What a name set looks like in a message.
pub(crate) fn list(names: &BTreeSet<ServiceName>) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
