//! The invariants: what the core may ask for, what must follow an event, what an answer promises, and where the world
//! has come to rest.

use crate::around;
use crate::driver::NeedsDown;
use crate::engine::list;
use crate::model::{Model, Then};
use crate::policy::Expected;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svcctl_core::ident::{InstanceId, ServiceName};
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::event::{Command, Dependants, HookWhat, Ticket};
use svcctl_core::supervisor::reply::{Refusal, Reply};
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::time::Mono;

type Check = Result<(), String>;

/// Judges one action when the core asks for it. Gives the service that must be wanted down on the disk before it is
/// carried out.
pub(crate) fn issued(world: &mut World, action: &Action) -> Result<Option<NeedsDown>, String> {
    match action {
        Action::Spawn { id, spec, .. } => spawn(world, id, spec).map(|()| None),
        Action::Signal { id, kill_by, .. } => signal(world, id, *kill_by),
        Action::KillTree { id, .. } => kill(world, id),
        Action::Acknowledge(id) => match world.model.known_mut(id) {
            Some(known) if known.over.is_none() => {
                Err(format!("{id:?} was acknowledged before its end: {known:?}"))
            }
            Some(_) | None => Ok(None),
        },
        Action::Release(slot) => {
            let killing = world.model.kill_at.is_some_and(|at| at <= world.now);
            let track = world.model.services.get_mut(&slot.name);
            let process = track.and_then(|track| {
                track.process.take_if(|known| killing && known.over.is_some());
                track.process.as_ref()
            });
            match process {
                Some(known) => Err(format!("{slot} was released with {known:?}")),
                None => Ok(None),
            }
        }
        Action::Reply(ticket, _) => answered_once(world, *ticket).map(|()| None),
        Action::Persist(Persist::Forget(name)) => forget(world, name).map(|()| None),
        Action::Persist(Persist::Job(name, record)) => around::job(world, name, record).map(|()| None),
        Action::Persist(_)
        | Action::Remember { .. }
        | Action::Watch(_)
        | Action::Unwatch(_)
        | Action::Note(_) => Ok(None),
        Action::StartProbe(probe) => {
            around::asked(world, &probe.id, true);
            Ok(None)
        }
        Action::StopProbe(id) => {
            around::asked(world, id, false);
            Ok(None)
        }
        Action::RunHook(run) => around::hook(world, run).map(|()| None),
        Action::CancelHook(id) => around::cancelled(world, id).map(|()| None),
        Action::Publish(transition) => {
            let rests =
                matches!(transition.to, Phase::Stopped | Phase::Scheduled | Phase::Failed | Phase::Completed);
            around::published(world, transition, rests);
            Ok(None)
        }
    }
}

fn spawn(world: &mut World, id: &InstanceId, spec: &Arc<ServiceSpec>) -> Check {
    let count = spec.hooks.before_start.len();
    if count == 0 {
        return around::launch(world, id, spec);
    }
    let name = &id.slot.name;
    let Some(track) = world.model.services.get_mut(name) else {
        return Err(format!("spawn of unknown {name}"));
    };
    let done = usize::from(track.hooks_done);
    match &mut track.process {
        Some(known) if known.hooking && known.generation == id.generation.0 && done == count => {
            known.hooking = false;
            Ok(())
        }
        known => Err(format!("spawn of {id:?} after {done} of {count} hooks: {known:?}")),
    }
}

/// Dependants that are going down too must be gone before the first step.
pub(crate) fn dependants_first(world: &World, id: &InstanceId) -> Check {
    for dependant in world.model.dependants(&id.slot.name) {
        let Some(track) = world.model.services.get(dependant) else { continue };
        let down = (track.desired == Desired::Down && !track.once) || world.model.ending;
        if down && let Some(known) = track.process.as_ref().filter(|known| !known.stuck) {
            return Err(format!("{id:?} is stopped before its dependant {dependant}: {known:?}"));
        }
    }
    Ok(())
}

