//! The command line: one definition of every verb, its flags and its help.
//!
//! `--help` of each verb fits a screen and ends with examples to copy; a test holds it to that. What an argument means
//! for a service is not decided here (see [`crate::document`]).

mod acts;
mod files;
mod see;
mod specification;
mod tools;
mod values;

pub(crate) use acts::{BootArgs, DryRunArgs, HoldArgs, ReloadArgs, SignalArgs, UnholdArgs};
pub(crate) use files::{ApplyArgs, DiffArgs, EditArgs, ValidateArgs};
pub(crate) use see::{AnyNames, EventsArgs, ListArgs, LogsArgs, SchemaArgs, ShowArgs, StatusArgs};
pub(crate) use specification::{About, InstallArgs, KindName, MoreArgs, RestartName, RunArgs, SpecArgs};
pub(crate) use tools::{ColorWhen, CompletionsArgs, DoctorArgs, InitArgs, ManArgs, ShellName, TerminalArgs};
pub(crate) use values::{DocumentName, Format, Lines, LogFormat, ManagerName, ScopeName, Since};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;
use values::parse_duration;

/// How long a command waits when nothing is said.
const WAIT_DEFAULT: Duration = Duration::from_secs(90);

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "svcctl",
    version,
    about = "Keeps any program running as a background service, and shows why",
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Examples:\n  svcctl install web --now -- ./server --port 8080\n  svcctl status web\n  svcctl logs -f web\n\nsvcctl VERB --help tells more about each. With every verb: --color auto|always|never, --no-pager."
)]
pub(crate) struct Cli {
    /// Where services are looked for.
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How it looks on a terminal.
    #[command(flatten)]
    pub(crate) terminal: TerminalArgs,
    /// What is to be done.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Which services, of all on this machine.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PlaceArgs {
    /// What `--root` is, or the variable of the environment.
    #[arg(
        long,
        global = true,
        display_order = 900,
        value_name = "DIR",
        help = "Where everything is kept [env: SVCCTL_ROOT]"
    )]
    pub(crate) root: Option<PathBuf>,
    /// system or user [default: by privilege]
    #[arg(long, global = true, display_order = 900, value_name = "SCOPE", hide_possible_values = true)]
    pub(crate) scope: Option<ScopeName>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a program a service
    Install(Box<InstallArgs>),
    /// Stop a service and forget it; its logs stay
    Uninstall(UninstallArgs),
    /// Start services and wait until they are up
    Start(StartArgs),
    /// Stop services and wait until no process is left
    Stop(StopArgs),
    /// Stop services and start them again
    Restart(RestartArgs),
    /// Let services take up their changed configuration
    Reload(ReloadArgs),
    /// Clear the ERROR state of services
    Reset(ResetArgs),
    /// Start services at boot
    Enable(BootArgs),
    /// Do not start services at boot
    Disable(BootArgs),
    /// Start nothing of services until unhold
    Hold(HoldArgs),
    /// Take back a hold
    Unhold(UnholdArgs),
    /// Send a signal to services
    Signal(SignalArgs),
    /// Show what services do, and why
    Status(StatusArgs),
    /// Show all services in a table
    List(ListArgs),
    /// Show what services wrote
    Logs(LogsArgs),
    /// Show what happened to services
    Events(EventsArgs),
    /// Show the specifications of services
    Show(ShowArgs),
    /// Change a specification in your editor
    Edit(EditArgs),
    /// Bring services about as files say
    Apply(ApplyArgs),
    /// Show what apply would change
    Diff(DiffArgs),
    /// Check files, and change nothing
    Validate(ValidateArgs),
    /// Keep a program running in the foreground
    Run(Box<RunArgs>),
    /// Run the daemon that keeps the services, or end it
    Daemon(DaemonArgs),
    /// Write a specification for a program
    Init(Box<InitArgs>),
    /// Check the machine and what is installed
    Doctor(DoctorArgs),
    /// Print a shell's completions
    Completions(CompletionsArgs),
    /// Print a manual page
    Man(ManArgs),
    /// Print the JSON Schema of specifications
    Schema(SchemaArgs),
    /// Show the version
    Version(OutputArgs),
    /// Run an engine under the keeper.
    #[command(name = "__engine", hide = true)]
    Engine(EngineArgs),
}

impl Verb {
    /// How errors of this command are told.
    pub(crate) fn error_format(&self) -> Format {
        match self {
            Self::Install(args) => args.output.output,
            Self::Uninstall(args) => args.output.output,
            Self::Start(args) => args.output.output,
            Self::Stop(args) => args.output.output,
            Self::Restart(args) => args.output.output,
            Self::Reset(args) => args.output.output,
            Self::Reload(args) => args.output.output,
            Self::Enable(args) | Self::Disable(args) => args.output.output,
            Self::Hold(args) => args.output.output,
            Self::Unhold(args) => args.output.output,
            Self::Signal(args) => args.output.output,
            Self::Edit(args) => args.output.output,
            Self::Apply(args) => args.output.output,
            Self::Diff(args) => args.output.output,
            Self::Validate(args) => args.output.output,
            Self::Status(args) => args.output.output,
            Self::List(args) => args.output.output,
            Self::Logs(args) => args.output.error_format(),
            Self::Events(args) => args.output.output,
            Self::Show(args) => args.output.error_format(),
            Self::Daemon(args) => args.error_format(),
            Self::Version(args) => args.output,
            Self::Doctor(args) => args.output.output,
            Self::Run(_)
            | Self::Engine(_)
            | Self::Init(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Schema(_) => Format::Text,
        }
    }
}

/// How the answer is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// text, json or yaml
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) output: Format,
}

