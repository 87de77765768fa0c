//! The flags that say what a service is: for `install`, and for `run`.

use super::OutputArgs;
use super::values::{ManagerName, parse_duration, parse_env};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// `svcctl install`
#[derive(Debug, Args)]
#[command(after_help = "\
Relative paths are taken from the current directory. The same again changes
nothing; other flags for the same name are refused, but for --update. Examples:
  svcctl install web --now -- ./server --port 8080
  svcctl install --name=agent --exec='/usr/local/bin/agentd --quiet' --user=svc
  svcctl install api --depends-on redis:ready --ready-tcp :8080 -- /opt/api
  svcctl install -f web.yaml")]
pub(crate) struct InstallArgs {
    /// The service's name (or: --name NAME)
    #[arg(value_name = "NAME", required_unless_present_any = ["name", "file"])]
    pub(crate) position: Option<String>,
    /// The same as NAME
    #[arg(long, value_name = "NAME", conflicts_with = "position", hide = true)]
    pub(crate) name: Option<String>,
    /// The same as one text, split as a shell does
    #[arg(long, value_name = "TEXT", conflicts_with = "program")]
    pub(crate) exec: Option<String>,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub(crate) program: Vec<String>,
    /// The specification: YAML, JSON, TOML; - is stdin
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["exec", "program", "SpecArgs", "About", "More"])]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    #[command(flatten)]
    pub(crate) about: About,
    #[command(flatten)]
    pub(crate) more: MoreArgs,
    /// Start it at once, and wait until it is up
    #[arg(long)]
    pub(crate) now: bool,
    /// Replace another specification of that name
    #[arg(long)]
    pub(crate) update: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl run`
#[derive(Debug, Args)]
#[command(mut_arg("cwd", |arg| arg.help("Its working directory [default: the current one]")))]
#[command(after_help = "\
The program has svcctl's environment and directory, and its output is svcctl's.
Ctrl+C stops it. Once its restart policy lets it end, its exit code is svcctl's.

Examples:
  svcctl run -- ./server --port 8080
  svcctl run --restart on-failure --restart-delay 5s -- ./worker")]
pub(crate) struct RunArgs {
    /// Its name [default: the program's file name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Go into the background once the program is up
    #[arg(long)]
    pub(crate) background: bool,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]", required = true)]
    pub(crate) program: Vec<String>,
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
}

/// What `install` and `run` have in common.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "SpecArgs", multiple = true)]
pub(crate) struct SpecArgs {
    /// always, on-failure or never [default: always]
    #[arg(long, value_name = "POLICY", hide_possible_values = true)]
    pub(crate) restart: Option<RestartName>,
    /// Wait so long before each restart
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) restart_delay: Option<Duration>,
    /// Set a variable of its environment
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = parse_env)]
    pub(crate) env: Vec<(String, String)>,
    /// Its working directory [default: /]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Run it as this user (name or number)
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Its primary group [default: the user's]
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Ready once HOST:PORT (or :PORT) accepts
    #[arg(long, value_name = "ADDR")]
    pub(crate) ready_tcp: Option<String>,
    /// simple (it stays) or oneshot (it ends)
    #[arg(long = "type", value_name = "TYPE", hide_possible_values = true)]
    pub(crate) kind: Option<KindName>,
    /// Failed if not ready after so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) start_timeout: Option<Duration>,
    /// Killed if not stopped after so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) stop_timeout: Option<Duration>,
}

/// What only an installed service has.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "About", multiple = true)]
pub(crate) struct About {
    /// Start after NAME[:ready|:started|:completed]
    #[arg(long, value_name = "NAME")]
    pub(crate) depends_on: Vec<String>,
    /// Do not start it at boot
    #[arg(long)]
    pub(crate) no_autostart: bool,
    /// Who runs it: auto or embedded
    #[arg(long, value_name = "MANAGER", hide_possible_values = true)]
    pub(crate) manager: Option<ManagerName>,
    /// A name for people
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub(crate) display_name: Option<String>,
    /// What it does
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub(crate) description: Option<String>,
}

/// What is said less often: in `--help`, and not in `-h`.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "More", multiple = true)]
pub(crate) struct MoreArgs {
    /// Ready once this URL answers 2xx
    #[arg(long, value_name = "URL", hide_short_help = true, conflicts_with = "ready_tcp")]
    pub(crate) ready_http: Option<String>,
    /// Restarted while this URL does not answer 2xx
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(crate) liveness_http: Option<String>,
    /// Variables from a file; -FILE may be missing
    #[arg(long, value_name = "FILE", hide_short_help = true, allow_hyphen_values = true)]
    pub(crate) env_file: Vec<String>,
    /// Its file mode mask, octal: 027
    #[arg(long, value_name = "MASK", hide_short_help = true)]
    pub(crate) umask: Option<String>,
    /// A limit of its processes: `open_files=8192`
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_env, hide_short_help = true)]
    pub(crate) limit: Vec<(String, String)>,
    /// Run it by a cron expression: "30 2 * * *"
    #[arg(
        long,
        visible_alias = "schedule-cron",
        value_name = "CRON",
        hide_short_help = true,
        conflicts_with = "every"
    )]
    pub(crate) cron: Option<String>,
    /// Run it again and again: 5m
    #[arg(long, value_name = "TIME", value_parser = parse_duration, hide_short_help = true)]
    pub(crate) every: Option<Duration>,
    /// The time zone of --cron: Europe/Prague
    #[arg(long, value_name = "ZONE", hide_short_help = true, requires = "cron")]
    pub(crate) timezone: Option<String>,
    /// What tells it to reload: HUP
    #[arg(long, value_name = "SIGNAL", hide_short_help = true)]
    pub(crate) reload_signal: Option<String>,
}

/// A restart policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RestartName {
    /// Whatever its exit was.
    Always,
    /// After anything but success.
    OnFailure,
    /// Never.
    Never,
}

impl RestartName {
    /// The word in a specification.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OnFailure => "on-failure",
            Self::Never => "never",
        }
    }
}

/// What "running" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindName {
    /// A program that stays.
    Simple,
    /// A program that does one thing and ends.
    Oneshot,
}

impl KindName {
    /// The word in a specification.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Oneshot => "oneshot",
        }
    }
}
