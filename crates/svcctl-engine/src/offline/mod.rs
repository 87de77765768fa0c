//! Commands without an engine: on the store, under the scope's lock, decided by the same core.

mod change;
mod events;
mod files;
#[cfg(test)]
mod tests;

pub use change::{InstallOptions, act, install_with};
pub use events::{EventsWanted, events};
pub use files::{apply, pending};

use crate::answer::{self, Shown, failure};
use crate::queue::Answer;
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::schedule::SharedZones;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::event::{Command, Event, Request, Ticket};
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::state::Desired;
use svcctl_os::clock;
use svcctl_os::lock::{A_COMMAND, COMMANDS_END_WITHIN, Lock, LockError};
use svcctl_os::paths::Paths;
use svckit::control::types::{Failure, FailureKind, Outcome, Service};

/// How the engine is called whose services are stored.
const DAEMON: &str = "daemon";

/// Installs a specification.
///
/// # Errors
/// As the API's `PUT /v1/services/{name}`; `Conflict` also when a daemon or another command is at work.
pub fn install(paths: &Paths, spec: ServiceSpec, update: bool) -> Result<Outcome, Failure> {
    install_with(paths, spec, InstallOptions { update, ..InstallOptions::default() })
}

/// Forgets services.
///
/// # Errors
/// As the API's `POST /v1/actions/uninstall`; `Conflict` also when a daemon or another command is at work.
pub fn uninstall(paths: &Paths, request: Request) -> Result<Outcome, Failure> {
    let names = request.names.clone();
    let answer = Offline::open(paths)?.decide(Command::Uninstall(request))?;
    let outcome = answer::outcome(answer)?;
    for name in &names {
        forget_logs(paths, name);
    }
    Ok(outcome)
}

fn forget_logs(paths: &Paths, name: &ServiceName) {
    crate::logs::forget_files(paths.logs.clone(), crate::life::spool_folder(paths, DAEMON), name);
}

/// Notes that services are not wanted up any more; nothing runs, so nothing else is to be done.
///
/// # Errors
/// As the API's `POST /v1/actions/stop`; `Conflict` also when a daemon or another command is at work.
pub fn stop(paths: &Paths, request: Request) -> Result<Outcome, Failure> {
    let mut offline = Offline::open(paths)?;
    let mut outcome = answer::outcome(offline.decide(Command::Stop(request))?)?;
    change::unwant(&mut offline, &mut outcome, false)?;
    Ok(outcome)
}

/// The services as the store has them, ordered by name; one, or all. Nothing is made where there is nothing.
///
/// # Errors
/// As the API's `GET /v1/services`; `Conflict` also when a daemon or another command is at work.
pub fn show(paths: &Paths, name: Option<ServiceName>) -> Result<Vec<Service>, Failure> {
    if !is_there(paths)? {
        return match name {
            None => Ok(Vec::new()),
            Some(name) => Err(failure(
                FailureKind::NoSuchService,
                format!("there is no service {name}; install one with: svcctl install {name} -- PROGRAM"),
            )),
        };
    }
    let mut offline = Offline::open(paths)?;
    let answer = offline.decide(Command::Show(name))?;
    match answer.reply {
        Reply::Views(views) => {
            let pending = files::pending_names(paths, &views);
            let shown = Shown { now: clock::now(), engine: None, pending: &pending };
            Ok(views
                .into_iter()
                .map(|mut view| {
                    view.desired = offline.desired_of(&view.name);
                    answer::service(view, shown)
                })
                .collect())
        }
        reply => match answer::outcome(Answer { reply, not_durable: None }) {
            Err(failure) => Err(failure),
            Ok(_) => Ok(Vec::new()),
        },
    }
}

/// Whether anything was ever installed: where nothing was, looking makes nothing.
fn is_there(paths: &Paths) -> Result<bool, Failure> {
    paths.store().try_exists().map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => FailureKind::Denied,
            _ => FailureKind::Failed,
        };
        failure(kind, format!("failed to look into {}: {error}", paths.state.display()))
    })
}

fn locked_out(error: &LockError) -> Failure {
    let kind = match error {
        LockError::Held(holder) => return failure(FailureKind::Conflict, holder.to_string()),
        LockError::Denied { .. } => FailureKind::Denied,
        LockError::File { .. } => FailureKind::Failed,
        LockError::Unsupported(_) => FailureKind::Unsupported,
    };
    failure(kind, format!("failed to {error}"))
}

