//! Verbs that help with svcctl itself, and how everything looks on a terminal.

use super::OutputArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How it looks on a terminal; for every verb.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct TerminalArgs {
    /// When there are colours: auto, always or never
    #[arg(long, global = true, hide = true, value_name = "WHEN")]
    pub(crate) color: Option<ColorWhen>,
    /// Do not show long output page by page
    #[arg(long, global = true, hide = true)]
    pub(crate) no_pager: bool,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// `svcctl completions`
#[derive(Debug, Args)]
#[command(
    after_help = "Put one line where your shell begins; it also completes names of services.\n\n  ~/.bashrc         source <(svcctl completions bash)\n  ~/.zshrc          source <(svcctl completions zsh)   (after compinit)\n  config.fish       svcctl completions fish | source\n  $PROFILE          svcctl completions powershell | Out-String | Invoke-Expression\n\nExample:\n  svcctl completions bash"
)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish or powershell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub(crate) shell: ShellName,
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellName {
    /// The GNU one.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly one.
    Fish,
    /// Microsoft's.
    #[value(alias = "pwsh")]
    Powershell,
}

/// `svcctl man`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svcctl man | man -l -\n  svcctl man install | man -l -\n  svcctl man --dir /usr/local/share/man/man1"
)]
pub(crate) struct ManArgs {
    /// The page of one verb; of svcctl when left out
    #[arg(value_name = "VERB", conflicts_with = "dir")]
    pub(crate) verb: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// `svcctl doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Rights, directories, limits, the kernel, clocks, disks, the daemon, leftovers of\ncrashes and what the installed services need. Nothing is changed. Exit codes:\n0 nothing worse than warnings, 1 a problem.\n\nExamples:\n  svcctl doctor\n  svcctl doctor --output json"
)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl init`
#[derive(Debug, Args)]
#[command(
    after_help = "Where the program listens is guessed from its arguments, a configuration file\namong them, or a process of it that runs; comments say from what. --probe starts\nit for at most 5 s, looks, and ends it again.\n\nExamples:\n  svcctl init -- ./server --port 8080\n  svcctl init web --probe -f web.yaml -- ./server"
)]
pub(crate) struct InitArgs {
    /// The service's name [default: the program's]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where it is written; - is stdout
    #[arg(short = 'f', long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub(crate) output_file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Start the program to see where it listens
    #[arg(long)]
    pub(crate) probe: bool,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]", required = true)]
    pub(crate) program: Vec<String>,
}
