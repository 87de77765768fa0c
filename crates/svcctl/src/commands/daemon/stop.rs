//! `svcctl daemon stop`: the end of the daemon, with its services or without.

use crate::args::DaemonStopArgs;
use crate::context::{Context, THE_DAEMON, block_on};
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::output;
use std::path::Path;
use std::time::Duration;
use svcctl_core::spec::model::Signal;
use svcctl_os::lock::{Lock, LockError};
use svckit::control::client::ClientError;
use svckit::control::types::{FailureKind, StopDaemon};

/// How long the services have when nobody says otherwise; as long as the engine gives them.
const SERVICES_END_WITHIN: Duration = Duration::from_secs(90);
/// How much longer than its services the daemon may take.
const DAEMON_ENDS_WITHIN: Duration = Duration::from_secs(15);

pub(super) fn run(context: &Context, args: &DaemonStopArgs) -> Result<u8, CliError> {
    let how = StopDaemon {
        keep_services: args.keep_services,
        timeout_ms: args.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    };
    let limit = args.timeout.unwrap_or(SERVICES_END_WITHIN).saturating_add(DAEMON_ENDS_WITHIN);
    match block_on(ask(context, &how))? {
        Ok(()) => {}
        Err(error) if error.is_absence() || error.kind() == FailureKind::TimedOut => {
            ask_by_signal(context, args.keep_services, error)?;
        }
        Err(error) => return Err(error.into()),
    }
    let text = if args.keep_services {
        "the engine has ended; its services go on running; take them up with: svcctl daemon --background"
    } else {
        wait_for_the_end(&context.paths.daemon_lock(), limit)?;
        "the daemon and its services have ended"
    };
    output::answer(
        args.output.output,
        &Stopped { stopped: true, kept_services: args.keep_services },
        || format!("{text}\n"),
    )?;
    Ok(exit_code::DONE)
}

/// What is printed for programs.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Stopped {
    /// Always true: what was not stopped is a failure.
    stopped: bool,
    /// Whether its services go on running.
    kept_services: bool,
}

/// Asks by the API, and with `keep_services` waits for the engine's end; otherwise the lock tells it.
async fn ask(context: &Context, how: &StopDaemon) -> Result<(), ClientError> {
    let daemon = context.daemon();
    let presence = daemon.presence().await?;
    daemon.stop_daemon(how).await?;
    if how.keep_services {
        presence.ended(DAEMON_ENDS_WITHIN).await?;
    }
    Ok(())
}

/// Asks the keeper, whose engine does not answer.
fn ask_by_signal(context: &Context, keep_services: bool, error: ClientError) -> Result<(), CliError> {
    let found = Lock::holder(&context.paths.daemon_lock()).map_err(|error| unknown(&error))?;
    let Some(found) = found.filter(|holder| holder.what == THE_DAEMON) else {
        return Err(failure(FailureKind::NoDaemon, "no daemon runs"));
    };
    if keep_services {
        return Err(error.into());
    }
    // A keeper stops everything then, and ends.
    found.signal(Signal::Term).map_err(|error| {
        failure(FailureKind::Failed, format!("{found}, does not answer, and cannot be ended: {error}"))
    })
}

/// Waits until nobody holds the lock.
fn wait_for_the_end(lock: &Path, limit: Duration) -> Result<(), CliError> {
    if Lock::wait_until_free(lock, limit).map_err(|error| unknown(&error))? {
        return Ok(());
    }
    let message =
        format!("the daemon is still ending after {} s; see: svcctl daemon status", limit.as_secs());
    Err(failure(FailureKind::TimedOut, message))
}

/// Nobody can tell who holds the lock.
fn unknown(error: &LockError) -> CliError {
    let kind = match error {
        LockError::Denied { .. } => FailureKind::Denied,
        LockError::Unsupported(_) => FailureKind::Unsupported,
        LockError::Held(_) | LockError::File { .. } => FailureKind::Failed,
    };
    failure(kind, format!("cannot tell whether the daemon runs: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_schema_is_published() {
        output::published::is_current::<Stopped>("daemon-stop");
    }

    #[test]
    fn the_end_is_the_free_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.lock");
        wait_for_the_end(&path, Duration::from_mins(1)).unwrap();
        let lock = Lock::acquire(&path, "a test").unwrap();
        let error = wait_for_the_end(&path, Duration::from_millis(1)).unwrap_err();
        assert!(error.to_string().starts_with("the daemon is still ending"), "{error}");
        drop(lock);
        wait_for_the_end(&path, Duration::from_mins(1)).unwrap();
    }
}