/// The store and a supervisor that knows what is in it, with nothing running.
struct Offline {
    supervisor: Supervisor,
    store: Store,
    /// What is wanted of each service; the supervisor is told that nothing is, so that it does nothing.
    desired: BTreeMap<ServiceName, Desired>,
    _lock: Lock,
}

impl Offline {
    fn open(paths: &Paths) -> Result<Self, Failure> {
        let told = |error: &dyn std::fmt::Display| failure(FailureKind::Failed, format!("failed to {error}"));
        paths.ensure().map_err(|error| told(&error))?;
        let lock = Lock::acquire_within(&paths.daemon_lock(), A_COMMAND, COMMANDS_END_WITHIN);
        let lock = lock.map_err(|error| locked_out(&error))?;
        let (mut store, repairs) = Store::open(paths).map_err(|error| told(&error))?;
        let loaded = store.load(&clock::boot_id().unwrap_or_default()).map_err(|error| told(&error))?;
        for repair in repairs.iter().chain(&loaded.repairs) {
            crate::say::warn(repair);
        }
        let mut supervisor = Supervisor::new(0, SharedZones(Arc::new(crate::zones::MachineZones)));
        let mut desired = BTreeMap::new();
        for mut restored in loaded.services {
            desired.insert(restored.spec.name.clone(), restored.desired);
            restored.desired = Desired::Down;
            supervisor.handle(clock::now(), Event::Restored(restored));
        }
        supervisor.handle(clock::now(), Event::Resumed);
        while supervisor.poll_action().is_some() {}
        Ok(Self { supervisor, store, desired, _lock: lock })
    }

    fn write(&mut self, persists: &[Persist]) -> Result<(), Failure> {
        self.store.write(persists).map_err(|error| failure(FailureKind::Failed, format!("failed to {error}")))
    }

    fn desired_of(&self, name: &ServiceName) -> Desired {
        self.desired.get(name).copied().unwrap_or(Desired::Down)
    }

    /// A change of the specification leaves what is wanted as it was.
    fn with_desired(&self, persist: Persist) -> Persist {
        match persist {
            Persist::Service { spec, source, revision, desired } => {
                let desired = self.desired.get(&spec.name).copied().unwrap_or(desired);
                Persist::Service { spec, source, revision, desired }
            }
            Persist::Desired(..) | Persist::Hold(..) | Persist::Job(..) | Persist::Forget(_) => persist,
        }
    }

    /// The core's answer: once all that it makes durable is, or without anything done.
    fn decide_or_rehearse(&mut self, command: Command, dry_run: bool) -> Result<Answer, Failure> {
        if dry_run { self.answer_to(command).map(|(answer, _)| answer) } else { self.decide(command) }
    }

    /// The core's answer, once all that it makes durable is.
    fn decide(&mut self, command: Command) -> Result<Answer, Failure> {
        let (answer, persists) = self.answer_to(command)?;
        self.write(&persists)?;
        Ok(answer)
    }

    /// The core's answer, and what is to be made durable for it.
    fn answer_to(&mut self, command: Command) -> Result<(Answer, Vec<Persist>), Failure> {
        self.supervisor.handle(clock::now(), Event::Command(Ticket(1), command));
        let mut persists = Vec::new();
        let mut answer = None;
        while let Some(action) = self.supervisor.poll_action() {
            match action {
                Action::Persist(persist) => persists.push(self.with_desired(persist)),
                Action::Reply(_, reply) => answer = Some(reply),
                // Nothing runs, so there is nothing to act on.
                Action::Spawn { .. }
                | Action::Signal { .. }
                | Action::KillTree { .. }
                | Action::Remember { .. }
                | Action::Acknowledge(_)
                | Action::Release(_)
                | Action::StartProbe(_)
                | Action::StopProbe(_)
                | Action::RunHook(_)
                | Action::CancelHook(_)
                | Action::Watch(_)
                | Action::Unwatch(_)
                | Action::Publish(_)
                | Action::Note(_) => {}
            }
        }
        let reply = answer.ok_or_else(|| {
            failure(FailureKind::NoDaemon, "this needs the daemon; start it with: svcctl daemon --background")
        })?;
        Ok((Answer { reply, not_durable: None }, persists))
    }
}
