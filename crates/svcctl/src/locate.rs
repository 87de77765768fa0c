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
            Err(error) => return Err(error),
            Ok(None) => {
                let asked = context.ask_daemon(async |daemon| daemon.service(name).await).await;
                let service = asked.map_err(|error| context.unanswered(error))?;
                return Ok(Located { service, client: Some(context.daemon()) });
            }
            Ok(Some(Ok(service))) => return Ok(Located { service, client: None }),
            Ok(Some(Err(unknown))) => unknown,
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

/// One service of the store, or none if a daemon began; the inner error says that there is no such service.
fn stored(context: &Context, name: &ServiceName) -> Result<Option<Result<Service, CliError>>, CliError> {
    let found =
        context.on_store(|| match svcctl_engine::offline::show(&context.paths, Some(name.clone())) {
            Err(unknown) if unknown.kind == FailureKind::NoSuchService => Ok(Err(unknown)),
            found => found.map(Ok),
        })?;
    Ok(found.map(|found| match found.map(|services| services.into_iter().next()) {
        Ok(Some(service)) => Ok(service),
        Ok(None) => {
            Err(failure(FailureKind::NoSuchService, format!("there is no service {name}; see: svcctl list")))
        }
        Err(unknown) => Err(unknown.into()),
    }))
}

/// All services that there are, ordered by name.
pub(crate) async fn all(context: &Context) -> Result<Vec<Service>, CliError> {
    let mut services = match context.ask_daemon(async |daemon| daemon.services().await).await {
        Ok(services) => services.services,
        Err(error) if error.is_absence() => {
            let stored = context.on_store(|| svcctl_engine::offline::show(&context.paths, None))?;
            if let Some(stored) = stored {
                stored
            } else {
                let asked = context.ask_daemon(async |daemon| daemon.services().await).await;
                asked.map_err(|error| context.unanswered(error))?.services
            }
        }
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
