//! The routes, one function each.

use super::server::Caller;
use super::{Api, Problem};
use crate::answer::{self, Shown, failure};
use crate::queue::Answer;
use crate::roles::Role;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec;
use svcctl_core::supervisor::event::{Command, Dependants, Request};
use svcctl_core::supervisor::reply::Reply;
use svcctl_os::clock;
use svckit::control::types::{Act, Failure, FailureKind, Outcome, Service, Services, StopDaemon, Version};

type Shared = State<Arc<Api>>;

/// All routes.
pub(super) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/version", get(version))
        .route("/v1/services", get(list))
        .route("/v1/services/{name}", get(show).put(install).delete(uninstall))
        .route("/v1/services/{name}/logs", get(super::logs::logs))
        .route("/v1/services/{name}/{verb}", post(act_on_one))
        .route("/v1/actions/{verb}", post(act))
        .route("/v1/daemon/stop", post(stop_daemon))
        .route("/health/live", get(|| async { StatusCode::OK }))
        .route("/health/ready", get(|| async { StatusCode::OK }))
        .fallback(|| async {
            Problem(failure(FailureKind::NoSuchService, "there is no such page; see docs/PROTOCOL.md"))
        })
        .with_state(api)
}

async fn version(State(api): Shared, Extension(caller): Extension<Caller>) -> Result<Json<Version>, Problem> {
    api.admit(caller.0, Role::Viewer, false)?;
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
pub(super) fn views(answer: Answer) -> Result<Vec<svcctl_core::supervisor::view::ServiceView>, Problem> {
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
    let services_dir = api.about.stored.then_some(api.paths.services.as_path());
    let shown = Shown { now: clock::now(), engine: Some(&api.about.id), services_dir };
    Ok(views.into_iter().map(|view| answer::service(view, shown)).collect())
}

async fn list(State(api): Shared, Extension(caller): Extension<Caller>) -> Result<Json<Services>, Problem> {
    api.admit(caller.0, Role::Viewer, false)?;
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
    api.admit(caller.0, Role::Viewer, false)?;
    let name = parse_name(&name)?;
    let mut service = services(&api, Some(name.clone()))
        .await?
        .pop()
        .ok_or_else(|| failure(FailureKind::NoSuchService, format!("there is no service {name}")))?;
    redact(&mut service, caller);
    Ok(Json(service))
}

/// A viewer sees states; what stands in an environment may be a secret.
fn redact(service: &mut Service, caller: Caller) {
    if caller.0 >= Some(Role::Operator) {
        return;
    }
    if let Some(env) = service.spec.get_mut("env").and_then(serde_json::Value::as_object_mut) {
        for value in env.values_mut() {
            *value = serde_json::Value::String("(hidden)".to_owned());
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct InstallQuery {
    update: bool,
}

async fn install(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(query): Query<InstallQuery>,
    Json(document): Json<serde_json::Value>,
) -> Result<Json<Outcome>, Problem> {
    api.admit(caller.0, Role::Admin, true)?;
    let name = parse_name(&name)?;
    let spec = spec::decode(&document).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure { kind: FailureKind::Invalid, message: told.join("; "), problems }
    })?;
    if spec.name != name {
        let why = format!("the specification is of {}, and the request of {name}", spec.name);
        return Err(failure(FailureKind::Usage, why).into());
    }
    crate::names::require_free(&api.paths, &spec.name)?;
    let answer = api.ask(Command::Install { spec: Arc::new(spec), update: query.update }).await?;
    Ok(Json(answer::outcome(answer)?))
}

async fn uninstall(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    let mut act = parse_act(&body)?;
    act.names = vec![name];
    perform(&api, caller, Verb::Uninstall, act).await
}

async fn act_on_one(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path((name, verb)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    let mut act = parse_act(&body)?;
    act.names = vec![name];
    perform(&api, caller, Verb::parse(&verb)?, act).await
}

async fn act(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(verb): Path<String>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    perform(&api, caller, Verb::parse(&verb)?, parse_act(&body)?).await
}

async fn stop_daemon(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    api.admit(caller.0, Role::Admin, false)?;
    let stop: StopDaemon = parse_body(&body)?;
    // One that ends already needs no second word.
    drop(api.ending.try_send(stop));
    Ok(Json(Outcome::default()))
}

/// What can be done to services.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Start,
    Stop,
    Restart,
    Reset,
    Uninstall,
}

impl Verb {
    fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "start" => Ok(Self::Start),
            "stop" => Ok(Self::Stop),
            "restart" => Ok(Self::Restart),
            "reset" => Ok(Self::Reset),
            "uninstall" => Ok(Self::Uninstall),
            other => Err(failure(FailureKind::Usage, format!("there is no action {other:?}")).into()),
        }
    }

    fn needed(self) -> Role {
        match self {
            Self::Start | Self::Stop | Self::Restart | Self::Reset => Role::Operator,
            Self::Uninstall => Role::Admin,
        }
    }

    fn command(self, request: Request) -> Command {
        match self {
            Self::Start => Command::Start(request),
            Self::Stop => Command::Stop(request),
            Self::Restart => Command::Restart(request),
            Self::Reset => Command::Reset(request),
            Self::Uninstall => Command::Uninstall(request),
        }
    }
}

async fn perform(api: &Api, caller: Caller, verb: Verb, act: Act) -> Result<Json<Outcome>, Problem> {
    // A stop is taken always: it can only calm.
    api.admit(caller.0, verb.needed(), !matches!(verb, Verb::Stop))?;
    let names = names_of(api, &act).await?;
    if names.is_empty() {
        return Ok(Json(Outcome::default()));
    }
    let deadline = act.timeout_ms.map(|ms| clock::now().mono.after(Duration::from_millis(ms)));
    let dependants = match (act.force, act.with_dependants) {
        (true, true) => {
            return Err(failure(FailureKind::Usage, "with_dependants and force exclude each other").into());
        }
        (true, false) => Dependants::Ignore,
        (false, true) => Dependants::StopToo,
        (false, false) => Dependants::Refuse,
    };
    let request = Request { names: names.clone(), no_wait: act.no_wait, deadline, dependants };
    let outcome = answer::outcome(api.ask(verb.command(request)).await?)?;
    Ok(Json(outcome))
}

async fn names_of(api: &Api, act: &Act) -> Result<Vec<ServiceName>, Problem> {
    match (act.all, act.names.is_empty()) {
        (true, true) => {
            Ok(views(api.ask(Command::Show(None)).await?)?.into_iter().map(|view| view.name).collect())
        }
        (false, false) => act.names.iter().map(|name| parse_name(name)).collect(),
        (true, false) => Err(failure(FailureKind::Usage, "names and all exclude each other").into()),
        (false, true) => Err(failure(FailureKind::Usage, "name a service, or ask for all").into()),
    }
}

fn parse_name(text: &str) -> Result<ServiceName, Problem> {
    ServiceName::new(text).map_err(|error| failure(FailureKind::Usage, error.to_string()).into())
}

fn parse_act(body: &[u8]) -> Result<Act, Problem> {
    parse_body(body)
}

/// An empty body means the defaults.
fn parse_body<T: Default + serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        failure(FailureKind::Usage, format!("the request's body cannot be read: {error}")).into()
    })
}
