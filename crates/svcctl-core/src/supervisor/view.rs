//! The state of a service as it is shown.

use super::event::{ExitStatus, Hold, JobRecord};
use super::state::{Desired, Gate, Phase};
use crate::ident::ServiceName;
use crate::spec::ServiceSpec;
use crate::time::{Mono, Wall};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One service (one slot; more with instances) at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Its name.
    pub name: ServiceName,
    /// What it is.
    pub spec: Arc<ServiceSpec>,
    /// Which revision of the specification is accepted.
    pub revision: u64,
    /// Which revision the process was made from.
    pub running_revision: Option<u64>,
    /// Whether the process runs with something that a restart would change.
    pub outdated: bool,
    /// What is wanted.
    pub desired: Desired,
    /// Where it is.
    pub phase: Phase,
    /// Whether dependants may start.
    pub ready: bool,
    /// Since when it is in this phase.
    pub since: Wall,
    /// The main process.
    pub pid: Option<u32>,
    /// When the process was spawned.
    pub started: Option<Wall>,
    /// How many restarts since the last start by command.
    pub restarts: u32,
    /// The process's number in the slot.
    pub generation: u64,
    /// How the last process ended, and when.
    pub last_exit: Option<(ExitStatus, Wall)>,
    /// Why the last attempt to spawn failed, if the last attempt did.
    pub last_spawn_error: Option<String>,
    /// Why the last readiness probe failed, while it is not ready.
    pub last_probe_error: Option<String>,
    /// When the next attempt is due (in backoff).
    pub next_attempt: Option<Mono>,
    /// What holds it back (while waiting).
    pub gates: Vec<Gate>,
    /// Why it is in this phase, as in the transition that led there.
    pub why: String,
    /// Processes that could not be ended.
    pub stuck: Vec<u32>,
    /// Whether it is well, as far as probes tell.
    pub health: Health,
    /// Why the last health probe failed, while it is not well.
    pub health_error: Option<String>,
    /// That it is held, and why.
    pub held: Option<Hold>,
    /// Its runs and the next one, if it has a schedule or a trigger.
    pub job: Option<JobView>,
}

/// Whether a service is well, as its health probes tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// No probe has told anything (or there is none).
    #[default]
    Unknown,
    /// The last answers were yes.
    Healthy,
    /// Readiness (or liveness) failed, as often as it takes.
    Unhealthy,
}

/// The runs of a service that has a schedule or a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// What is known of its runs.
    pub record: JobRecord,
    /// When it is due next; `None` while it is not armed, or is triggered by something else than time.
    pub next_due: Option<Wall>,
    /// Whether one more run follows the one under way.
    pub queued: bool,
}
