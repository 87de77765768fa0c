//! Verbs on specifications and their files.

use super::{OutputArgs, WaitArgs};
use clap::Args;
use std::path::PathBuf;

/// `svcctl edit`
#[derive(Debug, Args)]
#[command(
    after_help = "A copy opens in $SVCCTL_EDITOR, $VISUAL or $EDITOR. It is checked when the editor\nends, and installed if it is right; nothing happens if it was not changed.\n\nExamples:\n  svcctl edit web\n  svcctl edit web --restart"
)]
pub(crate) struct EditArgs {
    /// The service
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Restart it if only a new process has the change
    #[arg(long)]
    pub(crate) restart: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl apply`
#[derive(Debug, Args)]
#[command(
    after_help = "Takes YAML (several documents with --- between them), JSON and TOML; of a directory\nall such files in it. Nothing is done if anything in them is wrong (exit code 9).\n+ new  ~ changed  = as it is  - uninstalled\n\nExamples:\n  svcctl apply -f services/ --dry-run\n  svcctl apply -f web.yaml -f db.toml --wait\n  svcctl apply --pending web"
)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line, each an option of its own")]
pub(crate) struct ApplyArgs {
    /// Only these of the services; * ? [ab] stand for parts
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// A file, a directory, or - for stdin; repeatable
    #[arg(short, long = "file", value_name = "FILE", required_unless_present = "pending")]
    pub(crate) files: Vec<PathBuf>,
    /// Take the edited files in services/
    #[arg(long, conflicts_with = "files")]
    pub(crate) pending: bool,
    /// Uninstall services that are not among them
    #[arg(long, conflicts_with = "names")]
    pub(crate) prune: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait until what is started is up
    #[arg(long)]
    pub(crate) wait: bool,
    /// With --wait: so long at most (exit code 6)
    #[arg(long, value_name = "TIME", default_value = "90s", requires = "wait", value_parser = super::values::parse_duration)]
    pub(crate) timeout: std::time::Duration,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl ApplyArgs {
    /// How long is waited.
    pub(crate) fn wait_args(&self) -> WaitArgs {
        WaitArgs { no_wait: !self.wait, timeout: self.timeout }
    }
}

/// `svcctl diff`
#[derive(Debug, Args)]
#[command(
    after_help = "Without -f: what the edited files in services/ would change. Exit codes: 0 no\ndifference, 1 differences, 9 a file is wrong.\n\nExamples:\n  svcctl diff\n  svcctl diff -f services/ --prune"
)]
pub(crate) struct DiffArgs {
    /// Only these of the services; * ? [ab] stand for parts
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// A file, a directory, or - for stdin; repeatable
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Show also what is not among them
    #[arg(long)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl validate`
#[derive(Debug, Args)]
#[command(
    after_help = "No daemon is needed. Warnings are about this machine: a program, a user or a file\nthat is not there. Exit codes: 0 valid, 9 wrong.\n\nExamples:\n  svcctl validate web.yaml\n  svcctl validate services/ --output json"
)]
pub(crate) struct ValidateArgs {
    /// Files, directories, or - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What they depend on may also be installed already
    #[arg(long)]
    pub(crate) installed: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
