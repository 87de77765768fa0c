//! The engine's life: started from the keeper's own binary, watched, killed when it does not do its part, and started
//! again when it dies.

use super::deadlines::Due;
use super::deaths::{Deaths, RECOVERY_DEATHS};
use super::signals::KILL;
use super::token::Token;
use super::{EXIT_FAILED, Keeper, Phase, later, now, say};
use crate::KEEPER_FD_VARIABLE;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;
use svcctl_os::linux::packet;
use svcctl_os::linux::poll::Interest;
use svcctl_os::process::{Child, Executable, Exit, Plain, Spawning, exit_of, reap, send_signal};
use svcctl_os::signal;

/// How long after the engine's death the keeper begins to move streams to their spools.
const SPLICE_AFTER: Duration = Duration::from_secs(1);

/// The engine and what is known about its predecessors.
#[derive(Default)]
pub(super) struct Engine {
    alive: Option<Alive>,
    /// How many were started.
    pub(super) number: u64,
    deaths: Deaths,
    /// Whether any of them served.
    pub(super) served_ever: bool,
}

/// An engine that runs.
struct Alive {
    /// Keeps what the child reads until its exec; `None` after that.
    spawning: Option<Spawning>,
    child: Child,
    socket: OwnedFd,
    since: u64,
    /// Whether it has said hello.
    greeted: bool,
    served: bool,
    /// Whether it was sent SIGKILL; what it says no longer counts.
    condemned: bool,
}

impl Engine {
    /// The socket to it, if it runs.
    pub(super) fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.alive.as_ref().map(|alive| alive.socket.as_fd())
    }

    /// Its pid, if it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.alive.as_ref().map(|alive| alive.child.pid)
    }

    /// Whether it has said hello and is told what happens.
    pub(super) fn listens(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| alive.greeted && !alive.condemned)
    }

    /// Whether what it says counts.
    pub(super) fn is_heard(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| !alive.condemned)
    }

    /// Notes its hello.
    pub(super) fn greet(&mut self) {
        if let Some(alive) = &mut self.alive {
            alive.greeted = true;
        }
    }

    /// Notes that it serves.
    pub(super) fn serve(&mut self) {
        self.served_ever = true;
        if let Some(alive) = &mut self.alive {
            alive.served = true;
        }
    }

    /// Whether one that starts now is to be careful.
    pub(super) fn recovery(&self) -> bool {
        self.deaths.recovery(now())
    }
}

impl Keeper {
    /// Starts an engine, unless one runs or none is wanted, or it is too early: the last leftover's end starts it then.
    pub(super) fn start_engine(&mut self) {
        let wanted = match self.phase {
            Phase::Serving | Phase::ShuttingDown => true,
            Phase::Parked | Phase::Ending { .. } => false,
        };
        if !wanted || self.engine.alive.is_some() || self.leftovers.any() {
            return;
        }
        self.engine.number += 1;
        if let Err(error) = self.try_start_engine() {
            say(&format!("the engine could not be started: {error}"));
            self.after_death(Duration::ZERO, false);
        }
    }

    fn try_start_engine(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let (own, other) = packet::pair()?;
        let null = (!self.config.inherit_stdio).then(|| self.spawner.null());
        let name = std::env::args_os().next().unwrap_or_else(|| OsString::from("svcctl"));
        let argv = [&name].into_iter().chain(&self.config.engine_args).map(|word| word.as_bytes().to_vec());
        let plain = Plain {
            executable: Executable::Own,
            argv: argv.collect(),
            env: engine_environment(other.as_raw_fd()),
            stdio: [null; 3],
            inherit: vec![other.as_fd()],
        };
        let (child, spawning) = self.spawner.start_plain(&plain)?;
        let watched = [
            (spawning.status(), Token::EngineStart),
            (child.pidfd.as_fd(), Token::EngineExit),
            (own.as_fd(), Token::Socket),
        ];
        for (descriptor, token) in watched {
            if let Err(error) = self.poller.add(descriptor, token.number(), Interest::Read) {
                // Nobody would see what it does. SIGCHLD tells of its end, and it is reaped as an orphan.
                let _ = send_signal(&child.pidfd, KILL);
                for (descriptor, _) in watched {
                    let _ = self.poller.remove(descriptor);
                }
                return Err(error.into());
            }
        }
        let since = now();
        let spawning = Some(spawning);
        self.engine.alive = Some(Alive {
            spawning,
            child,
            socket: own,
            since,
            greeted: false,
            served: false,
            condemned: false,
        });
        Ok(())
    }

