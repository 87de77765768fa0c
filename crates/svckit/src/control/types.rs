//! The vocabulary of the API, version 1: JSON bodies of requests and answers. See `docs/PROTOCOL.md`.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/version` | | [`Version`] |
//! | `GET /v1/services` | | [`Services`] |
//! | `GET /v1/services/{name}` | | [`Service`] |
//! | `PUT /v1/services/{name}?update=true&dry_run=true` | [`Install`] (or the specification itself as a JSON document) | [`Outcome`] |
//! | `DELETE /v1/services/{name}` | [`Act`] (optional) | [`Outcome`] |
//! | `POST /v1/services/{name}/{verb}` | [`Act`] (optional) | [`Outcome`] |
//! | `POST /v1/actions/{verb}` | [`Act`] with `names` or `all` | [`Outcome`] |
//! | `GET /v1/services/{name}/processes` | | [`Processes`] |
//! | `GET /v1/services/{name}/source` | | [`Document`]: the file's text, as it stands in services/ |
//! | `GET /v1/services/{name}/logs?lines=N&follow=true&after=CURSOR` | | NDJSON of records; with `follow`, server-sent events with `id: CURSOR` and `data: RECORD` |
//! | `GET /v1/events?lines=N&follow=true&after=CURSOR&since=TIME&service=NAME` | | NDJSON of [`Event`]; with `follow`, server-sent events with `id: CURSOR` and `data: EVENT` |
//! | `POST /v1/apply` | [`Apply`] | [`Applied`] |
//! | `GET /v1/pending` | | [`Pending`]: what the files in services/ would change |
//! | `GET /v1/schema` | | the JSON Schema of a specification |
//! | `GET /v1/openapi.json` | | this table as `OpenAPI` 3.1 |
//! | `POST /v1/daemon/stop` | [`StopDaemon`] | [`Outcome`] |
//! | `GET /health/live`, `/health/ready` | | 200 or 503 |
//!
//! `{verb}` is a word of [`Verb`] (`uninstall` by `DELETE` for one service). A request that changes something may
//! carry `Operation-Id: TEXT` (1 to 64 characters of `A-Z a-z 0-9 . _ -`): a repeat with the same id gets the first
//! answer and does nothing again; with another request under the same id, 409.
//!
//! An answer that is not 2xx has a [`Failure`] as its body.

mod verb;

pub use verb::Verb;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use svcctl_core::spec::Problem;

/// The header that names an operation, so that a repeat of the request does nothing again.
pub const OPERATION_ID: &str = "operation-id";

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Services {
    /// Ordered by name.
    pub services: Vec<Service>,
}

/// One service at one moment. `state` is the word for people; `phase` tells its kinds of STARTING apart.
#[expect(clippy::struct_excessive_bools, reason = "a document of independent facts, as clients read it")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its name for people, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `STARTING`, `RUNNING`, `STOPPING`, `ERROR`, `STOPPED`, `SCHEDULED` or `COMPLETED`.
    pub state: String,
    /// `waiting`, `starting`, `backoff`, `running`, `stopping`, `failed`, `stopped`, `scheduled` or `completed`.
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
    /// Whether it starts at boot.
    pub autostart: bool,
    /// Whether it is well: `unknown`, `healthy` or `unhealthy`.
    pub health: String,
    /// Why the last health probe failed, while it is not well.
    pub health_error: Option<String>,
    /// That it is held, and why.
    pub held: Option<Held>,
    /// Its runs, if it has a schedule or a trigger.
    pub job: Option<Job>,
    /// The accepted specification, as a document.
    pub spec: serde_json::Value,
}

/// That a service is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// What the one who held it said; may be empty.
    pub reason: String,
    /// Since when (RFC 3339, UTC).
    pub since: String,
}

/// The runs of a service that has a schedule or a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// What makes it run, for people: `30 2 * * * (Europe/Prague)`, `every 5m`, `create in /in`, `exec … every 30s`.
    pub when: String,
    /// When it is due next (RFC 3339, UTC); null while it is not armed, or is not triggered by time.
    pub next: Option<String>,
    /// The last run; null when there was none.
    pub last: Option<JobRun>,
    /// How many runs there have been.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many due times were skipped, since the last run was not over.
    pub skipped: u64,
    /// How many due times passed while nobody was there.
    pub missed: u64,
    /// Whether one more run follows the one under way.
    pub queued: bool,
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRun {
    /// Why it ran: `schedule`, `missed`, `trigger` or `command`.
    pub cause: String,
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// When it ended; null while it runs.
    pub ended: Option<String>,
    /// Whether it succeeded; null while it runs.
    pub succeeded: Option<bool>,
    /// How it ended: `exited with code 1`; empty while it runs.
    pub result: String,
}

