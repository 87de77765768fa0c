//! The beginning of a keeper: in this process, or behind it.

use crate::context::{Context, THE_DAEMON, block_on};
use crate::error::{CliError, failure};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use svcctl_core::spec::model::Signal;
use svcctl_keeper::{Containment, KeeperConfig};
use svcctl_os::background::{self, Detached, Reporter, Verdict};
use svcctl_os::lock::{COMMANDS_END_WITHIN, Holder, Lock, LockError};
use svckit::control::client::ClientError;
use svckit::control::types::FailureKind;
use tokio::time::{Instant, sleep};

/// How long a daemon that is just beginning may take to answer.
const BEGINS_WITHIN: Duration = Duration::from_millis(500);
/// How long a keeper without an engine may take to have one that answers.
const WAKES_WITHIN: Duration = Duration::from_secs(10);
/// The pause between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(10);

/// A keeper to be.
#[derive(Debug)]
pub(in crate::commands) struct Launch {
    /// The engine's arguments.
    pub(in crate::commands) engine_args: Vec<OsString>,
    /// The directory that is the keeper's own.
    pub(in crate::commands) run_dir: PathBuf,
    /// The lock that keeps a second one away.
    pub(in crate::commands) lock: PathBuf,
    /// What it calls itself there.
    pub(in crate::commands) who: String,
}

/// Is the keeper, in front, until it ends; gives its exit code.
pub(in crate::commands) fn launch(context: &Context, launch: Launch) -> Result<u8, CliError> {
    context.ensure()?;
    let lock = lock(&launch).map_err(refused)?;
    Ok(keep(launch, lock, None))
}

/// Starts the keeper behind this process, and gives word once it serves.
///
/// The process behind comes back here too: as [`CliError::Ended`], with what was its keeper's exit code.
pub(in crate::commands) fn launch_behind(context: &Context, launch: Launch) -> Result<(), CliError> {
    context.ensure()?;
    let holder = Lock::holder(&launch.lock).map_err(refused)?;
    if let Some(holder) = holder.filter(|holder| !holder.is_passing()) {
        return Err(refused(LockError::Held(holder)));
    }
    let detached = background::detach(Some(&context.paths.own_log()))
        .map_err(|error| failure(FailureKind::Failed, format!("cannot {error}")))?;
    match detached {
        Detached::Foreground(Verdict::Ok) => Ok(()),
        Detached::Foreground(Verdict::Failed { exit_code, message }) => {
            Err(CliError::Behind { exit_code, message })
        }
        Detached::Background(reporter) => Err(CliError::Ended(behind(launch, reporter))),
    }
}

/// The life of the process behind.
fn behind(launch: Launch, reporter: Reporter) -> u8 {
    // Only here is the pid known that the lock is to name.
    match lock(&launch).map_err(refused) {
        Ok(lock) => keep(launch, lock, Some(reporter)),
        Err(error) => {
            let exit_code = error.exit_code();
            reporter.fail(exit_code, &error.to_string());
            exit_code
        }
    }
}

/// Takes the lock, once commands that work on the store are done with theirs.
fn lock(launch: &Launch) -> Result<Lock, LockError> {
    Lock::acquire_within(&launch.lock, &launch.who, COMMANDS_END_WITHIN)
}

fn keep(launch: Launch, lock: Lock, reporter: Option<Reporter>) -> u8 {
    svcctl_keeper::run(KeeperConfig {
        engine_args: launch.engine_args,
        run_dir: launch.run_dir,
        lock: Some(lock),
        reporter,
        // In front these are the person's, behind they are the daemon's log.
        inherit_stdio: true,
        containment: Containment::Auto,
    })
}

fn refused(error: LockError) -> CliError {
    match error {
        LockError::Held(holder) if holder.what == THE_DAEMON => {
            failure(FailureKind::Conflict, format!("{holder}; see: svcctl daemon status"))
        }
        LockError::Held(holder) => failure(FailureKind::Conflict, format!("{holder}; see: svcctl list")),
        error @ LockError::Denied { .. } => failure(
            FailureKind::Denied,
            format!("cannot {error}; try it as the user whose it is, such as root"),
        ),
        error @ LockError::File { .. } => failure(FailureKind::Failed, format!("cannot {error}")),
        LockError::Unsupported(error) => failure(FailureKind::Unsupported, error.to_string()),
    }
}

/// A daemon that serves.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Serving {
    /// Its pid where it is known.
    pub(in crate::commands) pid: Option<u32>,
    /// Whether it was begun here; else it was there, at least its keeper.
    pub(in crate::commands) begun_here: bool,
}

/// Sees to it that the daemon serves: starts it, or wakes the keeper that `daemon stop --keep-services` left.
pub(in crate::commands) fn start_in_background(context: &Context) -> Result<Serving, CliError> {
    let holder = Lock::holder(&context.paths.daemon_lock()).map_err(refused)?;
    match holder.filter(|holder| !holder.is_passing()) {
        None => match launch_behind(context, super::daemon(context)) {
            Ok(()) => {
                let pid = context.daemon_holder().and_then(|holder| holder.pid);
                Ok(Serving { pid, begun_here: true })
            }
            // Another command may have started one at the same moment.
            Err(error @ CliError::Behind { .. }) => match context.daemon_holder() {
                Some(holder) => wake(context, &holder),
                None => Err(error),
            },
            Err(error) => Err(error),
        },
        Some(holder) => wake(context, &holder),
    }
}

/// The conflict with a daemon that serves.
pub(super) fn runs_already(context: &Context) -> CliError {
    let who = context
        .daemon_holder()
        .map_or_else(|| format!("{THE_DAEMON} already runs"), |holder| holder.to_string());
    failure(FailureKind::Conflict, format!("{who}; see: svcctl daemon status"))
}

/// The pid in brackets, where it is known.
pub(in crate::commands) fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (pid {pid})"))
}

/// Waits for the holder of the daemon's lock to serve; asks it for an engine if it does not by itself.
fn wake(context: &Context, holder: &Holder) -> Result<Serving, CliError> {
    let serving = Serving { pid: holder.pid, begun_here: false };
    // It may have begun a moment ago, and must not be disturbed then.
    if block_on(answers(context, BEGINS_WITHIN))??.is_some() {
        return Ok(serving);
    }
    // A keeper without an engine starts one then.
    holder.signal(Signal::Usr1).map_err(|error| {
        failure(FailureKind::Failed, format!("{holder}, does not answer, and cannot be asked to: {error}"))
    })?;
    if block_on(answers(context, WAKES_WITHIN))??.is_some() {
        return Ok(serving);
    }
    let log = context.paths.own_log();
    Err(failure(FailureKind::TimedOut, format!("{holder}, but does not answer; see {}", log.display())))
}

/// Whether the daemon answers within this time.
async fn answers(context: &Context, within: Duration) -> Result<Option<()>, ClientError> {
    let daemon = context.daemon();
    let deadline = Instant::now() + within;
    loop {
        match daemon.live().await {
            Ok(()) => return Ok(Some(())),
            Err(error) if !error.is_absence() => return Err(error),
            Err(_) if Instant::now() >= deadline => return Ok(None),
            // real delay: a socket that nobody listens on tells nothing when that changes.
            Err(_) => sleep(PAUSE).await,
        }
    }
}
