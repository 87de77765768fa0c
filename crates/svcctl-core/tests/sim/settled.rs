//! Where the world has come to rest: what is wanted is so, and core, keeper, disk and world agree.

use crate::around::is_job;
use crate::world::World;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::model::{DependencyKind, Kind, TriggerOn};
use svcctl_core::supervisor::event::{Command, ProbeWhat, WatchWhat};
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
    if stored.held != view.held || track.held != view.held.is_some() {
        return Err(format!("held on the disk: {:?}, in the world: {}", stored.held, track.held));
    }
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
        (Phase::Completed | Phase::Failed, Desired::Up) if is_job(&view.spec) => {
            Err("a job rests where jobs do not".to_owned())
        }
        (Phase::Running | Phase::Completed | Phase::Failed, Desired::Up) => watched(world, view),
        (Phase::Scheduled, Desired::Up) => armed(world, view),
        (Phase::Waiting, _) => waits_rightly(world, view),
        _ => Err("it is not where it should be".to_owned()),
    }
}

/// What makes a job run is there.
fn armed(world: &World, view: &ServiceView) -> Check {
    let Some(engine) = &world.engine else { return Ok(()) };
    if view.spec.schedule.is_some() {
        let due = view.job.as_ref().and_then(|job| job.next_due).ok_or("it is never due")?;
        if due.0 + 1 < world.clock().wall.0 || engine.sup.poll_timeout().is_none() {
            return Err(format!("it was due at {due:?}"));
        }
    }
    let there = match view.spec.trigger.as_ref().map(|trigger| &trigger.on) {
        Some(TriggerOn::Path { .. }) => {
            engine.watches.iter().any(|id| id.name == view.name && id.what == WatchWhat::Trigger)
        }
        Some(TriggerOn::Condition { .. }) => {
            engine.probes.keys().any(|id| id.id.slot.name == view.name && id.what == ProbeWhat::Trigger)
        }
        None => true,
    };
    if there { watched(world, view) } else { Err("its trigger is not watched".to_owned()) }
}

/// The configuration of what is wanted up is watched.
fn watched(world: &World, view: &ServiceView) -> Check {
    let Some(engine) = &world.engine else { return Ok(()) };
    let wanted = view.spec.reload.as_ref().is_some_and(|reload| !reload.watch.is_empty());
    let there = engine.watches.iter().any(|id| id.name == view.name && id.what == WatchWhat::Reload);
    if wanted == there { Ok(()) } else { Err(format!("its configuration is watched: {there}")) }
}

/// A service may wait only for what will not come by itself.
fn waits_rightly(world: &World, view: &ServiceView) -> Check {
    if view.held.is_some() {
        return Ok(());
    }
    let in_vain = |name: &ServiceName, kind: DependencyKind| {
        let Some(on) = world.engine.as_ref().and_then(|engine| engine.sup.view(name)) else { return true };
        if is_job(&on.spec) {
            return true;
        }
        match on.phase {
            Phase::Stopped | Phase::Scheduled | Phase::Failed | Phase::Waiting => true,
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
        let (Command::Start(request)
        | Command::Restart(request)
        | Command::Reload(request)
        | Command::StartOnce(request)) = command
        else {
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
