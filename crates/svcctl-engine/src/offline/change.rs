//! Installs and verbs without an engine.

use super::{Offline, answer, failure};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::Persist;
use svcctl_core::supervisor::event::{Command, Dependants, Request};
use svcctl_core::supervisor::state::Desired;
use svcctl_os::paths::Paths;
use svckit::control::types::{Act, Document, Failure, FailureKind, Install, Outcome, Verb};

/// How a specification is installed.
#[derive(Clone, Debug, Default)]
pub struct InstallOptions {
    /// The text it was read from, to be kept as its file with its comments; it must mean the same.
    pub source: Option<Document>,
    /// Whether another specification of that name may be replaced.
    pub update: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// Installs a specification.
///
/// # Errors
/// As the API's `PUT /v1/services/{name}`; `Conflict` also when a daemon or another command is at work.
pub fn install_with(paths: &Paths, spec: ServiceSpec, options: InstallOptions) -> Result<Outcome, Failure> {
    crate::names::require_free(paths, &spec.name)?;
    let (spec, source) = match options.source {
        None => (Arc::new(spec), None),
        text @ Some(_) => crate::api::specification(&Install { document: spec.to_document(), source: text })?,
    };
    let command = Command::Install { spec, source, update: options.update };
    answer::outcome(Offline::open(paths)?.decide_or_rehearse(command, options.dry_run)?)
}

/// Does something with services, as far as that has a meaning while nothing runs: stop, hold, unhold, enable, disable,
/// uninstall.
///
/// # Errors
/// As the API's `POST /v1/actions/{verb}`; `NoDaemon` for a verb that needs one; `Conflict` also when a daemon or
/// another command is at work.
pub fn act(paths: &Paths, verb: Verb, act: &Act) -> Result<Outcome, Failure> {
    match verb {
        Verb::Stop | Verb::Hold | Verb::Unhold | Verb::Enable | Verb::Disable | Verb::Uninstall => {}
        Verb::Start | Verb::Restart | Verb::Reload | Verb::Reset | Verb::Signal => {
            let why = format!("{} needs the daemon; start it with: svcctl daemon --background", verb.word());
            return Err(failure(FailureKind::NoDaemon, why));
        }
    }
    if !super::is_there(paths)? {
        for name in &act.names {
            let name =
                ServiceName::new(name).map_err(|error| failure(FailureKind::Usage, error.to_string()))?;
            super::show(paths, Some(name))?;
        }
    }
    let mut offline = Offline::open(paths)?;
    let names = names(&offline, act)?;
    if names.is_empty() {
        return Ok(Outcome::default());
    }
    let dependants = if act.force { Dependants::Ignore } else { Dependants::StopToo };
    let request = Request { names: names.clone(), no_wait: true, deadline: None, dependants };
    let command = crate::api::command(verb, act, request)?;
    let mut outcome = answer::outcome(offline.decide_or_rehearse(command, act.dry_run)?)?;
    if verb == Verb::Stop {
        unwant(&mut offline, &mut outcome, act.dry_run)?;
    }
    if verb == Verb::Uninstall && !act.dry_run {
        for name in &names {
            super::forget_logs(paths, name);
        }
    }
    Ok(outcome)
}

/// Notes that services are not wanted up any more.
pub(super) fn unwant(offline: &mut Offline, outcome: &mut Outcome, dry_run: bool) -> Result<(), Failure> {
    let mut persists = Vec::new();
    for done in &mut outcome.services {
        let Ok(name) = ServiceName::new(&done.name) else { continue };
        if offline.desired_of(&name) == Desired::Up {
            done.changed = true;
            persists.push(Persist::Desired(name, Desired::Down));
        }
    }
    if dry_run { Ok(()) } else { offline.write(&persists) }
}

fn names(offline: &Offline, act: &Act) -> Result<Vec<ServiceName>, Failure> {
    let parse = |text: &String| {
        ServiceName::new(text).map_err(|error| failure(FailureKind::Usage, error.to_string()))
    };
    match (act.all, act.names.is_empty()) {
        (true, true) => Ok(offline.desired.keys().cloned().collect()),
        (false, false) => act.names.iter().map(parse).collect(),
        (true, false) => Err(failure(FailureKind::Usage, "names and all exclude each other")),
        (false, true) => Err(failure(FailureKind::Usage, "name a service, or ask for all")),
    }
}
