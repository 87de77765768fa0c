//! The state of a service as it is shown.

use super::event::ExitStatus;
use super::state::{Desired, Gate, Phase};
use crate::ident::ServiceName;
use crate::spec::ServiceSpec;
use crate::time::{Mono, Wall};
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
}
