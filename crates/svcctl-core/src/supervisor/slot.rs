//! One slot with the data of its state, and what follows from the state alone: its phase, its next deadline and the
//! memo that the keeper keeps for it.

use super::action::Watch;
use super::event::{ExitStatus, Hold, HookId, HookWhat, ProbeId, ProbeWhat, Process, WatchWhat};
use super::job::Job;
use super::memo::{Memo, Then};
use super::state::{Desired, Phase};
use super::view::Health;
use crate::ident::{Generation, InstanceId, ServiceName, SlotKey};
use crate::spec::ServiceSpec;
use crate::spec::model::Kind;
use crate::time::{Mono, Now, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One service with its one slot (more slots come with instances).
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// The accepted specification; the next process is made from it.
    pub(super) spec: Arc<ServiceSpec>,
    pub(super) revision: u64,
    pub(super) desired: Desired,
    pub(super) fate: Fate,
    /// Why nothing of it is started, if it is held.
    pub(super) held: Option<Hold>,
    /// The paths that the shell watches for it.
    pub(super) watches: BTreeMap<WatchWhat, Watch>,
    pub(super) job: Job,
    pub(super) slot: Slot,
}

impl Service {
    /// Whether it runs by itself, by a schedule or a trigger.
    pub(super) fn is_job(&self) -> bool {
        self.spec.schedule.is_some() || self.spec.trigger.is_some()
    }

    /// Whether attempts follow one another: it is wanted up, or is being run once.
    pub(super) fn is_wanted(&self) -> bool {
        self.desired == Desired::Up || self.job.run.is_some()
    }
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
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) key: SlotKey,
    /// The last number that was given to a process.
    pub(super) generation: Generation,
    pub(super) state: State,
    pub(super) since: Now,
    pub(super) why: String,
    pub(super) history: History,
    /// The hook that runs for it; never more than one.
    pub(super) hook: Option<HookId>,
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
    /// Why the last process was stopped as not well.
    pub(super) unwell: Option<String>,
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
#[derive(Clone, Debug)]
pub(super) enum State {
    Stopped,
    /// It rests until its schedule or trigger makes it run.
    Scheduled,
    Waiting(Waiting),
    Starting(Starting),
    Running(Running),
    Stopping(Stopping),
    Backoff {
        until: Mono,
    },
    Failed,
    Completed,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// What its conditions answered, once they are asked: the other gates are open.
    pub(super) asked: Option<Asked>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Under which number they are asked.
    pub(super) id: InstanceId,
    pub(super) answers: Vec<Answer>,
}

/// What a condition answered last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    NotYet,
    Yes,
    No(String),
}

#[derive(Clone, Debug)]
pub(super) struct Starting {
    pub(super) attempt: Attempt,
    pub(super) stage: Stage,
    /// When it counts as failed.
    pub(super) deadline: Option<Mono>,
}

/// How far a start has come.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// This hook of `before_start` runs; there is no process.
    Hook(u16),
    /// `Spawned` or `SpawnFailed` is to come.
    Spawning,
    /// The process is there and is asked whether it is ready; `error` is its last refusal.
    Probing { process: Process, error: Option<String> },
}

#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) attempt: Attempt,
    pub(super) process: Process,
    /// When a oneshot counts as failed.
    pub(super) deadline: Option<Mono>,
    /// The hook of `after_start` that is to run, until all have.
    pub(super) after: Option<u16>,
    pub(super) reload: Reloading,
    pub(super) wellness: Wellness,
}

/// Whether the command of `reload` is to be run, or runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reloading {
    No,
    Once,
    /// Something changed while it ran: once more.
    Again,
}

/// What the health probes told.
#[derive(Clone, Debug, Default)]
pub(super) struct Wellness {
    pub(super) live_failures: u32,
    pub(super) ready_failures: u32,
    pub(super) health: Health,
    /// Why the last probe that failed did.
    pub(super) error: Option<String>,
}

#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// Nothing was sent: the process is being made, or these dependants are being stopped first.
    Held { blockers: BTreeSet<ServiceName> },
    /// This hook of `before_stop` runs; at `deadline` it is cancelled, and the steps begin.
    BeforeStop { index: u16, deadline: Mono },
    /// Step `index` was taken; the next one follows at `until`, the kill of the tree at `deadline`. `runs` while its
    /// command does.
    Step { index: usize, until: Mono, deadline: Mono, runs: bool },
    /// The tree is being killed.
    Killing,
    /// Nothing is left, the exit is acknowledged; this hook of `after_exit` runs.
    AfterExit { index: u16 },
}

/// The stop step that a memo names when the tree is being killed.
pub(super) const STEP_KILLING: u8 = u8::MAX;

