//! Programs that end with the bench, however it ends.
//!
//! A supervisor that is measured has up to some thousand processes, in sessions of their own, that outlive their
//! starter by design. So each is started below a guard, see [`role()`], and everything of it is gone when its
//! [`Guarded`] is dropped, or when this process dies.

mod role;

pub(crate) use role::role;

use super::processes::{self, descendants};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How often a program is started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Times {
    /// Once.
    Once,
    /// Again whenever it has ended.
    Again,
}

/// A program that runs, and all that it has started.
pub(super) struct Guarded {
    guard: Child,
    began: u64,
}

impl Guarded {
    /// Starts `program`, in the directory `place`, where its standard error goes into the file `stderr`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(times: Times, program: &[String], place: &Path) -> Result<Self> {
        let stderr = place.join("stderr");
        let stderr = File::create(&stderr).with_context(|| format!("failed to make {}", stderr.display()))?;
        let times = match times {
            Times::Once => "once",
            Times::Again => "loop",
        };
        let own = std::env::current_exe().context("this program has no path")?;
        let mut command = Command::new(own);
        command.args(["guard", times]).args(program).current_dir(place).env_remove("SVCCTL_ROOT");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut guard = command.spawn().context("failed to start a guard")?;
        let mut line = String::new();
        let stdout = guard.stdout.take().context("standard output is not piped")?;
        let mut this = Self { guard, began: 0 };
        BufReader::new(stdout).read_line(&mut line).context("failed to listen to a guard")?;
        let began = line.split_whitespace().next().and_then(|word| word.parse().ok());
        this.began = began.with_context(|| {
            format!("{} did not start: see {}", program.join(" "), place.join("stderr").display())
        })?;
        Ok(this)
    }

    /// The monotonic clock just before the program was started, in nanoseconds.
    pub(super) fn began(&self) -> u64 {
        self.began
    }

    /// The processes that have been started, those whose program is `service` and the others.
    pub(super) fn processes(&self, service: &Path) -> (Vec<u32>, Vec<u32>) {
        let all = descendants(self.guard.id()).into_iter();
        all.partition(|pid| processes::program(*pid).is_some_and(|program| program == service))
    }
}

impl Drop for Guarded {
    /// Ends it with all that it has started, by SIGKILL.
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
