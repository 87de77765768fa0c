//! Signals to the keeper, which is the daemon for those who send them.

use super::deadlines::Due;
use super::{EXIT_FAILED, Keeper, Phase, later, now, say};
use crate::protocol::Notice;
use std::time::Duration;

pub(super) const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const QUIT: i32 = 3;
pub(super) const KILL: i32 = 9;
const USER_1: i32 = 10;
const USER_2: i32 = 12;
const PIPE: i32 = 13;
const ALARM: i32 = 14;
const TERMINATE: i32 = 15;
const STACK_FAULT: i32 = 16;
const CHILD: i32 = 17;
const CPU_TIME: i32 = 24;
const FILE_SIZE: i32 = 25;
const VIRTUAL_ALARM: i32 = 26;
const PROFILING: i32 = 27;
const IO: i32 = 29;
const POWER: i32 = 30;

/// The signals that are read, and so end nothing by themselves; all others have their default action. Children begin
/// with the default action of each and with none blocked.
pub(super) const HANDLED: [i32; 16] = [
    HANGUP,
    INTERRUPT,
    QUIT,
    USER_1,
    USER_2,
    PIPE,
    ALARM,
    TERMINATE,
    STACK_FAULT,
    CHILD,
    CPU_TIME,
    FILE_SIZE,
    VIRTUAL_ALARM,
    PROFILING,
    IO,
    POWER,
];

/// How long the engine has for stopping everything, before all is killed. Stops of single services that were given a
/// later deadline extend it.
const SHUTDOWN_WITHIN: Duration = Duration::from_mins(2);
/// What is added to such a deadline.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

impl Keeper {
    /// Reads them all.
    pub(super) fn handle_signals(&mut self) {
        loop {
            match self.signals.next() {
                Ok(Some(signal)) => self.handle_signal(signal),
                Ok(None) => return,
                Err(error) => return say(&format!("signals cannot be read: {error}")),
            }
        }
    }

    fn handle_signal(&mut self, signal: i32) {
        match signal {
            INTERRUPT if self.phase == Phase::ShuttingDown => {
                self.end(EXIT_FAILED);
                say("interrupted twice: all services are killed");
            }
            INTERRUPT | TERMINATE | QUIT => self.shut_down(),
            HANGUP if self.hangup_ends => self.shut_down(),
            USER_1 => self.unpark(Phase::Serving),
            CHILD => {
                self.handle_unwatched_exits();
                self.reap_orphans();
                self.settle_walked();
            }
            // In the background there is no terminal to lose; the others mean nothing to a keeper.
            _ => {}
        }
    }

    fn shut_down(&mut self) {
        match self.phase {
            Phase::Serving => {
                self.phase = Phase::ShuttingDown;
                self.tell(&Notice::Shutdown, &[]);
                // If none runs, the next one is told when it begins; there is no reason to let it wait.
                self.deadlines.clear(Due::StartEngine);
                self.start_engine();
            }
            Phase::Parked => self.unpark(Phase::ShuttingDown),
            Phase::ShuttingDown | Phase::Ending { .. } => return,
        }
        self.deadlines.set(Due::Shutdown, later(SHUTDOWN_WITHIN));
    }

    /// An engine is wanted again. The one that said goodbye may still be on its way out; then its death starts it.
    fn unpark(&mut self, phase: Phase) {
        if self.phase == Phase::Parked {
            self.phase = phase;
            self.start_engine();
        }
    }

    /// The engine had its time for the shutdown.
    pub(super) fn handle_shutdown_over(&mut self) {
        let last = self.deadlines.last_kill_by().filter(|at| *at > now());
        if let Some(at) = last {
            let grace = u64::try_from(SHUTDOWN_GRACE.as_nanos()).unwrap_or(u64::MAX);
            return self.deadlines.set(Due::Shutdown, at.saturating_add(grace));
        }
        self.end(EXIT_FAILED);
        say("the time for the shutdown is over: all services are killed");
    }
}
