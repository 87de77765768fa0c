//! Sets of specifications: `POST /v1/apply`, and what the files in services/ would change.

use super::server::Caller;
use super::{Api, Problem};
use crate::answer::{self, failure};
use crate::pending::compare::{
    Compared, accepted, compare, require_sound_to_prune, steps, steps_of_files, word,
};
use crate::roles::Role;
use crate::store::files::{self, Found};
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use std::collections::BTreeSet;
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::plan::PlanAction;
use svcctl_core::supervisor::event::{Command, Source};
use svcctl_core::supervisor::reply::Reply;
use svckit::control::types::{Applied, Apply, FailureKind, InvalidFile, Pending, Step};

/// `GET /v1/pending`
pub(super) async fn pending(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Pending>, Problem> {
    api.admit(caller.role, Role::Admin, false)?;
    if !api.about.stored {
        return Ok(Json(Pending::default()));
    }
    let compared = compared(&api, &[]).await?;
    let mut steps: Vec<Step> = steps(&compared.plan)
        .into_iter()
        .filter(|step| !matches!(step.action.as_str(), "keep" | "leave"))
        .collect();
    let gone = compared.gone.iter().map(|name| Step {
        name: name.to_string(),
        action: word(PlanAction::Uninstall),
        differences: Vec::new(),
    });
    steps.extend(gone);
    Ok(Json(Pending { steps, invalid: compared.invalid, auto_apply: api.pending.settings().auto_apply }))
}

/// `POST /v1/apply`
pub(super) async fn apply(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Applied>, Problem> {
    let asked: Apply = super::change::parse_body(&body)?;
    api.admit(caller.role, Role::Admin, !asked.dry_run)?;
    if !api.about.stored {
        let why = "this engine runs one service that is not stored (svcctl run); ask the daemon";
        return Err(failure(FailureKind::Unsupported, why).into());
    }
    if asked.pending && !asked.services.is_empty() {
        let why = "pending takes the files in services/, and excludes a set in the request";
        return Err(failure(FailureKind::Usage, why).into());
    }
    if !asked.pending && !asked.names.is_empty() {
        return Err(failure(FailureKind::Usage, "names choose among pending files only").into());
    }
    if asked.prune && !asked.names.is_empty() {
        return Err(failure(FailureKind::Usage, "prune needs the whole set, and names choose of it").into());
    }
    let (services, invalid, gone) = if asked.pending {
        pending_set(&api, &asked).await?
    } else {
        let read = asked.services.iter().map(super::change::specification).collect::<Result<Vec<_>, _>>()?;
        (read, Vec::new(), Vec::new())
    };
    for (spec, _) in &services {
        crate::names::require_free(&api.paths, &spec.name)?;
    }
    let command = Command::Apply { services, prune: asked.prune };
    let answer = api.decide(command, asked.dry_run).await?;
    match answer.reply {
        Reply::Applied(plan) if answer.not_durable.is_none() => {
            let steps = if asked.pending { steps_of_files(&plan, &gone, &asked.names) } else { steps(&plan) };
            let changing = steps.iter().filter(|step| !matches!(step.action.as_str(), "keep" | "leave"));
            for step in changing.filter(|_| !asked.dry_run) {
                api.events.command(Some(&step.name), format!("apply: {}", step.action), caller.told());
            }
            Ok(Json(Applied { steps, invalid }))
        }
        _ => match answer::outcome(answer) {
            Err(failure) => Err(failure.into()),
            Ok(_) => Ok(Json(Applied { steps: Vec::new(), invalid })),
        },
    }
}

/// What is given to the core, the files that are wrong, and the services without a file.
type Taken = (Vec<(Arc<ServiceSpec>, Option<Source>)>, Vec<InvalidFile>, Vec<ServiceName>);

/// What an apply of the files gives to the core. With prune, what is the same is given too, as it stays; an
/// invalid file is a refusal then.
async fn pending_set(api: &Api, asked: &Apply) -> Result<Taken, Problem> {
    let compared = compared(api, &asked.names).await?;
    let mut services: Vec<_> = compared
        .take
        .iter()
        .filter_map(|file| Some((Arc::clone(file.spec.as_ref().ok()?), Some(file.source()))))
        .collect();
    if asked.prune {
        require_sound_to_prune(&compared)?;
        let taken: BTreeSet<ServiceName> = services.iter().map(|(spec, _)| spec.name.clone()).collect();
        let gone: BTreeSet<&ServiceName> = compared.gone.iter().collect();
        let kept = accepted(&super::routes::views(api.ask(Command::Show(None)).await?)?)
            .into_iter()
            .filter(|(name, _)| !gone.contains(name) && !taken.contains(name));
        services.extend(kept.map(|(_, spec)| (spec, None)));
    }
    Ok((services, compared.invalid, compared.gone))
}

async fn compared(api: &Api, names: &[String]) -> Result<Compared, Problem> {
    let views = super::routes::views(api.ask(Command::Show(None)).await?)?;
    let directory = api.paths.services.clone();
    let files = tokio::task::spawn_blocking(move || files::read_all(&directory)).await;
    let files = match files {
        Ok(Ok(files)) => files,
        Ok(Err(error)) => return Err(failure(FailureKind::Failed, format!("failed to {error}")).into()),
        Err(_) => {
            return Err(failure(FailureKind::Failed, "failed to read services/: the engine is ending").into());
        }
    };
    let running: BTreeSet<ServiceName> =
        views.iter().filter(|view| view.pid.is_some()).map(|view| view.name.clone()).collect();
    let chosen = |file: &Found| {
        names.is_empty() || file.name().is_some_and(|name| names.iter().any(|wanted| wanted == name.as_str()))
    };
    let accepted = accepted(&views);
    if let Some(unknown) = names.iter().find(|wanted| {
        !accepted.keys().any(|name| name.as_str() == *wanted)
            && !files.iter().any(|file| file.name().is_some_and(|name| name.as_str() == *wanted))
    }) {
        let why = format!("there is no service {unknown}, and no file of it in services/");
        return Err(failure(FailureKind::NoSuchService, why).into());
    }
    Ok(compare(&accepted, &running, files, chosen))
}