/// The processes of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Processes {
    /// The main process first, each parent before its children.
    pub processes: Vec<Process>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// How deep in the tree; the main process is 0.
    pub depth: u32,
    /// Its command line, words separated by spaces; control characters escaped.
    pub command: String,
    /// Its resident memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// The processor time it has used, in milliseconds.
    pub cpu_ms: Option<u64>,
}

/// A specification as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The text.
    pub text: String,
    /// `yaml`, `json` or `toml`.
    pub format: String,
    /// The file it stands in (or comes from), for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A specification to be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// The specification as a document (paths absolute).
    pub document: serde_json::Value,
    /// The text it was read from, to be kept as its file with its comments; it must mean the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Document>,
}

/// A set of specifications to be brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Apply {
    /// The specifications; or, when `pending`, none.
    pub services: Vec<Install>,
    /// Take the files in services/ instead (the valid ones; invalid ones are left as they are, and told).
    pub pending: bool,
    /// Only these of the set are touched (for `pending`); all when empty.
    pub names: Vec<String>,
    /// Uninstall what is not among them.
    pub prune: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// What an apply did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// One step for each service, dependencies before their dependants.
    pub steps: Vec<Step>,
    /// Files of services/ that cannot be taken.
    pub invalid: Vec<InvalidFile>,
}

/// What is done with one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which.
    pub name: String,
    /// `keep`, `update`, `restart`, `start`, `install`, `uninstall` or `leave`.
    pub action: String,
    /// What differs, each `path: old → new`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

/// What the files in services/ would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pending {
    /// What would be done; services whose file is gone have `uninstall` (done only by `apply --prune`). Without `keep`.
    pub steps: Vec<Step>,
    /// Files that cannot be taken.
    pub invalid: Vec<InvalidFile>,
    /// Whether the daemon takes up changed files by itself.
    pub auto_apply: bool,
}

/// A file that cannot be taken, and all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvalidFile {
    /// Which.
    pub file: String,
    /// What is wrong, each with its place.
    pub problems: Vec<PlacedProblem>,
}

/// One thing that is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedProblem {
    /// The line, from 1; 0 where there is none.
    pub line: u64,
    /// The character in the line, from 1; 0 where there is none.
    pub column: u64,
    /// How many characters are meant.
    pub length: u64,
    /// The path in the document, such as `restart.backoff.max`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Something that happened: a change of state, a command, a change of configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When (RFC 3339, UTC).
    pub time: String,
    /// The service; null for what concerns the daemon.
    pub service: Option<String>,
    /// `state`, `command`, `hook`, `probe`, `job`, `config` or `daemon`.
    pub kind: String,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// What happened, as a sentence without a full stop.
    pub message: String,
    /// For `state`: the word of the state it went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The process it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// For `command`: who gave it (`uid 1000 (ada), pid 4711`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Start: run a job (or a oneshot) once, now, and leave what is wanted of it as it is.
    pub once: bool,
    /// Signal: its POSIX name, `HUP`.
    pub signal: Option<String>,
    /// Hold: why.
    pub reason: Option<String>,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// How the daemon is to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StopDaemon {
    /// Leave the services running, for the next daemon.
    pub keep_services: bool,
    /// Kill what is left after this long, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// One entry for each service concerned.
    pub services: Vec<Done>,
}

/// What was done for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// Which.
    pub name: String,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// Whether it was taken along rather than named.
    pub taken_along: bool,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind; decides the exit code.
    pub kind: FailureKind,
    /// A sentence: what, where, why and what to do.
    pub message: String,
    /// All problems, where a specification is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<PathProblem>")]
    pub problems: Vec<Problem>,
}

/// Kinds of failure, with the exit code and HTTP status of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// How a [`Problem`] of a specification looks.
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(
    dead_code,
    reason = "only its schema is used; the type itself is the core's, which knows no schemas"
)]
struct PathProblem {
    /// Where: keys and indexes from the root; empty for the whole.
    path: String,
    /// Which part of that place is meant: `key` or `value`.
    which: String,
    /// What is wrong and what would be right.
    message: String,
}
