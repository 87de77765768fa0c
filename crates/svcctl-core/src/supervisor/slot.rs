//! One slot with the data of its state, and what follows from the state alone: its phase, its next deadline and the
//! memo that the keeper keeps for it.

use super::event::{ExitStatus, Process};
use super::memo::{Memo, Then};
use super::state::{Desired, Phase};
use crate::ident::{Generation, InstanceId, ServiceName, SlotKey};
use crate::spec::ServiceSpec;
use crate::spec::model::Kind;
use crate::time::{Mono, Now, Wall};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One service with its one slot (more slots come with instances).
#[derive(Debug)]
pub(super) struct Service {
    /// The accepted specification; the next process is made from it.
    pub(super) spec: Arc<ServiceSpec>,
    pub(super) revision: u64,
    pub(super) desired: Desired,
    pub(super) fate: Fate,
    pub(super) slot: Slot,
}

/// What becomes of a service once it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays installed.
    Stays,
    /// It is forgotten: an uninstall is under way.
    Forgotten,
}

/// The place of one process.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: SlotKey,
    /// The last number that was given to a process.
    pub(super) generation: Generation,
    pub(super) state: State,
    pub(super) since: Now,
    pub(super) why: String,
    pub(super) history: History,
}

/// What is known of the processes that were.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Restarts since the last start by command.
    pub(super) restarts: u32,
    /// Exits in a row.
    pub(super) row: u32,
    /// The open window of the limit: when its first restart was, and how many there were.
    pub(super) window: Option<(Mono, u32)>,
    pub(super) last_exit: Option<(ExitStatus, Wall)>,
    /// Why the last attempt made no process, if it made none.
    pub(super) spawn_error: Option<String>,
}

impl History {
    /// A start by command counts anew; how the last process ended is still known.
    pub(super) fn count_anew(&mut self) {
        self.restarts = 0;
        self.row = 0;
        self.window = None;
    }
}

/// One attempt to have a process, from its `Spawn` until nothing of it is left.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) id: InstanceId,
    /// What it was made from: its stop steps and restart rules hold, whatever was accepted since.
    pub(super) spec: Arc<ServiceSpec>,
    pub(super) revision: u64,
}

/// Where a slot is, with the data that belong there.
#[derive(Debug)]
pub(super) enum State {
    Stopped,
    Waiting,
    Starting(Starting),
    Running(Running),
    Stopping(Stopping),
    Backoff { until: Mono },
    Failed,
    Completed,
}

#[derive(Debug)]
pub(super) struct Starting {
    pub(super) attempt: Attempt,
    pub(super) stage: Stage,
    /// When it counts as failed.
    pub(super) deadline: Option<Mono>,
}

/// How far a start has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// `Spawned` or `SpawnFailed` is to come.
    Spawning,
    /// The process is there and is asked whether it is ready; `error` is its last refusal.
    Probing { process: Process, error: Option<String> },
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) attempt: Attempt,
    pub(super) process: Process,
    /// When a oneshot counts as failed.
    pub(super) deadline: Option<Mono>,
}

#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) attempt: Attempt,
    /// The main process, while it lives.
    pub(super) main: Main,
    pub(super) progress: Progress,
    pub(super) then: Then,
    /// What could not be ended.
    pub(super) stuck: Vec<u32>,
}

/// The main process of a slot that is being stopped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Main {
    /// `Spawned` or `SpawnFailed` is to come.
    Unborn,
    /// It lives.
    Alive(Process),
    /// It ended; its tree lives on.
    Ended,
}

/// How far a stop has come.
#[derive(Debug)]
pub(super) enum Progress {
    /// Nothing was sent: the process is being made, or these dependants are being stopped first.
    Held { blockers: BTreeSet<ServiceName> },
    /// Step `index` was taken; the next one follows at `until`, the kill of the tree at `deadline`.
    Step { index: usize, until: Mono, deadline: Mono },
    /// The tree is being killed.
    Killing,
}

/// The stop step that a memo names when the tree is being killed.
pub(super) const STEP_KILLING: u8 = u8::MAX;

