//! Where the world has come to rest: what is wanted is so, and core, keeper, disk and world agree.

use crate::world::World;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::model::{DependencyKind, Kind};
use svcctl_core::supervisor::event::Command;
use svcctl_core::supervisor::memo::Memo;
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::supervisor::view::ServiceView;

type Check = Result<(), String>;

pub(crate) fn check(world: &World) -> Check {
    let Some(engine) = &world.engine else { return Err("no engine came back".to_owned()) };
    if !engine.driver.is_idle() {
        return Err("the driver still has something to do".to_owned());
    }
    let views = engine.sup.views();
    for view in &views {
        one(world, view).map_err(|why| format!("at rest, {}: {why}; {view:?}", view.name))?;
    }
    let known = views.iter().map(|view| &view.name).eq(world.model.services.keys());
    if !(known && views.iter().map(|view| &view.name).eq(world.disk.0.keys())) {
        return Err("core, disk and world do not have the same services".to_owned());
    }
    for (slot, place) in &world.keeper.places {
        if !views.iter().any(|view| view.name == slot.name) {
            return Err(format!("at rest, the keeper still holds {place:?}"));
        }
    }
    tickets(world, &views)
}

fn one(world: &World, view: &ServiceView) -> Check {
    let stored = world.disk.0.get(&view.name).ok_or("it is not on the disk")?;
    let track = world.model.services.get(&view.name).ok_or("the world does not know it")?;
    if stored.desired != view.desired || track.desired != view.desired {
        return Err(format!("disk {:?}, world {:?}", stored.desired, track.desired));
    }
    let place = world.keeper.place(&view.name);
    let living = place.and_then(|place| place.proc.as_ref()).map(|proc| proc.process.pid);
    if living != view.pid {
        return Err(format!("the keeper's process is {living:?}"));
    }
    let held = place.and_then(|place| Memo::decode(&place.memo)).map(|memo| memo.phase);
    let expected = (view.phase != Phase::Stopped).then_some(view.phase);
    if held != expected {
        return Err(format!("the keeper remembers {held:?}"));
    }
    match (view.phase, view.desired) {
        (Phase::Stopped, Desired::Down) => Ok(()),
        (Phase::Stopped | Phase::Failed | Phase::Completed, Desired::Up) if world.model.ending => Ok(()),
        _ if world.model.ending => Err("it is not ended".to_owned()),
        (Phase::Running | Phase::Completed | Phase::Failed, Desired::Up) => Ok(()),
        (Phase::Waiting, Desired::Up) => waits_rightly(world, view),
        _ => Err("it is not where it should be".to_owned()),
    }
}

/// A service may wait only for what will not come by itself.
fn waits_rightly(world: &World, view: &ServiceView) -> Check {
    let in_vain = |name: &ServiceName, kind: DependencyKind| {
        let Some(on) = world.engine.as_ref().and_then(|engine| engine.sup.view(name)) else { return true };
        match on.phase {
            Phase::Stopped | Phase::Failed | Phase::Waiting => true,
            Phase::Completed => kind == DependencyKind::Ready && on.spec.kind == Kind::Simple,
            Phase::Running => kind == DependencyKind::Completed,
            Phase::Starting | Phase::Stopping | Phase::Backoff => false,
        }
    };
    if view.spec.depends_on.iter().any(|(on, kind)| in_vain(on, *kind)) {
        Ok(())
    } else {
        Err("it waits for nothing".to_owned())
    }
}

/// A ticket may be open only where it has no deadline and waits for a service that waits.
fn tickets(world: &World, views: &[ServiceView]) -> Check {
    for (ticket, command) in &world.tickets {
        let (Command::Start(request) | Command::Restart(request)) = command else {
            return Err(format!("at rest, {ticket:?} is not answered: {command:?}"));
        };
        let targets = world.targets.get(ticket);
        let is_target = |name: &ServiceName| targets.is_some_and(|targets| targets.contains(name));
        let waiting = |view: &ServiceView| view.phase == Phase::Waiting && is_target(&view.name);
        if request.deadline.is_some() || !views.iter().any(waiting) {
            return Err(format!("at rest, {ticket:?} is not answered: {command:?}"));
        }
    }
    if world.answered.is_empty() { Ok(()) } else { Err("an answer was not given".to_owned()) }
}