fn signal(world: &mut World, id: &InstanceId, kill_by: Option<Mono>) -> Result<Option<NeedsDown>, String> {
    let (now, ending) = (world.now, world.model.ending);
    let Some(track) = world.model.services.get(&id.slot.name) else {
        return Err(format!("signal to unknown {id:?}"));
    };
    let Some(known) = track.process.as_ref().filter(|known| known.generation == id.generation.0) else {
        return Err(format!("signal to stale {id:?}"));
    };
    if !known.spawned || known.exit.is_some() {
        return Err(format!("signal to {id:?}, which does not live: {known:?}"));
    }
    if kill_by.is_none() && track.signals > 0 {
        if let Some(track) = world.model.services.get_mut(&id.slot.name) {
            track.signals -= 1;
        }
        return Ok(None);
    }
    let (down, command) = (track.desired == Desired::Down && !track.once, track.command);
    let cut = known.unwell || known.cut;
    if !(down || ending || known.fresh || known.late || known.survived || cut) {
        return Err(format!("signal to {id:?} without a reason: {known:?}"));
    }
    let latest = now.after(known.spec.stop.timeout);
    if kill_by.is_none_or(|at| at > latest && !known.survived) {
        return Err(format!("{id:?} is killed at {kill_by:?}, after {latest:?}"));
    }
    if let Some(before) = known.kill_by.filter(|before| Some(*before) != kill_by) {
        return Err(format!("the stop deadline of {id:?} was moved from {before:?} to {kill_by:?}"));
    }
    let first = !known.stopping && !known.survived;
    if first {
        dependants_first(world, id)?;
    }
    if let Some(known) = world.model.known_mut(id) {
        known.stopping = true;
        known.kill_by = kill_by;
    }
    Ok((down && !ending).then(|| NeedsDown { name: id.slot.name.clone(), command }))
}

fn kill(world: &mut World, id: &InstanceId) -> Result<Option<NeedsDown>, String> {
    let ending = world.model.ending;
    let Some(track) = world.model.services.get(&id.slot.name) else { return Ok(None) };
    let Some(known) = &track.process else { return Ok(None) };
    if known.generation != id.generation.0 {
        return Err(format!("kill of stale {id:?}"));
    }
    let (down, command) = (track.desired == Desired::Down && !track.once, track.command);
    let cut = known.unwell || known.cut || known.exit.is_some();
    if !(down || ending || known.fresh || known.late || known.survived || cut) {
        return Err(format!("kill of {id:?} without a reason: {known:?}"));
    }
    let first = !known.stopping && !known.survived && known.exit.is_none() && !ending;
    if first {
        dependants_first(world, id)?;
    }
    if let Some(known) = world.model.known_mut(id) {
        known.stopping = true;
        known.killed = true;
    }
    Ok((down && !ending && first).then(|| NeedsDown { name: id.slot.name.clone(), command }))
}

fn answered_once(world: &mut World, ticket: Ticket) -> Check {
    match world.tickets.remove(&ticket) {
        Some(command) => {
            world.answered.insert(ticket, command);
            Ok(())
        }
        None => Err(format!("{ticket:?} was answered twice, or never asked")),
    }
}

fn forget(world: &mut World, name: &ServiceName) -> Check {
    let Some(track) = world.model.services.remove(name) else {
        return Err(format!("{name} was forgotten twice"));
    };
    if !track.leaving {
        return Err(format!("{name} was forgotten, and nobody wanted that"));
    }
    match track.process {
        Some(known) => Err(format!("{name} was forgotten with {known:?}")),
        None => Ok(()),
    }
}

/// The dependants that a command takes along, by the world's own reading.
pub(crate) fn dependants_along(
    model: &Model,
    phases: &BTreeMap<ServiceName, Phase>,
    command: &Command,
) -> BTreeSet<ServiceName> {
    match command {
        Command::Stop(request) | Command::Uninstall(request) if request.dependants == Dependants::StopToo => {
            active_dependants(model, phases, &request.names)
        }
        _ => BTreeSet::new(),
    }
}

fn active_dependants(
    model: &Model,
    phases: &BTreeMap<ServiceName, Phase>,
    names: &[ServiceName],
) -> BTreeSet<ServiceName> {
    let mut open = names.to_vec();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        for dependant in model.dependants(&name) {
            let up = model.services.get(dependant).is_some_and(|track| track.desired == Desired::Up);
            if up && World::active(phases, dependant) && found.insert(dependant.clone()) {
                open.push(dependant.clone());
            }
        }
    }
    found.retain(|name| !names.contains(name));
    found
}

