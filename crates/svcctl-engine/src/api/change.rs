//! The routes that change one service or several: installs, verbs, the end of the daemon.

use super::query::Query;
use super::server::Caller;
use super::{Api, Problem};
use crate::answer::{self, failure};
use crate::roles::Role;
use crate::store::files;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::model::Signal;
use svcctl_core::spec::{self, ServiceSpec};
use svcctl_core::supervisor::event::{Command, Dependants, Request, Source};
use svcctl_os::clock;
use svckit::config::DocumentFormat;
use svckit::control::types::{Act, Document, Failure, FailureKind, Install, Outcome, StopDaemon, Verb};

/// How long a command waits for its services when nobody says: one that is abandoned is not kept for ever.
const WAIT_DEFAULT: Duration = Duration::from_mins(10);

type Shared = State<Arc<Api>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct InstallQuery {
    update: bool,
    dry_run: bool,
}

/// `PUT /v1/services/{name}`
pub(super) async fn install(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(query): Query<InstallQuery>,
    Json(body): Json<serde_json::Value>,
) -> Result<Json<Outcome>, Problem> {
    api.admit(caller.role, Role::Admin, !query.dry_run)?;
    let name = parse_name(&name)?;
    let (spec, source) = specification(&install_of(body)?)?;
    if spec.name != name {
        let why = format!("the specification is of {}, and the request of {name}", spec.name);
        return Err(failure(FailureKind::Usage, why).into());
    }
    crate::names::require_free(&api.paths, &spec.name)?;
    let command = Command::Install { spec, source, update: query.update };
    let outcome = answer::outcome(api.decide(command, query.dry_run).await?)?;
    record(&api, caller, "install", &outcome, query.dry_run);
    Ok(Json(outcome))
}

/// A body with a `document` is an [`Install`]; any other is the document itself, which has no such key.
fn install_of(body: serde_json::Value) -> Result<Install, Problem> {
    if body.get("document").is_none() {
        return Ok(Install { document: body, source: None });
    }
    serde_json::from_value(body).map_err(|error| {
        failure(FailureKind::Usage, format!("the request's body cannot be read: {error}")).into()
    })
}

/// The specification of an install, and the text to be kept.
pub(super) fn specification(install: &Install) -> Result<(Arc<ServiceSpec>, Option<Source>), Problem> {
    let spec = spec::decode(&install.document).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure { kind: FailureKind::Invalid, message: told.join("; "), problems }
    })?;
    let source = install.source.as_ref().map(|text| source_of(text, &spec)).transpose()?;
    Ok((Arc::new(spec), source))
}

/// The text must mean what the document says: it is what people will read as the accepted specification.
fn source_of(text: &Document, spec: &ServiceSpec) -> Result<Source, Problem> {
    let format = DocumentFormat::ALL.into_iter().find(|format| format.extension() == text.format);
    let Some(format) = format else {
        let why = format!("source.format must be yaml, json or toml, and is {:?}", text.format);
        return Err(failure(FailureKind::Usage, why).into());
    };
    let file = text.file.as_deref().unwrap_or("the source");
    match files::parse(&text.text, format) {
        Ok((_, meant)) if meant == *spec => {
            Ok(Source { text: Arc::from(text.text.as_str()), ending: format.extension() })
        }
        Ok(_) => {
            let why =
                format!("{file} means something else than the document of {}; give the same", spec.name);
            Err(failure(FailureKind::Invalid, why).into())
        }
        Err(problems) => {
            let told: Vec<String> =
                problems.iter().map(|problem| format!("{file}:{}", files::told(problem))).collect();
            Err(failure(FailureKind::Invalid, told.join("; ")).into())
        }
    }
}

/// `DELETE /v1/services/{name}`
pub(super) async fn uninstall(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    let mut act: Act = parse_body(&body)?;
    act.names = vec![name];
    perform(&api, caller, Verb::Uninstall, act).await
}

