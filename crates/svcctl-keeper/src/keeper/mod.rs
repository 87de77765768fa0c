//! The keeper on Linux: one thread around one poller, no asynchronous runtime, no wake-up without a cause.
//!
//! All that it knows is in tables whose size depends on the number of slots alone; a dead engine's requests have been
//! carried out or are gone, and the next one is told the tables. It makes no call that waits for a service or its
//! files. `impl Keeper` is spread over the files of this directory by subject.

mod deadlines;
mod deaths;
mod ending;
mod engine;
mod leftovers;
mod log;
mod members;
mod outbox;
mod pass_on;
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
use leftovers::Leftovers;
use log::say;
use outbox::Outbox;
use slots::Slots;
use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use streams::Streams;
use svcctl_os::background::Reporter;
use svcctl_os::linux::cgroup::{Group, Subtree};
use svcctl_os::linux::poll::{Interest, Poller};
use svcctl_os::linux::procfs::{self, Entry};
use svcctl_os::process::{Spawner, become_subreaper};
use svcctl_os::signal::{SignalQueue, is_ignored};
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
    /// What an earlier keeper left and is not dead yet; no engine is started before that.
    leftovers: Leftovers,
    phase: Phase,
    /// Whether a hangup ends the daemon: it is in front of a terminal that may be closed.
    hangup_ends: bool,
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
    let in_front = reporter.is_none();
    match Keeper::new(config, in_front) {
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
    fn new(config: KeeperConfig, in_front: bool) -> io::Result<Self> {
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
            leftovers: Leftovers::default(),
            phase: Phase::Serving,
            hangup_ends: in_front && !is_ignored(signals::HANGUP),
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
        self.sweep();
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
            Token::Leftover(leftover) => self.handle_leftover(leftover),
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
            Due::Leftovers => self.handle_leftovers_over(),
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

/// The name of a keeper's directory of cgroups: the same for the same run directory, however it is written, so that what
/// a dead keeper left is found by the next; and another for every other, since what is found is killed.
pub fn subtree_name(run_dir: &Path) -> String {
    // FNV-1a, 64 bits.
    let hash = real(run_dir).as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("svcctl-{hash:016x}")
}

/// The path without symbolic links. The directory itself may not be there yet.
fn real(path: &Path) -> PathBuf {
    let by_parent = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(by_parent).unwrap_or_else(|| path.to_owned())
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