impl State {
    /// The state's name.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Stopped => Phase::Stopped,
            Self::Waiting => Phase::Waiting,
            Self::Starting(_) => Phase::Starting,
            Self::Running(_) => Phase::Running,
            Self::Stopping(_) => Phase::Stopping,
            Self::Backoff { .. } => Phase::Backoff,
            Self::Failed => Phase::Failed,
            Self::Completed => Phase::Completed,
        }
    }

    /// The attempt that is under way.
    pub(super) fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Starting(starting) => Some(&starting.attempt),
            Self::Running(running) => Some(&running.attempt),
            Self::Stopping(stopping) => Some(&stopping.attempt),
            Self::Stopped | Self::Waiting | Self::Backoff { .. } | Self::Failed | Self::Completed => None,
        }
    }

    /// The main process, as far as it is known to live.
    pub(super) fn process(&self) -> Option<Process> {
        match self {
            Self::Starting(Starting { stage: Stage::Probing { process, .. }, .. })
            | Self::Running(Running { process, .. })
            | Self::Stopping(Stopping { main: Main::Alive(process), .. }) => Some(*process),
            Self::Starting(Starting { stage: Stage::Spawning, .. })
            | Self::Stopping(Stopping { main: Main::Unborn | Main::Ended, .. })
            | Self::Stopped
            | Self::Waiting
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Completed => None,
        }
    }

    /// Whom a probe is asking.
    pub(super) fn probed(&self) -> Option<&InstanceId> {
        if let Self::Starting(Starting { attempt, stage: Stage::Probing { .. }, .. }) = self {
            Some(&attempt.id)
        } else {
            None
        }
    }

    /// Whether dependants that go down too keep the ones they depend on waiting.
    pub(super) fn blocks_dependencies(&self) -> bool {
        matches!(self, Self::Stopping(stopping) if stopping.stuck.is_empty())
    }

    /// The next point in time at which something is to be done.
    pub(super) fn timer(&self) -> Option<Mono> {
        match self {
            Self::Starting(starting) => starting.deadline,
            Self::Running(running) => running.deadline,
            Self::Backoff { until } => Some(*until),
            Self::Stopping(stopping) => match &stopping.progress {
                Progress::Step { until, .. } => Some(*until),
                Progress::Held { .. } | Progress::Killing => None,
            },
            Self::Stopped | Self::Waiting | Self::Failed | Self::Completed => None,
        }
    }
}

impl Progress {
    fn stop_step(&self) -> u8 {
        match self {
            Self::Held { .. } => 0,
            // A specification has at most 16 steps.
            Self::Step { index, .. } => u8::try_from(index + 1).unwrap_or(STEP_KILLING - 1),
            Self::Killing => STEP_KILLING,
        }
    }
}

impl Slot {
    /// An empty slot that gives numbers above `generation`.
    pub(super) fn empty(key: SlotKey, generation: Generation, since: Now, why: &str) -> Self {
        let history = History::default();
        Self { key, generation, state: State::Stopped, since, why: why.to_owned(), history }
    }

    /// Whether this process is the one in the slot now.
    pub(super) fn holds(&self, id: &InstanceId) -> bool {
        self.state.attempt().is_some_and(|attempt| attempt.id == *id)
    }

    /// How the last process ended, as far as it was seen.
    pub(super) fn last_status(&self) -> ExitStatus {
        self.history.last_exit.map_or(ExitStatus::Unknown, |(status, _)| status)
    }

    /// What the next engine has to know.
    pub(super) fn memo(&self) -> Memo {
        let (stop_step, then, deadline) = match &self.state {
            State::Stopping(stopping) => {
                let deadline = match &stopping.progress {
                    Progress::Step { deadline, .. } => Some(*deadline),
                    Progress::Held { .. } | Progress::Killing => None,
                };
                (stopping.progress.stop_step(), stopping.then, deadline)
            }
            other => (0, Then::default(), other.timer()),
        };
        Memo {
            generation: self.generation,
            phase: self.state.phase(),
            since: self.since.mono,
            since_wall: self.since.wall,
            revision: self.state.attempt().map_or(0, |attempt| attempt.revision),
            kind: self.state.attempt().map_or(Kind::Simple, |attempt| attempt.spec.kind),
            restarts: self.history.restarts,
            row: self.history.row,
            window: self.history.window,
            deadline,
            stop_step,
            then,
            last_exit: self.history.last_exit,
        }
    }
}