impl State {
    /// The state's name.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Stopped => Phase::Stopped,
            Self::Scheduled => Phase::Scheduled,
            Self::Waiting(_) => Phase::Waiting,
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
            Self::Stopped
            | Self::Scheduled
            | Self::Waiting(_)
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Completed => None,
        }
    }

    /// The main process, as far as it is known to live.
    pub(super) fn process(&self) -> Option<Process> {
        match self {
            Self::Starting(Starting { stage: Stage::Probing { process, .. }, .. })
            | Self::Running(Running { process, .. })
            | Self::Stopping(Stopping { main: Main::Alive(process), .. }) => Some(*process),
            Self::Starting(Starting { stage: Stage::Hook(_) | Stage::Spawning, .. })
            | Self::Stopping(Stopping { main: Main::Unborn | Main::Ended, .. })
            | Self::Stopped
            | Self::Scheduled
            | Self::Waiting(_)
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Completed => None,
        }
    }

    /// The attempt that is under way, to be changed.
    pub(super) fn attempt_mut(&mut self) -> Option<&mut Attempt> {
        match self {
            Self::Starting(starting) => Some(&mut starting.attempt),
            Self::Running(running) => Some(&mut running.attempt),
            Self::Stopping(stopping) => Some(&mut stopping.attempt),
            Self::Stopped
            | Self::Scheduled
            | Self::Waiting(_)
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Completed => None,
        }
    }

    /// The probes that are asked in it.
    pub(super) fn probes(&self) -> Vec<ProbeId> {
        let probe = |id: &InstanceId, what: ProbeWhat| ProbeId { id: id.clone(), what };
        match self {
            Self::Waiting(Waiting { asked: Some(asked) }) => {
                let count = u16::try_from(asked.answers.len()).unwrap_or(u16::MAX);
                (0..count).map(|index| probe(&asked.id, ProbeWhat::Condition(index))).collect()
            }
            Self::Starting(Starting { attempt, stage: Stage::Probing { .. }, .. }) => {
                vec![probe(&attempt.id, ProbeWhat::Ready)]
            }
            Self::Running(Running { attempt, .. }) => {
                let health = &attempt.spec.health;
                let live = health.liveness.iter().map(|_| ProbeWhat::Liveness);
                let ready = health.readiness.iter().map(|_| ProbeWhat::Readiness);
                live.chain(ready).map(|what| probe(&attempt.id, what)).collect()
            }
            Self::Starting(_)
            | Self::Stopping(_)
            | Self::Stopped
            | Self::Scheduled
            | Self::Waiting(_)
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Completed => Vec::new(),
        }
    }

    /// The hook that runs in it.
    pub(super) fn hook(&self) -> Option<HookId> {
        let attempt = self.attempt()?;
        let (what, index) = match self {
            Self::Starting(Starting { stage: Stage::Hook(index), .. }) => (HookWhat::BeforeStart, *index),
            Self::Running(Running { after: Some(index), .. }) => (HookWhat::AfterStart, *index),
            Self::Running(Running { reload: Reloading::Once | Reloading::Again, .. }) => {
                (HookWhat::Reload, 0)
            }
            Self::Stopping(stopping) => match stopping.progress {
                Progress::BeforeStop { index, .. } => (HookWhat::BeforeStop, index),
                Progress::AfterExit { index } => (HookWhat::AfterExit, index),
                Progress::Step { index, runs: true, .. } => {
                    (HookWhat::StopStep, u16::try_from(index).unwrap_or(u16::MAX))
                }
                Progress::Step { runs: false, .. } | Progress::Held { .. } | Progress::Killing => {
                    return None;
                }
            },
            Self::Starting(_)
            | Self::Running(_)
            | Self::Stopped
            | Self::Scheduled
            | Self::Waiting(_)
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Completed => return None,
        };
        Some(HookId { id: attempt.id.clone(), what, index })
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
                Progress::BeforeStop { deadline, .. } => Some(*deadline),
                Progress::Held { .. } | Progress::Killing | Progress::AfterExit { .. } => None,
            },
            Self::Stopped | Self::Scheduled | Self::Waiting(_) | Self::Failed | Self::Completed => None,
        }
    }
}

impl Progress {
    fn stop_step(&self) -> u8 {
        match self {
            Self::Held { .. } | Self::BeforeStop { .. } | Self::AfterExit { .. } => 0,
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
        Self { key, generation, state: State::Stopped, since, why: why.to_owned(), history, hook: None }
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
    pub(super) fn memo(&self, job: &Job) -> Memo {
        let (stop_step, then, deadline) = match &self.state {
            State::Stopping(stopping) => {
                let deadline = match &stopping.progress {
                    Progress::Step { deadline, .. } | Progress::BeforeStop { deadline, .. } => {
                        Some(*deadline)
                    }
                    Progress::Held { .. } | Progress::Killing | Progress::AfterExit { .. } => None,
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
            hook: self.state.hook().map(|hook| (hook.what, hook.index)),
            job: job.memo(),
        }
    }
}
