//! The vocabulary of the API, version 1: JSON bodies of requests and answers. See `docs/PROTOCOL.md`.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/version` | | [`Version`] |
//! | `GET /v1/services` | | [`Services`] |
//! | `GET /v1/services/{name}` | | [`Service`] |
//! | `PUT /v1/services/{name}?update=true` | the specification as a JSON document | [`Outcome`] |
//! | `DELETE /v1/services/{name}` | [`Act`] (optional) | [`Outcome`] |
//! | `POST /v1/services/{name}/{start\|stop\|restart\|reset}` | [`Act`] (optional) | [`Outcome`] |
//! | `POST /v1/actions/{start\|stop\|restart\|reset\|uninstall}` | [`Act`] with `names` or `all` | [`Outcome`] |
//! | `GET /v1/services/{name}/logs?lines=N&follow=true&after=CURSOR` | | NDJSON of records; with `follow`, server-sent events with `id: CURSOR` and `data: RECORD` |
//! | `POST /v1/daemon/stop` | [`StopDaemon`] | [`Outcome`] |
//! | `GET /health/live`, `/health/ready` | | 200 or 503 |
//!
//! An answer that is not 2xx has a [`Failure`] as its body.

use serde::{Deserialize, Serialize};
use svcctl_core::spec::Problem;

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// svcctl's version.
    pub version: String,
    /// The API's versions that it speaks.
    pub api: Vec<u32>,
    /// Which engine: `daemon`, or `run-NAME`.
    pub engine: String,
    /// The daemon's process (the keeper, where there is one).
    pub pid: u32,
    /// The engine's process.
    pub engine_pid: u32,
    /// How many engines there have been under this keeper, this one included.
    pub engine_number: u64,
    /// When this engine began (RFC 3339).
    pub since: String,
    /// Whether it only supervises, because engines died in quick succession.
    pub recovery: bool,
    /// How many services it has.
    pub services: usize,
}

/// All services of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// Ordered by name.
    pub services: Vec<Service>,
}

/// One service at one moment. `state` is the word for people; `phase` tells its kinds of STARTING apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its name for people, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `STARTING`, `RUNNING`, `STOPPING`, `ERROR`, `STOPPED` or `COMPLETED`.
    pub state: String,
    /// `waiting`, `starting`, `backoff`, `running`, `stopping`, `failed`, `stopped` or `completed`.
    pub phase: String,
    /// Why it is in this phase.
    pub why: String,
    /// `up` or `down`.
    pub desired: String,
    /// Whether it is ready (dependants may start).
    pub ready: bool,
    /// Since when it is in this phase (RFC 3339, UTC).
    pub since: String,
    /// The main process; null when there is none.
    pub pid: Option<u32>,
    /// When that process was started (RFC 3339, UTC).
    pub started: Option<String>,
    /// Restarts since the last start by command.
    pub restarts: u32,
    /// How the last process ended; null when none has.
    pub last_exit: Option<LastExit>,
    /// Why there is no process, when the last attempt to make one failed.
    pub last_spawn_error: Option<String>,
    /// What the readiness probe said, while it is not ready.
    pub last_probe_error: Option<String>,
    /// When the next attempt is due, in milliseconds from now.
    pub next_attempt_ms: Option<u64>,
    /// What it waits for, each a sentence fragment such as `redis is not ready`.
    pub waiting_for: Vec<String>,
    /// Processes that could not be ended.
    pub stuck: Vec<u32>,
    /// Who runs it: `embedded`.
    pub manager: String,
    /// Which engine: `daemon`, or `run-NAME`; null when none runs.
    pub engine: Option<String>,
    /// The accepted revision of the specification.
    pub revision: u64,
    /// Whether the process runs an older revision (a restart brings the accepted one).
    pub outdated: bool,
    /// Whether the file in services/ differs from the accepted revision.
    pub pending: bool,
    /// The accepted specification, as a document.
    pub spec: serde_json::Value,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// `exited with code 1`, `killed by SIGKILL`, `ended unseen`.
    pub text: String,
    /// The exit code, if it ended by exit.
    pub code: Option<i32>,
    /// The signal's number, if it was killed by one.
    pub signal: Option<i32>,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// What is to be done, and how.
#[expect(clippy::struct_excessive_bools, reason = "the fields of a JSON body, each an option of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// The services (for `/v1/actions/…`).
    pub names: Vec<String>,
    /// All services instead.
    pub all: bool,
    /// Answer as soon as the intent is durable.
    pub no_wait: bool,
    /// Answer with 504 after this long, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Stop and uninstall: stop running dependants first.
    pub with_dependants: bool,
    /// Stop and uninstall: leave running dependants as they are.
    pub force: bool,
}

/// How the daemon is to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopDaemon {
    /// Leave the services running, for the next daemon.
    pub keep_services: bool,
    /// Kill what is left after this long, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// One entry for each service concerned.
    pub services: Vec<Done>,
}

/// What was done for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub name: String,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// Whether it was taken along rather than named.
    pub taken_along: bool,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind; decides the exit code.
    pub kind: FailureKind,
    /// A sentence: what, where, why and what to do.
    pub message: String,
    /// All problems, where a specification is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// Kinds of failure, with the exit code and HTTP status of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It was tried and failed: exit 1, HTTP 502.
    Failed,
    /// The request makes no sense: exit 2, HTTP 400.
    Usage,
    /// No such service: exit 4, HTTP 404.
    NoSuchService,
    /// The role does not allow it: exit 5, HTTP 403.
    Denied,
    /// The time was over: exit 6, HTTP 504.
    TimedOut,
    /// Not supported by this manager or system: exit 7, HTTP 501.
    Unsupported,
    /// Something else is there, or depends on it: exit 8, HTTP 409.
    Conflict,
    /// The specification is wrong: exit 9, HTTP 422.
    Invalid,
    /// No daemon, or it is ending: exit 10, HTTP 503.
    NoDaemon,
}

impl FailureKind {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoSuchService => 4,
            Self::Denied => 5,
            Self::TimedOut => 6,
            Self::Unsupported => 7,
            Self::Conflict => 8,
            Self::Invalid => 9,
            Self::NoDaemon => 10,
        }
    }

    /// The HTTP status of the API.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Failed => 502,
            Self::Usage => 400,
            Self::NoSuchService => 404,
            Self::Denied => 403,
            Self::TimedOut => 504,
            Self::Unsupported => 501,
            Self::Conflict => 409,
            Self::Invalid => 422,
            Self::NoDaemon => 503,
        }
    }
}
