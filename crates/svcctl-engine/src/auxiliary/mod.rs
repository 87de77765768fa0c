//! Programs that are run for a service beside its own: hooks, reload commands, stop commands, probes that execute.
//!
//! They are made and ended by the keeper like any process, in slots of their own (`web#0!before_start.0`), with the
//! service's user, directory, environment and limits. One thread here owns all of them: it has them made, reads what
//! they write (pipes never fill, memory is bounded), kills their trees when their time is over, and tells how each
//! ended, once. When the program ends, what is left of its tree is killed: nothing that a hook starts in the background
//! outlives it. What a dead engine left running is killed by the next one.
//!
//! ```text
//!   Preparing ── image ──▶ Asked ── Spawned ──▶ Alive ── Exited, tree empty ──▶ told, and the slot released
//!       └─ no image: told    └─ SpawnFailed: told  └─ Exited, others left; time over; cancelled ──▶ killed ──▲
//! ```

mod lines;
mod table;

use crate::keeper_link::KeeperSender;
use crate::lifeline::Lifeline;
use crate::logs::LogsHandle;
use crate::prepare::{Preparer, Wanted};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use svcctl_core::ident::SlotKey;
use svcctl_core::supervisor::action::HookRun;
use svcctl_core::supervisor::event::{ExitStatus, HookId, HookResult, HookWhat, ProbeId, ProbeWhat};
use svcctl_keeper::client::LinkError;
use svcctl_keeper::protocol::{Image, Notice, Request, Stream};
use svcctl_os::descriptor::Descriptor;
use svcctl_os::stream::{Poller, Waker};
use table::Table;

/// What parts a service's slot from what is run for it, in the keeper's keys; no name has it.
const MARK: char = '!';

/// What parts how a program ended from the last line that it wrote, in the reason of a failure.
const SAID: &str = "; it said: ";

/// A text without what a program wrote: that is for those who may read logs, and may be a secret.
pub(crate) fn without_output(text: &str) -> &str {
    text.split_once(SAID).map_or(text, |(before, _)| before)
}

/// Whether this key of the keeper's is one of these programs'.
pub(crate) fn is_auxiliary(key: &str) -> bool {
    key.contains(MARK)
}

/// How the keeper calls the slot of a hook.
pub(crate) fn key_of_hook(id: &HookId) -> String {
    format!("{}{MARK}{}.{}", id.id.slot, id.what.word(), id.index)
}

/// How the keeper calls the slot of a probe that executes.
pub(crate) fn key_of_probe(id: &ProbeId) -> String {
    let slot = &id.id.slot;
    match id.what {
        ProbeWhat::Condition(index) => format!("{slot}{MARK}condition.{index}"),
        ProbeWhat::Ready | ProbeWhat::Liveness | ProbeWhat::Readiness | ProbeWhat::Trigger => {
            format!("{slot}{MARK}{}", probe_word(id.what))
        }
    }
}

/// What a probe is called in `SVCCTL_PROBE`.
pub(crate) fn probe_word(what: ProbeWhat) -> &'static str {
    match what {
        ProbeWhat::Ready => "ready",
        ProbeWhat::Liveness => "liveness",
        ProbeWhat::Readiness => "readiness",
        ProbeWhat::Condition(_) => "condition",
        ProbeWhat::Trigger => "trigger",
    }
}

/// Where the question of a probe stands in the specification.
pub(crate) fn place_of_probe(what: ProbeWhat) -> String {
    match what {
        ProbeWhat::Ready => "ready".to_owned(),
        ProbeWhat::Liveness => "health.liveness".to_owned(),
        ProbeWhat::Readiness => "health.readiness".to_owned(),
        ProbeWhat::Condition(index) => format!("start.when[{index}]"),
        ProbeWhat::Trigger => "trigger.condition".to_owned(),
    }
}

/// What is to be run.
pub(crate) struct Run {
    /// The keeper's key; runs of the same key follow each other.
    pub(crate) key: String,
    /// The program.
    pub(crate) wanted: Wanted,
    /// When its tree is killed.
    pub(crate) timeout: Duration,
    /// What becomes of what it writes.
    pub(crate) output: Output,
    /// Told how it ended, on the thread here, which it must not hold up; dropped untold when the run is cancelled.
    pub(crate) done: Box<dyn FnOnce(HookResult) + Send>,
}

