//! All routes, and those that only look.

use super::change::{self, parse_name};
use super::server::Caller;
use super::{Api, Problem, apply, openapi, processes};
use crate::answer::{self, Shown, failure};
use crate::queue::Answer;
use crate::roles::Role;
use crate::store::files;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec;
use svcctl_core::supervisor::event::Command;
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::view::ServiceView;
use svcctl_os::clock;
use svckit::config::{self, DocumentFormat};
use svckit::control::types::{Document, FailureKind, Processes, Service, Services, Version};

type Shared = State<Arc<Api>>;

/// All routes.
pub(super) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/version", get(version))
        .route("/v1/services", get(list))
        .route("/v1/services/{name}", get(show).put(change::install).delete(change::uninstall))
        .route("/v1/services/{name}/processes", get(show_processes))
        .route("/v1/services/{name}/source", get(source))
        .route("/v1/services/{name}/logs", get(super::logs::logs))
        .route("/v1/services/{name}/{verb}", post(change::act_on_one))
        .route("/v1/actions/{verb}", post(change::act))
        .route("/v1/events", get(super::events::events))
        .route("/v1/apply", post(apply::apply))
        .route("/v1/pending", get(apply::pending))
        .route("/v1/schema", get(schema))
        .route("/v1/openapi.json", get(openapi::show))
        .route("/v1/daemon/stop", post(change::stop_daemon))
        .route("/health/live", get(|| async { StatusCode::OK }))
        .route("/health/ready", get(|| async { StatusCode::OK }))
        .fallback(|| async {
            Problem(failure(FailureKind::NoSuchService, "there is no such page; see docs/PROTOCOL.md"))
        })
        .with_state(api)
}

async fn version(State(api): Shared, Extension(caller): Extension<Caller>) -> Result<Json<Version>, Problem> {
    api.admit(caller.role, Role::Viewer, false)?;
    let views = views(api.ask(Command::Show(None)).await?)?;
    Ok(Json(Version {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: vec![1],
        engine: api.about.id.clone(),
        pid: api.about.keeper_pid,
        engine_pid: std::process::id(),
        engine_number: api.about.engine_number,
        since: api.about.since.clone(),
        recovery: api.in_recovery(),
        services: views.len(),
    }))
}

/// The views that a `Show` is answered with.
pub(super) fn views(answer: Answer) -> Result<Vec<ServiceView>, Problem> {
    match answer.reply {
        Reply::Views(views) => Ok(views),
        reply => match answer::outcome(Answer { reply, not_durable: None }) {
            Err(failure) => Err(failure.into()),
            Ok(_) => Ok(Vec::new()),
        },
    }
}

async fn services(api: &Api, name: Option<ServiceName>) -> Result<Vec<Service>, Problem> {
    let views = views(api.ask(Command::Show(name)).await?)?;
    let pending = api.pending.names();
    let shown = Shown { now: clock::now(), engine: Some(&api.about.id), pending: &pending };
    Ok(views.into_iter().map(|view| answer::service(view, shown)).collect())
}

async fn list(State(api): Shared, Extension(caller): Extension<Caller>) -> Result<Json<Services>, Problem> {
    api.admit(caller.role, Role::Viewer, false)?;
    let mut services = services(&api, None).await?;
    for service in &mut services {
        redact(service, caller);
    }
    Ok(Json(Services { services }))
}

async fn show(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Service>, Problem> {
    api.admit(caller.role, Role::Viewer, false)?;
    let name = parse_name(&name)?;
    let mut service = services(&api, Some(name.clone()))
        .await?
        .pop()
        .ok_or_else(|| failure(FailureKind::NoSuchService, format!("there is no service {name}")))?;
    redact(&mut service, caller);
    Ok(Json(service))
}

/// A viewer sees states; what stands in an environment may be a secret, and so may what a program wrote.
fn redact(service: &mut Service, caller: Caller) {
    if caller.role >= Some(Role::Operator) {
        return;
    }
    let words = service.last_spawn_error.iter_mut().chain(&mut service.last_probe_error);
    let words = words.chain(&mut service.health_error).chain(&mut service.waiting_for);
    let result = service.job.as_mut().and_then(|job| job.last.as_mut()).map(|run| &mut run.result);
    for text in words.chain(result).chain([&mut service.why]) {
        text.truncate(crate::auxiliary::without_output(text).len());
    }
    if let Some(env) = service.spec.get_mut("env").and_then(serde_json::Value::as_object_mut) {
        for value in env.values_mut() {
            *value = serde_json::Value::String("(hidden)".to_owned());
        }
    }
}

/// `GET /v1/services/{name}/processes`
async fn show_processes(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Processes>, Problem> {
    // Command lines may have secrets, as environments may.
    api.admit(caller.role, Role::Operator, false)?;
    let view = one(&api, &name).await?;
    Ok(Json(processes::tree(view.pid).await?))
}

/// `GET /v1/services/{name}/source`
async fn source(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Document>, Problem> {
    api.admit(caller.role, Role::Admin, false)?;
    let view = one(&api, &name).await?;
    let directory = api.about.stored.then(|| api.paths.services.clone());
    let read = tokio::task::spawn_blocking(move || document_of(directory.as_deref(), &view)).await;
    match read {
        Ok(Ok(document)) => Ok(Json(document)),
        Ok(Err(why)) => Err(failure(FailureKind::Failed, format!("failed to {why}")).into()),
        Err(_) => Err(failure(FailureKind::Failed, "failed to read the file: the engine is ending").into()),
    }
}

/// The file as it stands, or, where there is none, what one would be written as.
fn document_of(directory: Option<&std::path::Path>, view: &ServiceView) -> Result<Document, String> {
    let path = directory.and_then(|directory| files::present(directory, &view.name).into_iter().next());
    let Some(path) = path else {
        let text = config::render(&view.spec.to_document()).map_err(|error| error.to_string())?;
        return Ok(Document { text, format: DocumentFormat::Yaml.extension().to_owned(), file: None });
    };
    let told = |error: &dyn std::fmt::Display| format!("read {}: {error}", path.display());
    let bytes = svcctl_os::files::read_regular(&path, files::MAX_BYTES).map_err(|error| told(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| told(&error))?;
    let format = DocumentFormat::from_path(&path).unwrap_or(DocumentFormat::Yaml);
    Ok(Document { text, format: format.extension().to_owned(), file: Some(path.display().to_string()) })
}

async fn one(api: &Api, name: &str) -> Result<ServiceView, Problem> {
    let name = parse_name(name)?;
    let mut found = views(api.ask(Command::Show(Some(name.clone()))).await?)?;
    found
        .pop()
        .ok_or_else(|| failure(FailureKind::NoSuchService, format!("there is no service {name}")).into())
}

/// `GET /v1/schema`
async fn schema(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
) -> Result<Json<serde_json::Value>, Problem> {
    api.admit(caller.role, Role::Viewer, false)?;
    Ok(Json(spec::schema()))
}
