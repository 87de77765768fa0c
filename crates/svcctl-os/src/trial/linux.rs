//! Linux: a child of its own session; what it leaves behind comes to this process and is found among its descendants.

use crate::inspect;
use crate::linux::procfs;
use crate::process::{
    Child, Exit, OutputPipe, Program, Spawner, become_subreaper, exit_of, output_pipe, reap_orphans,
    send_signal,
};
use crate::signal::SignalQueue;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What ends a command before its time.
const INTERRUPTS: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
/// How long killed processes may take to be gone.
const DEAD_WITHIN: Duration = Duration::from_secs(5);
/// The pause between two looks at the process table.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Trial {
    child: Child,
    /// What would end this process, and leave the program behind.
    signals: SignalQueue,
    /// Killed, and nothing is left.
    over: bool,
}

impl Trial {
    pub(super) fn start(program: &Program) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let signals = SignalQueue::new(&INTERRUPTS).map_err(|error| told(&error))?;
        become_subreaper().map_err(|error| told(&error))?;
        let spawner = Spawner::new().map_err(|error| told(&error))?;
        let nowhere = || -> Result<OutputPipe, String> {
            let write = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
            let pipe = output_pipe().map_err(|error| told(&error))?;
            Ok(OutputPipe { write: write.map_err(|error| told(&error))?, ..pipe })
        };
        let output = [nowhere()?, nowhere()?];
        let started = spawner.start(program, [&output[0], &output[1]], None);
        let (child, mut spawning) = started.map_err(|error| told(&error))?;
        let trial = Self { child, signals, over: false };
        loop {
            // Wakes when the child is its program, or has ended on the way.
            let waited = poll(&mut [PollFd::new(&spawning.status(), PollFlags::IN)], None);
            if let Some(outcome) = spawning.poll().map_err(|error| told(&error))? {
                return outcome.map(|()| trial);
            }
            if let Err(error) = waited
                && error != rustix::io::Errno::INTR
            {
                return Err(told(&error));
            }
        }
    }

    pub(super) fn wait(&self, at_most: Duration) -> Option<Exit> {
        let limit = Timespec::try_from(at_most).ok()?;
        // An early return by a signal only means another look.
        let (pidfd, signals) = (self.child.pidfd.as_fd(), self.signals.as_fd());
        let waited = [&pidfd, &signals].map(|descriptor| PollFd::new(descriptor, PollFlags::IN));
        let _ = poll(&mut { waited }, Some(&limit));
        exit_of(&self.child.pidfd).ok().flatten()
    }

    pub(super) fn listeners(&self) -> Vec<SocketAddr> {
        let mut pids = descendants();
        // Also in the moment in which it is not yet seen below this process.
        pids.push(self.child.pid);
        inspect::listeners(&pids)
    }

    /// The signal stays in its queue, so that every later wait is short.
    pub(super) fn is_interrupted(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let signals = self.signals.as_fd();
        poll(&mut [PollFd::new(&signals, PollFlags::IN)], Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    pub(super) fn end(mut self, grace: Duration) -> bool {
        // One that has ended needs no signal.
        let _ = send_signal(&self.child.pidfd, libc::SIGTERM);
        self.wait(grace);
        self.kill()
    }

    /// Kills all that is left, until nothing is.
    fn kill(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            let _ = reap_orphans(|_| false);
            let left = descendants();
            if left.is_empty() || begun.elapsed() > DEAD_WITHIN {
                self.over = true;
                return left.is_empty();
            }
            for entry in left.iter().filter_map(|pid| procfs::process(*pid)) {
                let _ = procfs::kill(entry);
            }
            // real delay: the end of processes that are no children of this one gives no event.
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
        }
    }
}

/// The processes below this one.
fn descendants() -> Vec<u32> {
    let own = std::process::id();
    inspect::tree_of(own).into_iter().filter(|pid| *pid != own).collect()
}