/// What becomes of what a program writes. Its last line is part of the reason when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Each line is a record in the service's log, under this name of the hook.
    Log(SlotKey, &'static str),
    /// Nothing else.
    Unseen,
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunId(u64);

/// The run of a hook.
pub(crate) fn hook_run(run: HookRun, done: Box<dyn FnOnce(HookResult) + Send>) -> Run {
    let HookRun { id, spec, hook, pid, exit } = run;
    let mut variables =
        vec![("SVCCTL_SERVICE", spec.name.to_string()), ("SVCCTL_HOOK", id.what.word().to_owned())];
    variables.extend(pid.map(|pid| ("SVCCTL_PID", pid.to_string())));
    match exit {
        Some(ExitStatus::Code(code)) => variables.push(("SVCCTL_EXIT_CODE", code.to_string())),
        Some(ExitStatus::Signal(signal)) => {
            variables.push(("SVCCTL_EXIT_SIGNAL", svcctl_os::signal::name(signal)));
        }
        Some(ExitStatus::Unknown) | None => {}
    }
    let at = match id.what {
        HookWhat::Reload => "reload.command".to_owned(),
        HookWhat::StopStep => format!("stop.steps[{}].command", id.index),
        HookWhat::BeforeStart | HookWhat::AfterStart | HookWhat::BeforeStop | HookWhat::AfterExit => {
            format!("hooks.{}[{}]", id.what.word(), id.index)
        }
    };
    Run {
        key: key_of_hook(&id),
        wanted: Wanted { spec, extra: Some(crate::prepare::Extra { at, exec: hook.exec, variables }) },
        timeout: hook.timeout,
        output: Output::Log(id.id.slot, id.what.word()),
        done,
    }
}

/// Where processes are made.
pub(crate) trait Keeper: Send {
    /// Sends a request.
    ///
    /// # Errors
    /// As the link's.
    fn send(&self, request: &Request) -> Result<(), LinkError>;
    /// Asks for a process.
    ///
    /// # Errors
    /// As the link's.
    fn spawn(&self, key: &str, generation: u64, image: Image) -> Result<(), LinkError>;
}

impl Keeper for KeeperSender {
    fn send(&self, request: &Request) -> Result<(), LinkError> {
        Self::send(self, request, &[])
    }

    fn spawn(&self, key: &str, generation: u64, image: Image) -> Result<(), LinkError> {
        Self::spawn(self, key, generation, image, Vec::new())
    }
}

/// What the keeper held for such a program when the engine began.
#[derive(Debug)]
pub(crate) struct LeftOver {
    /// The keeper's key.
    pub(crate) key: String,
    /// The process in the slot, if there is one: its number.
    pub(crate) generation: Option<u64>,
    /// Streams that are held still: the number of their process, and which.
    pub(crate) streams: Vec<(u64, Stream)>,
    /// Whether there is a slot, or only streams of one that was let go.
    pub(crate) has_slot: bool,
}

/// What the thread is told.
enum Command {
    Run(RunId, Run),
    Cancel(RunId),
    Prepared(RunId, Result<Image, String>),
    Notice(Notice, Vec<Descriptor>),
    LeftOver(LeftOver),
    KillAll,
}

/// Has programs run; clones are the same one. Nothing here waits.
#[derive(Clone)]
pub(crate) struct Auxiliary {
    queue: Arc<Queue>,
    last: Arc<AtomicU64>,
}

/// The queue to the thread. What waits in it is bounded by what causes it: the services' hooks and probes, of which each
/// has one under way, and the keeper's answers to these.
struct Queue {
    commands: Mutex<VecDeque<Command>>,
    waker: Waker,
}

impl Queue {
    fn push(&self, command: Command) {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push_back(command);
        self.waker.wake();
    }

    fn next(&self) -> Option<Command> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Auxiliary {
    /// Starts the thread, which lives as long as the process and holds `lifeline`.
    ///
    /// # Errors
    /// When the system gives no thread, or nothing to wait with.
    pub(crate) fn start(
        keeper: impl Keeper + 'static,
        preparer: Preparer,
        logs: LogsHandle,
        lifeline: Lifeline,
    ) -> std::io::Result<Self> {
        let (poller, waker) = Poller::new()?;
        let queue = Arc::new(Queue { commands: Mutex::default(), waker });
        let to_prepare = Arc::clone(&queue);
        let prepare = Box::new(move |id: RunId, key: &str, wanted: Wanted| {
            let queue = Arc::clone(&to_prepare);
            let done = Box::new(move |image| queue.push(Command::Prepared(id, image)));
            preparer.later(key.to_owned(), wanted, done);
        });
        let table = Table::new(Box::new(keeper), poller, prepare, Box::new(move |note| logs.note(note)));
        let own = Arc::clone(&queue);
        std::thread::Builder::new().name("auxiliary".to_owned()).spawn(move || {
            let _held = lifeline;
            work(table, &own);
        })?;
        Ok(Self { queue, last: Arc::default() })
    }

    /// Runs a program; `done` is told how it ended.
    pub(crate) fn run(&self, run: Run) -> RunId {
        let id = RunId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        self.queue.push(Command::Run(id, run));
        id
    }

    /// Ends a run, if it is under way; its `done` is not told any more (unless it is being told just now).
    pub(crate) fn cancel(&self, id: RunId) {
        self.queue.push(Command::Cancel(id));
    }

    /// What the keeper says about such a program.
    pub(crate) fn notice(&self, notice: Notice, descriptors: Vec<Descriptor>) {
        self.queue.push(Command::Notice(notice, descriptors));
    }

    /// What an earlier engine left is ended and let go.
    pub(crate) fn left_over(&self, left_over: LeftOver) {
        self.queue.push(Command::LeftOver(left_over));
    }

    /// Ends all of them, for an engine that ends and leaves its services running.
    pub(crate) fn kill_all(&self) {
        self.queue.push(Command::KillAll);
    }
}

fn work(mut table: Table, queue: &Queue) {
    let mut ready = Vec::new();
    loop {
        let timeout = table.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        if let Err(error) = table.wait(&mut ready, timeout) {
            crate::say::error(&format!("failed to wait for the output of hooks and probes: {error}"));
            return;
        }
        for token in &ready {
            table.read(*token);
        }
        while let Some(command) = queue.next() {
            table.take(command, Instant::now());
        }
        table.time_out(Instant::now());
    }
}

#[cfg(test)]
mod tests;
