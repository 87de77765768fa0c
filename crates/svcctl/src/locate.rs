//! Which engine has a service: the daemon, an engine of `svcctl run`, or none, and then the store knows it.

use crate::context::{Context, RUN_PREFIX};
use crate::error::{CliError, failure};
use svcctl_core::ident::ServiceName;
use svckit::control::client::Client;
use svckit::control::types::{FailureKind, Service};

/// How many engines of `svcctl run` are asked for a list.
const RUN_ENGINES_MAX: usize = 1_000;

/// A service, and who has it.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// Its state.
    pub(crate) service: Service,
    /// Its engine; none when it stands in the store alone.
    pub(crate) client: Option<Client>,
}

/// Finds one service. The daemon is asked first, since that is where services usually are.
pub(crate) async fn service(context: &Context, name: &ServiceName) -> Result<Located, CliError> {
    let unknown = match context.ask_daemon(async |daemon| daemon.service(name).await).await {
        Ok(service) => return Ok(Located { service, client: Some(context.daemon()) }),
        Err(error) if error.kind() == FailureKind::NoSuchService => CliError::from(error),
        Err(error) if error.is_absence() => match stored(context, name) {
            Err(error) if daemon_came(context, &error) => {
                let service = context.ask_daemon(async |daemon| daemon.service(name).await).await?;
                return Ok(Located { service, client: Some(context.daemon()) });
            }
            Err(error) => return Err(error),
            Ok(Ok(service)) => return Ok(Located { service, client: None }),
            Ok(Err(unknown)) => unknown,
        },
        Err(error) => return Err(error.into()),
    };
    let run = context.client(&format!("{RUN_PREFIX}{name}"));
    match run.service(name).await {
        Ok(service) => Ok(Located { service, client: Some(run) }),
        Err(error) if error.is_absence() || error.kind() == FailureKind::NoSuchService => Err(unknown),
        Err(error) => Err(error.into()),
    }
}

/// One service of the store; the inner error says that there is no such service.
fn stored(context: &Context, name: &ServiceName) -> Result<Result<Service, CliError>, CliError> {
    if context.daemon_may_be_there() {
        return Err(context.no_daemon());
    }
    let found = svcctl_engine::offline::show(&context.paths, Some(name.clone()));
    match found.map(|services| services.into_iter().next()) {
        Ok(Some(service)) => Ok(Ok(service)),
        Ok(None) => Ok(Err(failure(
            FailureKind::NoSuchService,
            format!("there is no service {name}; see: svcctl list"),
        ))),
        Err(unknown) if unknown.kind == FailureKind::NoSuchService => Ok(Err(unknown.into())),
        Err(error) => Err(error.into()),
    }
}

/// Whether the store could not be looked into because a daemon began after it was not found.
fn daemon_came(context: &Context, error: &CliError) -> bool {
    let is_held = matches!(error, CliError::Failure(failure) if failure.kind == FailureKind::Conflict);
    is_held && context.daemon_holder().is_some()
}

fn stored_all(context: &Context) -> Result<Vec<Service>, CliError> {
    if context.daemon_may_be_there() {
        return Err(context.no_daemon());
    }
    Ok(svcctl_engine::offline::show(&context.paths, None)?)
}

/// All services that there are, ordered by name.
pub(crate) async fn all(context: &Context) -> Result<Vec<Service>, CliError> {
    let mut services = match context.ask_daemon(async |daemon| daemon.services().await).await {
        Ok(services) => services.services,
        Err(error) if error.is_absence() => match stored_all(context) {
            Err(error) if daemon_came(context, &error) => {
                context.ask_daemon(async |daemon| daemon.services().await).await?.services
            }
            stored => stored?,
        },
        Err(error) => return Err(error.into()),
    };
    for id in run_engines(context) {
        match context.client(&id).services().await {
            Ok(more) => services.extend(more.services),
            // It ended meanwhile, or a killed one left its socket.
            Err(error) if error.is_absence() => {}
            Err(error) => return Err(error.into()),
        }
    }
    services.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(services)
}

/// The ids of the engines of `svcctl run`.
fn run_engines(context: &Context) -> Vec<String> {
    // No directory means that none ever ran here.
    let Ok(entries) = std::fs::read_dir(context.paths.engines()) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| Some(name.strip_suffix(".sock")?.to_owned()))
        .filter(|id| id.starts_with(RUN_PREFIX))
        .take(RUN_ENGINES_MAX)
        .collect()
}

/// The engine of `svcctl run` that has `name`, if one runs.
pub(crate) async fn run_engine_of(context: &Context, name: &ServiceName) -> Option<Client> {
    let client = context.client(&format!("{RUN_PREFIX}{name}"));
    // Most often there is no such socket, and that is known without a connection.
    (client.socket().exists() && client.live().await.is_ok()).then_some(client)
}
