//! The keeper on Linux: one thread around one poller, no asynchronous runtime, no wake-up without a cause.
//!
//! All that it knows is in tables whose size depends on the number of slots alone; a dead engine's requests have been
//! carried out or are gone, and the next one is told the tables. It makes no call that waits for a service or its
//! files. `impl Keeper` is spread over the files of this directory by subject.

mod deadlines;
mod deaths;
mod ending;
mod engine;
mod members;
mod outbox;
mod requests;
mod signals;
mod slots;
mod spawn;
mod splicing;
mod streams;
mod token;
mod tree;

use crate::{Containment, FORCE_VARIABLE, KeeperConfig};
use deadlines::{Deadlines, Due};
use engine::Engine;
use outbox::Outbox;
use slots::Slots;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use streams::Streams;
use svcctl_os::background::Reporter;
use svcctl_os::linux::cgroup::{Group, Subtree};
use svcctl_os::linux::poll::{Interest, Poller};
use svcctl_os::linux::procfs::{self, Entry};
use svcctl_os::process::{Spawner, become_subreaper};
use svcctl_os::signal::SignalQueue;
use token::Token;
use tree::Settling;

/// The exit code of a keeper that could not begin, or was ended by force.
const EXIT_FAILED: u8 = 1;

/// What the daemon is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It serves, or is about to.
    Serving,
    /// It has been told to end; the engine stops the services.
    ShuttingDown,
    /// There is no engine and none is wanted; the services stay.
    Parked,
    /// The engine has said goodbye: what is left is killed, then the keeper ends.
    Ending { exit_code: u8 },
}

/// All that the keeper knows.
struct Keeper {
    config: KeeperConfig,
    /// Who waits to hear whether the daemon serves.
    reporter: Option<Reporter>,
    poller: Poller,
    signals: SignalQueue,
    spawner: Spawner,
    /// Where the cgroups of the slots are; without it, trees are walked.
    subtree: Option<Subtree>,
    /// Cgroups of slots that are gone, which the kernel did not let go at once, and how often that is tried still.
    old_groups: Vec<(Group, u32)>,
    phase: Phase,
    /// Whether the end no longer waits for what does not go away.
    given_up: bool,
    /// The children that this process had before it became the keeper: pid and start time.
    before: BTreeSet<(u32, u64)>,
    engine: Engine,
    outbox: Outbox,
    slots: Slots,
    streams: Streams,
    deadlines: Deadlines,
    settling: Settling,
    /// Where packets are received.
    packet: Vec<u8>,
    /// The process table as last read, and when.
    table: (u64, Vec<Entry>),
}

/// The keeper's whole life: starts the engine, serves it until it says goodbye, and gives the daemon's exit code. Made
/// to be the whole of a process: it blocks signals, becomes the subreaper, and expects no other threads.
pub fn run(mut config: KeeperConfig) -> u8 {
    let reporter = config.reporter.take();
    match Keeper::new(config) {
        Ok(mut keeper) => {
            keeper.reporter = reporter;
            keeper.run()
        }
        Err(error) => {
            let message = format!("the keeper could not begin: {error}");
            say(&message);
            if let Some(reporter) = reporter {
                reporter.fail(EXIT_FAILED, &message);
            }
            EXIT_FAILED
        }
    }
}

impl Keeper {
    fn new(config: KeeperConfig) -> io::Result<Self> {
        let signals = SignalQueue::new(&signals::HANDLED)?;
        let spawner = Spawner::new()?;
        if let Err(error) = spawner.raise_open_files() {
            say(&format!("the limit of open files stays as it is: {error}"));
        }
        become_subreaper()?;
        let poller = Poller::new()?;
        poller.add(&signals, Token::Signal.number(), Interest::Read)?;
        let forced = std::env::var_os(FORCE_VARIABLE).is_some_and(|value| value == "no-cgroup");
        let walk = forced || config.containment == Containment::WalkOnly;
        let subtree = if walk { None } else { Subtree::create(&subtree_name(&config.run_dir)) };
        Ok(Self {
            config,
            reporter: None,
            poller,
            signals,
            spawner,
            subtree,
            old_groups: Vec::new(),
            phase: Phase::Serving,
            given_up: false,
            before: children_of(std::process::id()),
            engine: Engine::default(),
            outbox: Outbox::default(),
            slots: Slots::default(),
            streams: Streams::default(),
            deadlines: Deadlines::default(),
            settling: Settling::default(),
            packet: Vec::new(),
            table: (0, Vec::new()),
        })
    }

    fn run(&mut self) -> u8 {
        self.start_engine();
        loop {
            if let Some(exit_code) = self.is_over() {
                return exit_code;
            }
            let timeout = self.deadlines.next().map(|at| Duration::from_nanos(at.saturating_sub(now())));
            let mut tokens: Vec<Token> = match self.poller.wait(timeout) {
                Ok(numbers) => numbers.into_iter().map(Token::from_number).collect(),
                Err(error) => {
                    // Nothing can be done without the poller; the services are left to whoever comes next.
                    say(&format!("waiting for events failed: {error}"));
                    return EXIT_FAILED;
                }
            };
            tokens.sort_unstable();
            for token in tokens {
                self.handle_event(token);
            }
            while let Some(due) = self.deadlines.pop(now()) {
                self.handle_due(due);
            }
            self.settle();
            self.flush();
        }
    }

    fn handle_event(&mut self, token: Token) {
        match token {
            Token::SlotStart(slot) => self.handle_start(slot),
            Token::SlotExit(slot) => self.handle_exit(slot),
            Token::SlotTree(slot) => self.settling.add(slot),
            Token::Socket => self.handle_socket(),
            Token::EngineStart => self.handle_engine_start(),
            Token::EngineExit => self.handle_engine_exit(),
            Token::Stream(stream) => self.handle_stream(stream),
            Token::Signal => {
                // Leaders that ended in this round are reaped before orphans are looked for.
                self.settle();
                self.handle_signals();
            }
        }
    }

    fn handle_due(&mut self, due: Due) {
        match due {
            Due::KillBy(slot) => self.handle_kill_by(slot),
            Due::Stuck(slot) => self.handle_stuck(slot),
            Due::KillAgain(slot) => self.handle_kill_again(slot),
            Due::LookAgain(slot) => self.settling.add(slot),
            Due::Acknowledge(slot) => self.handle_unacknowledged(slot),
            Due::Scan => self.look_around(),
            Due::StartEngine => self.start_engine(),
            Due::Splice => self.begin_splicing(),
            Due::Send => {}
            Due::RemoveGroups => self.remove_groups(),
            Due::EndEngine => self.kill_engine("it did not end in time after its goodbye"),
            Due::Shutdown => self.handle_shutdown_over(),
            Due::End => self.handle_end_over(),
        }
    }
}

/// The name of a keeper's directory of cgroups: the same for the same run directory, so that what a dead keeper left
/// is found by the next.
fn subtree_name(run_dir: &Path) -> String {
    // FNV-1a, 32 bits.
    let hash = run_dir
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    format!("svcctl-{hash:08x}")
}

fn children_of(pid: u32) -> BTreeSet<(u32, u64)> {
    let all = procfs::processes().into_iter();
    all.filter(|entry| entry.parent == pid).map(|entry| (entry.pid, entry.start)).collect()
}

/// Nanoseconds of the monotonic clock.
fn now() -> u64 {
    svcctl_os::clock::now().mono.0
}

/// The time `after` from now.
fn later(after: Duration) -> u64 {
    now().saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
}

/// Writes a line to the daemon's own log. A log that cannot be written to is no reason to end.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "svcctl: {message}");
}
