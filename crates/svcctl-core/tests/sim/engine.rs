//! One engine of the world: the supervisor with its driver. Every event goes through here, and what the core makes of
//! it is judged before anything is carried out.

use crate::check;
use crate::driver::{Driver, Next};
use crate::keeper::Request;
use crate::program::Program;
use crate::world::{Happening, World};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::spec::model::Kind;
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::Action;
use svcctl_core::supervisor::event::{Command, Event, ProbeResult, Ticket};
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::state::Phase;

/// One engine.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) number: u64,
    pub(crate) sup: Supervisor,
    pub(crate) driver: Driver,
    pub(crate) probes: BTreeMap<InstanceId, Duration>,
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
        let Some(engine) = &mut self.engine else { return Ok(()) };
        engine.sup.handle_timeout(now);
        self.take_actions()
    }

    /// Gives the core a command.
    pub(crate) fn command(&mut self, command: &Command) -> Result<(), String> {
        self.next_ticket += 1;
        let number = self.next_ticket;
        let ticket = Ticket(number);
        self.note(|| format!("-> {ticket:?} {command:?}"));
        self.model.note_late_before(self.now);
        self.tickets.insert(ticket, command.clone());
        if let Command::Start(request) | Command::Restart(request) = command {
            self.targets.insert(ticket, self.model.with_dependencies(&request.names));
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
            Action::StartProbe { id, interval, .. } => {
                let Some(engine) = &mut self.engine else { return Ok(()) };
                engine.probes.insert(id.clone(), interval);
                let number = engine.number;
                self.later(Duration::from_millis(1), Happening::Probe(number, id));
                return Ok(());
            }
            Action::StopProbe(id) => {
                if let Some(engine) = &mut self.engine {
                    engine.probes.remove(&id);
                }
                return Ok(());
            }
            Action::Reply(ticket, reply) => return check::replied(self, ticket, &reply),
            Action::Publish(_) | Action::Persist(_) => return Ok(()),
        };
        self.send(request);
        Ok(())
    }

    /// One attempt of a probe.
    pub(crate) fn probe(&mut self, number: u64, id: InstanceId) -> Result<(), String> {
        let Some(engine) = self.engine.as_ref().filter(|engine| engine.number == number) else {
            return Ok(());
        };
        let Some(interval) = engine.probes.get(&id).copied() else { return Ok(()) };
        let result = if self.keeper.answers(&id, self.now, self.calm) {
            ProbeResult::Ok
        } else {
            ProbeResult::Failed("connection refused".to_owned())
        };
        self.later(interval, Happening::Probe(number, id.clone()));
        if self.rng.below(8) == 0 {
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