/// Services by position or by flag.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Names {
    /// The services; * ? [ab] stand for parts of names
    #[arg(value_name = "NAME", required_unless_present_any = ["flagged", "all"])]
    placed: Vec<String>,
    /// The same as NAME
    #[arg(long = "name", value_name = "NAME")]
    flagged: Vec<String>,
    /// All services
    #[arg(long, conflicts_with_all = ["placed", "flagged"])]
    pub(crate) all: bool,
}

impl Names {
    /// One name.
    pub(crate) fn of(name: &str) -> Self {
        Self::of_all(vec![name.to_owned()])
    }

    /// These names.
    pub(crate) fn of_all(placed: Vec<String>) -> Self {
        Self { placed, ..Self::default() }
    }

    /// The names, each once, in the order they were given; none under `--all`.
    pub(crate) fn listed(&self) -> Vec<&str> {
        unique(self.placed.iter().chain(&self.flagged))
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if !found.contains(&name.as_str()) {
            found.push(name);
        }
    }
    found
}

/// How long a command waits for what it asked for.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WaitArgs {
    /// Do not wait for the outcome
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,
    /// Wait so long at most (exit code 6)
    #[arg(long, value_name = "TIME", default_value = "90s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

impl Default for WaitArgs {
    /// What they are when nothing is said.
    fn default() -> Self {
        Self { no_wait: false, timeout: WAIT_DEFAULT }
    }
}

/// What happens to running services that depend on one that is stopped.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DependantsArgs {
    /// Stop running services that need these first
    #[arg(long, conflicts_with = "force")]
    pub(crate) with_dependants: bool,
    /// Leave running services that need these as they are
    #[arg(long)]
    pub(crate) force: bool,
}

/// `svcctl uninstall`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svcctl uninstall web\n  svcctl uninstall redis --with-dependants")]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) dependants: DependantsArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl start`
#[derive(Debug, Args)]
#[command(
    after_help = "The daemon is started in the background where none runs. What a service depends\non is started with it.\n\nExamples:\n  svcctl start web\n  svcctl start 'web-*'\n  svcctl start --all --timeout 5m"
)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Run a job once, now; what is wanted of it stays
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl stop`
#[derive(Debug, Args)]
#[command(
    after_help = "A stopped service stays stopped until it is started, or until the next boot if\nit has autostart.\n\nExamples:\n  svcctl stop web\n  svcctl stop redis --with-dependants"
)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) dependants: DependantsArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl restart`
#[derive(Debug, Args)]
#[command(after_help = "A service that does not run is started.\n\nExample:\n  svcctl restart web")]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl reset`
#[derive(Debug, Args)]
#[command(
    after_help = "A service in ERROR was given up. Reset lets it start anew, if it is wanted up.\n\nExample:\n  svcctl reset web"
)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl daemon`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  svcctl daemon --background\n  svcctl daemon status\n  svcctl daemon stop --keep-services"
)]
pub(crate) struct DaemonArgs {
    /// Go into the background once it serves
    #[arg(long)]
    pub(crate) background: bool,
    #[command(subcommand)]
    pub(crate) action: Option<DaemonAction>,
}

impl DaemonArgs {
    fn error_format(&self) -> Format {
        match &self.action {
            Some(DaemonAction::Status(args)) => args.output,
            Some(DaemonAction::Stop(args)) => args.output.output,
            None => Format::Text,
        }
    }
}

/// `svcctl daemon VERB`
#[derive(Debug, Subcommand)]
pub(crate) enum DaemonAction {
    /// Show the daemon; exit code 10 when none runs
    #[command(after_help = "Example:\n  svcctl daemon status --output json")]
    Status(OutputArgs),
    /// Stop all services and end the daemon
    Stop(DaemonStopArgs),
}

/// `svcctl daemon stop`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svcctl daemon stop\n  svcctl daemon stop --keep-services")]
pub(crate) struct DaemonStopArgs {
    /// Leave the services running, for the next daemon
    #[arg(long)]
    pub(crate) keep_services: bool,
    /// Kill what is left after this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl __engine`, which the keeper runs
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// `daemon`, or `run-NAME`
    #[arg(long, default_value = "daemon")]
    pub(crate) id: String,
    /// The one specification of `svcctl run`, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) run_spec: Option<String>,
    /// Show the output of the one service as it comes
    #[arg(long)]
    pub(crate) echo: bool,
}

#[cfg(test)]
mod tests;
