//! Sets of specifications and the files of services/ without an engine.

use super::{Offline, answer, failure};
use crate::pending::compare::{
    Compared, accepted, compare, require_sound_to_prune, steps, steps_of_files, word,
};
use crate::queue::Answer;
use crate::store::files::{self, Found};
use std::collections::BTreeSet;
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::plan::PlanAction;
use svcctl_core::supervisor::event::{Command, Source};
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::view::ServiceView;
use svcctl_os::paths::Paths;
use svckit::control::types::{Applied, Apply, Failure, FailureKind, InvalidFile, Pending, Step};

/// Brings the set of services to what is asked for; what has autostart is wanted up from the next daemon on.
///
/// # Errors
/// As the API's `POST /v1/apply`; `Conflict` also when a daemon or another command is at work.
pub fn apply(paths: &Paths, asked: &Apply) -> Result<Applied, Failure> {
    let usage = |why: &str| Err(failure(FailureKind::Usage, why));
    if asked.pending && !asked.services.is_empty() {
        return usage("pending takes the files in services/, and excludes a set in the request");
    }
    if !asked.pending && !asked.names.is_empty() {
        return usage("names choose among pending files only");
    }
    if asked.prune && !asked.names.is_empty() {
        return usage("prune needs the whole set, and names choose of it");
    }
    let mut offline = Offline::open(paths)?;
    let (services, invalid, gone) = if asked.pending {
        pending_set(paths, &mut offline, asked)?
    } else {
        let read = asked.services.iter().map(crate::api::specification).collect::<Result<Vec<_>, _>>()?;
        (read, Vec::new(), Vec::new())
    };
    for (spec, _) in &services {
        crate::names::require_free(paths, &spec.name)?;
    }
    let command = Command::Apply { services, prune: asked.prune };
    let answer = offline.decide_or_rehearse(command, asked.dry_run)?;
    let Reply::Applied(plan) = answer.reply else {
        answer::outcome(answer)?;
        return Ok(Applied { steps: Vec::new(), invalid });
    };
    if !asked.dry_run {
        for gone in plan.steps.iter().filter(|step| step.action == PlanAction::Uninstall) {
            super::forget_logs(paths, &gone.name);
        }
    }
    let steps = if asked.pending { steps_of_files(&plan, &gone, &asked.names) } else { steps(&plan) };
    Ok(Applied { steps, invalid })
}

/// What the files in services/ would change.
///
/// # Errors
/// As the API's `GET /v1/pending`; `Conflict` also when a daemon or another command is at work.
pub fn pending(paths: &Paths) -> Result<Pending, Failure> {
    if !super::is_there(paths)? && !paths.services.exists() {
        return Ok(Pending::default());
    }
    let views = views(&mut Offline::open(paths)?)?;
    let compared = compared(paths, &views, |_| true)?;
    let mut found: Vec<Step> = steps(&compared.plan)
        .into_iter()
        .filter(|step| !matches!(step.action.as_str(), "keep" | "leave"))
        .collect();
    found.extend(compared.gone.iter().map(|name| Step {
        name: name.to_string(),
        action: word(PlanAction::Uninstall),
        differences: Vec::new(),
    }));
    let auto_apply = crate::settings::read(&paths.settings()).unwrap_or_default().auto_apply;
    Ok(Pending { steps: found, invalid: compared.invalid, auto_apply })
}

/// The services whose file means something else; none where the files cannot be read.
pub(super) fn pending_names(paths: &Paths, views: &[ServiceView]) -> BTreeSet<ServiceName> {
    compared(paths, views, |_| true).map_or_else(|_| BTreeSet::new(), |compared| compared.names())
}

fn views(offline: &mut Offline) -> Result<Vec<ServiceView>, Failure> {
    match offline.decide(Command::Show(None))?.reply {
        Reply::Views(views) => Ok(views),
        reply => answer::outcome(Answer { reply, not_durable: None }).map(|_| Vec::new()),
    }
}

fn compared(
    paths: &Paths,
    views: &[ServiceView],
    chosen: impl Fn(&Found) -> bool,
) -> Result<Compared, Failure> {
    let files = files::read_all(&paths.services)
        .map_err(|error| failure(FailureKind::Failed, format!("failed to {error}")))?;
    Ok(compare(&accepted(views), &BTreeSet::new(), files, chosen))
}

/// What is given to the core, the files that are wrong, and the services without a file.
type Taken = (Vec<(Arc<ServiceSpec>, Option<Source>)>, Vec<InvalidFile>, Vec<ServiceName>);

/// What an apply of the files gives to the core. With prune, what is the same is given too, as it stays; an
/// invalid file is a refusal then.
fn pending_set(paths: &Paths, offline: &mut Offline, asked: &Apply) -> Result<Taken, Failure> {
    let views = views(offline)?;
    let chosen = |file: &Found| {
        asked.names.is_empty()
            || file.name().is_some_and(|name| asked.names.iter().any(|wanted| wanted == name.as_str()))
    };
    let compared = compared(paths, &views, chosen)?;
    if let Some(unknown) = asked.names.iter().find(|wanted| {
        !views.iter().any(|view| view.name.as_str() == *wanted)
            && files::ENDINGS.iter().all(|ending| !paths.services.join(format!("{wanted}.{ending}")).exists())
    }) {
        let why = format!("there is no service {unknown}, and no file of it in services/");
        return Err(failure(FailureKind::NoSuchService, why));
    }
    let mut services: Vec<_> = compared
        .take
        .iter()
        .filter_map(|file| Some((Arc::clone(file.spec.as_ref().ok()?), Some(file.source()))))
        .collect();
    if asked.prune {
        require_sound_to_prune(&compared)?;
        let taken: BTreeSet<ServiceName> = services.iter().map(|(spec, _)| spec.name.clone()).collect();
        let kept =
            views.iter().filter(|view| !taken.contains(&view.name) && !compared.gone.contains(&view.name));
        services.extend(kept.map(|view| (Arc::clone(&view.spec), None)));
    }
    Ok((services, compared.invalid, compared.gone))
}