/// `POST /v1/services/{name}/{verb}`
pub(super) async fn act_on_one(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path((name, verb)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    let mut act: Act = parse_body(&body)?;
    act.names = vec![name];
    perform(&api, caller, parse_verb(&verb)?, act).await
}

/// `POST /v1/actions/{verb}`
pub(super) async fn act(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Path(verb): Path<String>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    perform(&api, caller, parse_verb(&verb)?, parse_body(&body)?).await
}

/// `POST /v1/daemon/stop`
pub(super) async fn stop_daemon(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    api.admit(caller.role, Role::Admin, false)?;
    let stop: StopDaemon = parse_body(&body)?;
    api.events.command(None, "stop of the daemon", caller.told());
    // One that ends already needs no second word.
    drop(api.ending.try_send(stop));
    Ok(Json(Outcome::default()))
}

fn needed(verb: Verb) -> Role {
    match verb {
        Verb::Start
        | Verb::Stop
        | Verb::Restart
        | Verb::Reload
        | Verb::Reset
        | Verb::Hold
        | Verb::Unhold
        | Verb::Signal => Role::Operator,
        Verb::Enable | Verb::Disable | Verb::Uninstall => Role::Admin,
    }
}

/// What the core is asked for. Fields that mean nothing for the verb are refused, so that nothing is silently ignored.
pub(super) fn command(verb: Verb, act: &Act, request: Request) -> Result<Command, Problem> {
    let usage = |why: &str| Problem::from(failure(FailureKind::Usage, why));
    if act.once && verb != Verb::Start {
        return Err(usage("once is for start only"));
    }
    if act.signal.is_some() && verb != Verb::Signal {
        return Err(usage("signal is for the action signal only"));
    }
    if act.reason.is_some() && verb != Verb::Hold {
        return Err(usage("reason is for hold only"));
    }
    Ok(match verb {
        Verb::Start if act.once => Command::StartOnce(request),
        Verb::Start => Command::Start(request),
        Verb::Stop => Command::Stop(request),
        Verb::Restart => Command::Restart(request),
        Verb::Reload => Command::Reload(request),
        Verb::Reset => Command::Reset(request),
        Verb::Hold => Command::Hold(request, act.reason.clone().unwrap_or_default()),
        Verb::Unhold => Command::Unhold(request),
        Verb::Enable => Command::Enable(request, true),
        Verb::Disable => Command::Enable(request, false),
        Verb::Uninstall => Command::Uninstall(request),
        Verb::Signal => {
            let name = act.signal.as_deref().ok_or_else(|| usage("name a signal, such as HUP"))?;
            let signal = Signal::from_name(name).ok_or_else(|| {
                usage(&format!(
                    "{name:?} is no signal that can be sent; take HUP, INT, QUIT, KILL, USR1, USR2, TERM or WINCH"
                ))
            })?;
            Command::Signal(request, signal)
        }
    })
}

async fn perform(api: &Api, caller: Caller, verb: Verb, act: Act) -> Result<Json<Outcome>, Problem> {
    // A stop and a hold are taken always: they can only calm.
    let changes = !act.dry_run && !matches!(verb, Verb::Stop | Verb::Hold);
    api.admit(caller.role, needed(verb), changes)?;
    let deadline = patience(&act).map(|time| clock::now().mono.after(time));
    let dependants = match (act.force, act.with_dependants) {
        (true, true) => {
            return Err(failure(FailureKind::Usage, "with_dependants and force exclude each other").into());
        }
        (true, false) => Dependants::Ignore,
        (false, true) => Dependants::StopToo,
        (false, false) => Dependants::Refuse,
    };
    let names = names_of(api, &act).await?;
    // What is only said would be waited for in vain.
    let no_wait = act.no_wait || act.dry_run;
    let command = command(verb, &act, Request { names: names.clone(), no_wait, deadline, dependants })?;
    if names.is_empty() {
        return Ok(Json(Outcome::default()));
    }
    let told = |what: &str| {
        for name in names.iter().filter(|_| !act.dry_run) {
            api.events.command(Some(name.as_str()), what, caller.told());
        }
    };
    // Said before what follows from it.
    told(verb.word());
    let answer = answer::outcome(api.decide(command, act.dry_run).await?);
    match &answer {
        Err(failure) if !matches!(failure.kind, FailureKind::Failed | FailureKind::TimedOut) => {
            // The message may have values of the specification, which not everybody who reads events may see.
            told(&format!("{} was refused: {}", verb.word(), reason(failure.kind)));
        }
        Ok(_) | Err(_) => {}
    }
    Ok(Json(answer?))
}

/// How long a command waits for its services; for ever when it does not wait at all.
fn patience(act: &Act) -> Option<Duration> {
    let waits = !act.no_wait && !act.dry_run;
    act.timeout_ms.map(Duration::from_millis).or(waits.then_some(WAIT_DEFAULT))
}

/// What kind of refusal it is, for events.
fn reason(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Failed => "it failed",
        FailureKind::Usage => "it makes no sense here",
        FailureKind::NoSuchService => "there is no such service",
        FailureKind::Denied => "it is not allowed",
        FailureKind::TimedOut => "the time was over",
        FailureKind::Unsupported => "it is not supported",
        FailureKind::Conflict => "something else stands against it",
        FailureKind::Invalid => "the specification is wrong",
        FailureKind::NoDaemon => "the daemon takes no changes now",
    }
}