/// Judges whether a command was rightly accepted or refused.
pub(crate) fn acceptance(
    model: &Model,
    phases: &BTreeMap<ServiceName, Phase>,
    command: &Command,
    refused: Option<&Refusal>,
) -> Check {
    if model.ending && !matches!(command, Command::Show(_) | Command::Shutdown { .. }) {
        return if refused == Some(&Refusal::ShuttingDown) {
            Ok(())
        } else {
            Err("changed while ending".to_owned())
        };
    }
    let Command::Stop(request) = command else { return Ok(()) };
    let unknown = request.names.iter().any(|name| !model.services.contains_key(name));
    let needed = active_dependants(model, phases, &request.names);
    let must_refuse = unknown || (request.dependants == Dependants::Refuse && !needed.is_empty());
    match (must_refuse, refused) {
        (true, None) => Err(format!("a stop was accepted that {} need", list(&needed))),
        (false, Some(refusal)) => Err(format!("a stop was refused: {refusal:?}")),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// Judges where a service is after nothing was left of its process.
pub(crate) fn follows(world: &mut World, name: &ServiceName, then: Then) -> Check {
    let view = world.engine.as_ref().and_then(|engine| engine.sup.view(name));
    let phase = view.as_ref().map(|view| view.phase);
    let up = matches!(phase, Some(Phase::Starting | Phase::Waiting));
    let pause = view.as_ref().and_then(|view| view.next_attempt).map(|at| at.since(world.now));
    let holds = match then {
        Then::Hooks => {
            let track = world.model.services.get(name);
            let hook = track.and_then(|track| track.hook.as_ref());
            hook.is_some_and(|hook| hook.what == HookWhat::AfterExit && hook.index == 0)
        }
        Then::Down => matches!(phase, None | Some(Phase::Stopped)),
        Then::Fresh | Then::Policy(Expected::AtOnce) => up,
        Then::Policy(Expected::Pause(low, high)) => {
            phase == Some(Phase::Backoff) && pause.is_some_and(|pause| low <= pause && pause <= high)
        }
        Then::Policy(Expected::Completed) => phase == Some(Phase::Completed),
        Then::Policy(Expected::Failed) => phase == Some(Phase::Failed),
        Then::Policy(Expected::AtMost(most)) => {
            up || phase == Some(Phase::Failed) || pause.is_some_and(|pause| pause <= most)
        }
        Then::Unsure => {
            if let Some(track) = world.model.services.get_mut(name) {
                track.completed = phase == Some(Phase::Completed);
            }
            true
        }
    };
    if holds {
        Ok(())
    } else {
        Err(format!("{name} is {phase:?} with the pause {pause:?}, and not {then:?}"))
    }
}

/// What an answer promises is durable, and done.
pub(crate) fn replied(world: &mut World, ticket: Ticket, reply: &Reply) -> Check {
    let Some(command) = world.answered.remove(&ticket) else {
        return Err(format!("{ticket:?} was not asked"));
    };
    let (request, desired) = match &command {
        Command::Start(request) | Command::Restart(request) => (request, Desired::Up),
        Command::Stop(request) => (request, Desired::Down),
        Command::Hold(request, _) => {
            let lost = |name: &&ServiceName| {
                let held = world.model.services.get(*name).is_some_and(|track| track.held);
                held && world.disk.0.get(*name).is_some_and(|stored| stored.held.is_none())
            };
            return match request.names.iter().find(lost) {
                Some(name) if matches!(reply, Reply::Done(_)) => {
                    Err(format!("{name} is not held on the disk"))
                }
                Some(_) | None => Ok(()),
            };
        }
        _ => return Ok(()),
    };
    if matches!(reply, Reply::Refused(_) | Reply::Superseded(_)) {
        return Ok(());
    }
    for name in &request.names {
        let latest = world.model.services.get(name).is_some_and(|track| track.command == ticket.0);
        let stored = world.disk.0.get(name).map(|stored| stored.desired);
        if latest && stored != Some(desired) {
            return Err(format!("{ticket:?} was answered, but {name} is {stored:?} on the disk"));
        }
        let process = world.model.services.get(name).and_then(|track| track.process.as_ref());
        let done = matches!(reply, Reply::Done(_)) && !request.no_wait;
        if latest && done && desired == Desired::Down && process.is_some() {
            return Err(format!("{ticket:?} was answered, but {name} has {process:?}"));
        }
    }
    Ok(())
}

/// A signal that follows from a stop comes after the intent is durable.
pub(crate) fn is_down_on_disk(world: &World, needs: &NeedsDown) -> Check {
    let name = &needs.name;
    let stored = world.disk.0.get(name).map(|stored| stored.desired);
    let same_command = world.model.services.get(name).is_some_and(|track| track.command == needs.command);
    if same_command && stored == Some(Desired::Up) {
        return Err(format!("{name} was signalled before it was durably wanted down"));
    }
    Ok(())
}
