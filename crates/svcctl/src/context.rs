//! Where a command works: the scope's places, and the client of its daemon.

use crate::args::{PlaceArgs, ScopeName};
use crate::error::{CliError, failure};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use svcctl_os::lock::{COMMANDS_END_WITHIN, Holder, Lock, LockError};
use svcctl_os::paths::{Paths, Scope};
use svckit::control::client::{Client, ClientError};
use svckit::control::types::{Failure, FailureKind};
use tokio::time::{Instant, sleep};

/// The engine that has the installed services.
pub(crate) const DAEMON: &str = "daemon";
/// What the id of an engine of `svcctl run` begins with; the service's name follows.
pub(crate) const RUN_PREFIX: &str = "run-";

/// What the daemon calls itself in its lock.
pub(crate) const THE_DAEMON: &str = "the daemon";
/// How long an engine may be away before a question to it fails, where only its owner may know whether it is there.
const AWAY_AT_MOST: Duration = Duration::from_secs(1);
/// The pause between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(10);

/// One command's surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Where everything is.
    pub(crate) paths: Paths,
    /// Whose services these are.
    pub(crate) scope: Scope,
    root: Option<PathBuf>,
}

impl Context {
    /// Finds the places that `place`, the environment and the privileges name.
    pub(crate) fn new(place: &PlaceArgs) -> Result<Self, CliError> {
        let from_environment =
            || std::env::var_os("SVCCTL_ROOT").filter(|root| !root.is_empty()).map(PathBuf::from);
        let root = place.root.clone().or_else(from_environment);
        let root = root
            .as_deref()
            .map(std::path::absolute)
            .transpose()
            .map_err(|error| failure(FailureKind::Usage, format!("--root needs a directory: {error}")))?;
        let scope = match place.scope {
            Some(ScopeName::System) => Scope::System,
            Some(ScopeName::User) => Scope::User,
            None => Scope::default_by_privilege(),
        };
        let paths = Paths::resolve(scope, root.as_deref()).map_err(|error| {
            failure(FailureKind::Failed, format!("cannot {error}; give a directory with --root"))
        })?;
        Ok(Self { paths, scope, root })
    }

    /// Makes the directories that are not there.
    pub(crate) fn ensure(&self) -> Result<(), CliError> {
        self.paths.ensure().map_err(|error| {
            failure(
                FailureKind::Failed,
                format!("cannot {error}; give another place with --root, or try it as root"),
            )
        })
    }

    /// The client of the engine `id`.
    pub(crate) fn client(&self, id: &str) -> Client {
        Client::new(&self.paths.engine_socket(id))
    }

    /// The client of the daemon.
    pub(crate) fn daemon(&self) -> Client {
        self.client(DAEMON)
    }

    /// The daemon's process, as far as its lock tells: none if no daemon runs, or if this user may not know.
    pub(crate) fn daemon_holder(&self) -> Option<Holder> {
        // A lock that cannot be read says nothing of a daemon.
        let holder = Lock::holder(&self.paths.daemon_lock()).ok().flatten();
        holder.filter(|holder| holder.what == THE_DAEMON)
    }

    /// Whether a daemon may be there, even if it does not answer: its lock says so, or says nothing to this user.
    pub(crate) fn daemon_may_be_there(&self) -> bool {
        self.is_kept_from_the_lock() || self.daemon_holder().is_some()
    }

    /// Whether the lock is another user's, who alone can tell whether a daemon runs.
    fn is_kept_from_the_lock(&self) -> bool {
        matches!(Lock::holder(&self.paths.daemon_lock()), Err(LockError::Denied { .. }))
    }

    /// Asks the daemon, and asks again while it is there but its engine is not: engines are replaced in milliseconds,
    /// and nobody should have to know.
    pub(crate) async fn ask_daemon<T>(
        &self,
        question: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let daemon = self.client(DAEMON);
        let begun = Instant::now();
        loop {
            match question(&daemon).await {
                Err(ClientError::NoDaemon { .. }) if begun.elapsed() < self.daemon_away_at_most() => {
                    // real delay: a socket that nobody listens on tells nothing when that changes.
                    sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    /// How long it is worth waiting for the daemon's engine: one that is just beginning waits itself for commands.
    fn daemon_away_at_most(&self) -> Duration {
        if self.daemon_holder().is_some() {
            COMMANDS_END_WITHIN
        } else if self.is_kept_from_the_lock() {
            AWAY_AT_MOST
        } else {
            Duration::ZERO
        }
    }

    /// Does `work` on the store, which nobody else has as long as no daemon runs; none if one began meanwhile: it is
    /// to be asked.
    ///
    /// # Errors
    /// As those of `work`, and that a daemon is there whose engine does not answer.
    pub(crate) fn on_store<T>(
        &self,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<Option<T>, CliError> {
        if self.is_kept_from_the_lock() {
            return Err(self.no_daemon());
        }
        match work() {
            Err(failure) if failure.kind == FailureKind::Conflict && self.daemon_holder().is_some() => {
                Ok(None)
            }
            result => Ok(Some(result?)),
        }
    }

    /// The failure that no engine answers, with what is known and what to do.
    pub(crate) fn no_daemon(&self) -> CliError {
        let message = match self.daemon_holder().and_then(|holder| holder.pid) {
            Some(pid) => format!(
                "no engine answers; pid {pid} keeps the services; take them up with: svcctl daemon --background"
            ),
            None if self.is_kept_from_the_lock() => {
                "no engine answers, and whether a daemon runs is for another user to know; try it as that user, such as root"
                    .to_owned()
            }
            None => "no daemon runs; start it with: svcctl daemon --background".to_owned(),
        };
        failure(FailureKind::NoDaemon, message)
    }

    /// Why the daemon could not be asked; that it is there and does not answer is said with the remedy.
    pub(crate) fn unanswered(&self, error: ClientError) -> CliError {
        match error {
            ClientError::NoDaemon { .. } => self.no_daemon(),
            error => error.into(),
        }
    }

    /// The arguments that lead another svcctl to the same places.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let scope = match self.scope {
            Scope::System => "system",
            Scope::User => "user",
        };
        let mut arguments: Vec<OsString> = vec!["--scope".into(), scope.into()];
        if let Some(root) = &self.root {
            arguments.extend(["--root".into(), root.clone().into_os_string()]);
        }
        arguments
    }
}

/// Runs the asynchronous part of a command on this thread; the error is that this cannot be done.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| failure(FailureKind::Failed, format!("cannot start the client: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(result)
}