/// Keeps who had what changed.
fn record(api: &Api, caller: Caller, what: &str, outcome: &Outcome, dry_run: bool) {
    if dry_run {
        return;
    }
    for done in outcome.services.iter().filter(|done| done.changed) {
        api.events.command(Some(&done.name), what, caller.told());
    }
}

async fn names_of(api: &Api, act: &Act) -> Result<Vec<ServiceName>, Problem> {
    match (act.all, act.names.is_empty()) {
        (true, true) => {
            let views = super::routes::views(api.ask(Command::Show(None)).await?)?;
            Ok(views.into_iter().map(|view| view.name).collect())
        }
        (false, false) => act.names.iter().map(|name| parse_name(name)).collect(),
        (true, false) => Err(failure(FailureKind::Usage, "names and all exclude each other").into()),
        (false, true) => Err(failure(FailureKind::Usage, "name a service, or ask for all").into()),
    }
}

fn parse_verb(word: &str) -> Result<Verb, Problem> {
    Verb::parse(word)
        .ok_or_else(|| failure(FailureKind::Usage, format!("there is no action {word:?}")).into())
}

pub(super) fn parse_name(text: &str) -> Result<ServiceName, Problem> {
    ServiceName::new(text).map_err(|error| failure(FailureKind::Usage, error.to_string()).into())
}

/// An empty body means the defaults.
pub(super) fn parse_body<T: Default + serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        failure(FailureKind::Usage, format!("the request's body cannot be read: {error}")).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn web(restart: &str) -> serde_json::Value {
        json!({"spec": 1, "name": "web", "exec": ["/bin/true"], "restart": {"delay": restart}})
    }

    fn install(text: &str, format: &str) -> Result<(Arc<ServiceSpec>, Option<Source>), Failure> {
        let source =
            Document { text: text.to_owned(), format: format.to_owned(), file: Some("web.yaml".to_owned()) };
        let whole = json!({"document": web("2s"), "source": source});
        specification(&install_of(whole).map_err(|problem| problem.0)?).map_err(|problem| problem.0)
    }

    #[test]
    fn a_body_is_an_install_or_the_document_itself() {
        assert_eq!(install_of(web("1s")).unwrap().document, web("1s"));
        assert_eq!(install_of(json!({"document": web("1s")})).unwrap().document, web("1s"));
        assert!(install_of(json!({"document": web("1s"), "sources": 1})).is_err());
    }

    #[test]
    fn a_source_is_kept_to_the_letter_if_it_means_the_same() {
        let text = "# mine\nspec: 1\nname: web\nexec: [/bin/true]\nrestart: {delay: 2s}\n";
        let (_, source) = install(text, "yaml").unwrap();
        assert_eq!(source, Some(Source { text: Arc::from(text), ending: "yaml" }));
        let other = install(&text.replace("2s", "3s"), "yaml").unwrap_err();
        assert!(other.message.contains("means something else"), "{other}");
        let broken = install(&text.replace("delay", "dealy"), "yaml").unwrap_err();
        assert!(broken.message.starts_with("web.yaml:5:"), "{broken}");
        assert_eq!(install(text, "ini").unwrap_err().kind, FailureKind::Usage);
    }

    #[test]
    fn a_command_that_waits_has_an_end_also_where_nobody_says_when() {
        assert_eq!(patience(&Act::default()), Some(WAIT_DEFAULT));
        let short = Act { timeout_ms: Some(5), ..Act::default() };
        assert_eq!(patience(&short), Some(Duration::from_millis(5)));
        let no_wait = Act { no_wait: true, ..Act::default() };
        assert_eq!(patience(&no_wait), None);
    }

    #[test]
    fn what_means_nothing_for_a_verb_is_refused() {
        let request =
            || Request { names: Vec::new(), no_wait: true, deadline: None, dependants: Dependants::Refuse };
        let once = Act { once: true, ..Act::default() };
        assert!(command(Verb::Stop, &once, request()).is_err());
        assert!(matches!(command(Verb::Start, &once, request()), Ok(Command::StartOnce(_))));
        let hup = Act { signal: Some("SIGHUP".to_owned()), ..Act::default() };
        assert!(matches!(command(Verb::Signal, &hup, request()), Ok(Command::Signal(_, Signal::Hup))));
        assert!(command(Verb::Signal, &Act::default(), request()).is_err());
        assert!(command(Verb::Start, &hup, request()).is_err());
    }
}
