//! Verbs that act on services beside starting and stopping them, and what happened.

use super::{Names, OutputArgs, WaitArgs};
use clap::Args;

/// That nothing is to be done, but said.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct DryRunArgs {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `svcctl reload`
#[derive(Debug, Args)]
#[command(
    after_help = "What it does is said by `reload` in the specification: a signal, a command, or a\nrestart.\n\nExample:\n  svcctl reload web"
)]
pub(crate) struct ReloadArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl enable` and `svcctl disable`
#[derive(Debug, Args)]
#[command(
    after_help = "This is about the next boot; what runs goes on, and what is stopped stays so.\n\nExamples:\n  svcctl enable web\n  svcctl disable 'worker-*'"
)]
pub(crate) struct BootArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl hold`
#[derive(Debug, Args)]
#[command(
    after_help = "What runs goes on; what ends, or is stopped, is not started again: not by its\nrestart policy, its schedule, a boot, or `start`. Take it back with: unhold.\n\nExample:\n  svcctl hold db --reason 'moving its disk'"
)]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    /// Why; it is shown by status
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl unhold`
#[derive(Debug, Args)]
#[command(after_help = "What was wanted up while it was held starts.\n\nExample:\n  svcctl unhold db")]
pub(crate) struct UnholdArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl signal`
#[derive(Debug, Args)]
#[command(
    after_help = "The signal goes to the main process. Names are those of POSIX, with or without\nSIG: HUP, INT, QUIT, TERM, KILL, USR1, USR2, WINCH, CONT, STOP.\n\nExamples:\n  svcctl signal web HUP\n  svcctl signal 'web-*' --signal USR1"
)]
pub(crate) struct SignalArgs {
    /// The services; * ? [ab] stand for parts of names
    #[arg(value_name = "NAME", required_unless_present_any = ["flagged", "all"])]
    placed: Vec<String>,
    /// The same as NAME
    #[arg(long = "name", value_name = "NAME")]
    flagged: Vec<String>,
    /// All services
    #[arg(long, conflicts_with = "flagged")]
    all: bool,
    /// The signal; else it is the last word behind the names
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl SignalArgs {
    /// The services and the signal; none where no signal is given.
    pub(crate) fn split(&self) -> Option<(Names, String)> {
        let mut placed = self.placed.clone();
        let signal = match &self.signal {
            Some(signal) => signal.clone(),
            None => placed.pop()?,
        };
        let flagged = self.flagged.clone();
        (self.all || !placed.is_empty() || !flagged.is_empty())
            .then_some((Names { placed, flagged, all: self.all }, signal))
    }
}