    /// The engine's exec succeeded or failed; if it failed, its death follows.
    pub(super) fn handle_engine_start(&mut self) {
        let Some(alive) = &mut self.engine.alive else { return };
        let Some(spawning) = &mut alive.spawning else { return };
        match spawning.poll() {
            Ok(None) => return,
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(message))) => say(&format!("the engine could not be started: {message}")),
            Err(error) => say(&format!("the engine's start could not be followed: {error}")),
        }
        let _ = self.poller.remove(spawning.status());
        alive.spawning = None;
    }

    /// The engine died: what it still said is done, then the next one is due.
    pub(super) fn handle_engine_exit(&mut self) {
        let Some(alive) = &self.engine.alive else { return };
        let Ok(Some(exit)) = exit_of(&alive.child.pidfd) else { return };
        self.handle_last_requests();
        self.handle_engine_start();
        let Some(alive) = self.engine.alive.take() else { return };
        let _ = self.poller.remove(&alive.child.pidfd);
        let _ = self.poller.remove(&alive.socket);
        let _ = reap(&alive.child.pidfd);
        self.outbox.clear();
        self.deadlines.clear(Due::EndEngine);
        self.deadlines.clear(Due::Send);
        self.forget_told();
        self.deadlines.set(Due::Splice, later(SPLICE_AFTER));
        let lived = Duration::from_nanos(now().saturating_sub(alive.since));
        match self.phase {
            Phase::Serving | Phase::ShuttingDown => {
                say(&format!("the engine (pid {}) {}", alive.child.pid, ending(exit)));
                self.after_death(lived, alive.served);
            }
            Phase::Parked | Phase::Ending { .. } => self.engine.deaths.forget(),
        }
    }

    fn after_death(&mut self, lived: Duration, served: bool) {
        let pause = self.engine.deaths.count(now(), lived, served);
        let hopeless = self.engine.recovery() && !self.engine.served_ever;
        if let Some(reporter) = self.reporter.take_if(|_| hopeless) {
            let message = format!("the engine died {RECOVERY_DEATHS} times without having served");
            reporter.fail(EXIT_FAILED, &message);
            say(&message);
            self.end(EXIT_FAILED);
            return;
        }
        self.deadlines.set(Due::StartEngine, later(pause));
    }

    /// Kills the engine, if it runs, for this reason.
    pub(super) fn kill_engine(&mut self, why: &str) {
        let Some(alive) = self.engine.alive.as_mut().filter(|alive| !alive.condemned) else { return };
        alive.condemned = true;
        let _ = send_signal(&alive.child.pidfd, KILL);
        say(&format!("the engine (pid {}) is killed: {why}", alive.child.pid));
    }
}

fn engine_environment(socket: i32) -> Vec<Vec<u8>> {
    let own = std::env::vars_os().filter(|(name, _)| name != KEEPER_FD_VARIABLE);
    let own = own.map(|(name, value)| [name.as_bytes(), b"=", value.into_vec().as_slice()].concat());
    own.chain([format!("{KEEPER_FD_VARIABLE}={socket}").into_bytes()]).collect()
}

fn ending(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with code {code}"),
        Exit::Signal(number) => format!("was killed by {}", signal::name(number)),
    }
}
