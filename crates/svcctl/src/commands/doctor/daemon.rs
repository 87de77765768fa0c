//! Whether a daemon runs, answers, and is of this version; sockets that nobody listens at.

use super::check::Check;
use crate::context::{Context, DAEMON, RUN_PREFIX, block_on};
use std::path::Path;
use std::time::Duration;
use svcctl_os::lock::{Holder, Lock, LockError};
use svckit::control::client::{Client, ClientError};
use svckit::control::types::Version;

/// How long an engine may take to say who it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// This binary's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn check(context: &Context) -> Vec<Check> {
    let socket = context.paths.engine_socket(DAEMON);
    let holder = Lock::holder(&context.paths.daemon_lock());
    let answer = ask(&context.daemon());
    let mut checks = vec![runs(holder, &answer, &socket)];
    if let Ok(version) = &answer {
        checks.push(of_this_version(version));
    }
    checks.extend(stale(context));
    checks
}

/// What an engine says; the error is a sentence fragment, or nothing where nobody listens.
fn ask(client: &Client) -> Result<Version, Option<String>> {
    let asked = block_on(async { tokio::time::timeout(ANSWER_WITHIN, client.version()).await });
    match asked {
        Ok(Ok(Ok(version))) => Ok(version),
        Ok(Ok(Err(ClientError::NoDaemon { .. }))) => Err(None),
        Ok(Ok(Err(error))) => Err(Some(error.to_string())),
        Ok(Err(_elapsed)) => {
            Err(Some(format!("hear from the daemon: no answer within {} s", ANSWER_WITHIN.as_secs())))
        }
        Err(error) => Err(Some(error.to_string())),
    }
}

fn runs(
    holder: Result<Option<Holder>, LockError>,
    answer: &Result<Version, Option<String>>,
    socket: &Path,
) -> Check {
    const ID: &str = "daemon.answers";
    let begin = "take it up with: svcctl daemon --background";
    let named = match &holder {
        Ok(Some(holder)) => holder.pid.map_or_else(String::new, |pid| format!(" (pid {pid})")),
        Ok(None) | Err(_) => String::new(),
    };
    match (answer, holder) {
        (Ok(version), _) if version.recovery => Check::warning(
            ID,
            "its engines died in quick succession, and it takes no changes for a minute",
            "see what they said: svcctl's own log",
        ),
        (Ok(version), _) => Check::ok(ID, format!("it runs as pid {}", version.pid)),
        (Err(Some(why)), _) => {
            Check::problem(ID, format!("a daemon is there{named}, but cannot {why}"), begin)
        }
        (Err(None), Ok(Some(holder))) if !holder.is_passing() => {
            Check::problem(ID, format!("a keeper is there{named}, but no engine answers"), begin)
        }
        (Err(None), Err(LockError::Denied { .. })) => Check::warning(
            ID,
            "none answers, and whether one runs is for another user to know",
            "ask as that user, such as root",
        ),
        (Err(None), _) if socket.exists() => Check::warning(
            ID,
            format!("none runs, and one that was killed left its socket {}", socket.display()),
            "start it, which replaces the socket: svcctl daemon --background",
        ),
        (Err(None), _) => Check::ok(ID, "none runs; svcctl start starts it"),
    }
}

fn of_this_version(version: &Version) -> Check {
    const ID: &str = "daemon.version";
    if version.version == VERSION {
        Check::ok(ID, VERSION)
    } else {
        Check::warning(
            ID,
            format!("the daemon is svcctl {}, and this is {VERSION}", version.version),
            "restart it when its services may stop: svcctl daemon stop && svcctl daemon --background",
        )
    }
}

/// Sockets of `svcctl run` at which nobody listens.
fn stale(context: &Context) -> Vec<Check> {
    let Ok(entries) = std::fs::read_dir(context.paths.engines()) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let ids = names.filter_map(|name| Some(name.strip_suffix(".sock")?.to_owned()));
    let dead = ids.filter(|id| id.starts_with(RUN_PREFIX) && ask(&context.client(id)) == Err(None));
    dead.map(|id| {
        let path = context.paths.engine_socket(&id);
        Check::warning(
            "daemon.sockets",
            format!("a killed svcctl run left its socket {}", path.display()),
            format!("rm {}", path.display()),
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    fn version(text: &str) -> Version {
        Version {
            version: text.to_owned(),
            api: vec![1],
            engine: "daemon".to_owned(),
            pid: 10,
            engine_pid: 11,
            engine_number: 1,
            since: String::new(),
            recovery: false,
            services: 1,
        }
    }

    #[test]
    fn a_daemon_is_there_or_was_or_is_half_there() {
        let holder = || Ok(Some(Holder { what: "the daemon".to_owned(), pid: Some(7), start: Some(1) }));
        let nowhere = Path::new("/nowhere/daemon.sock");
        let judged = |holder, answer, socket: &Path| runs(holder, &answer, socket).verdict;
        assert_eq!(judged(holder(), Ok(version(VERSION)), nowhere), Verdict::Ok);
        assert_eq!(judged(Ok(None), Err(None), nowhere), Verdict::Ok);
        assert_eq!(judged(Ok(None), Err(None), Path::new("/")), Verdict::Warning);
        assert_eq!(judged(holder(), Err(None), nowhere), Verdict::Problem);
        assert_eq!(judged(holder(), Err(Some("hear".to_owned())), nowhere), Verdict::Problem);
        assert_eq!(of_this_version(&version("0.0.1")).verdict, Verdict::Warning);
    }
}
