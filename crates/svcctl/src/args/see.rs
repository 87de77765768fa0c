//! Verbs that show: what services there are, what they do, and what they wrote.

use super::values::{parse_lines, parse_since};
use super::{DocumentName, Lines, LogFormat, Names, OutputArgs, Since, unique};
use clap::Args;

/// Services by position or by flag, or none, which means all.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AnyNames {
    /// The services; * ? [ab] stand for parts of names
    #[arg(value_name = "NAME")]
    placed: Vec<String>,
    /// The same as NAME
    #[arg(long = "name", value_name = "NAME")]
    flagged: Vec<String>,
    /// All services
    #[arg(long, conflicts_with_all = ["placed", "flagged"])]
    pub(crate) all: bool,
}

impl AnyNames {
    /// The names, each once, in the order they were given.
    pub(crate) fn listed(&self) -> Vec<&str> {
        unique(self.placed.iter().chain(&self.flagged))
    }
}

/// `svcctl status`
#[derive(Debug, Args)]
#[command(
    after_help = "Without a name: how many services are in which state, those that are not well,\nand the daemon. Exit codes: 0 running or completed, 3 not running, 1 ERROR, 4 no\nsuch service; of several services, that of the worst; without a name 0, or 1 if one\nis in ERROR or unhealthy. JSON and YAML are one object for one plain name, and a\nlist for several names or a pattern.\n\nExamples:\n  svcctl status\n  svcctl status web\n  svcctl status 'web-*' --output json"
)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) names: AnyNames,
    /// How many of the last log records [default: 10; of several services: 0]
    #[arg(short = 'n', long, value_name = "N", value_parser = parse_lines, conflicts_with = "no_logs")]
    pub(crate) lines: Option<Lines>,
    /// Leave out the log records
    #[arg(long)]
    pub(crate) no_logs: bool,
    /// Show the last events, of several services too
    #[arg(long, conflicts_with = "no_events")]
    pub(crate) events: bool,
    /// Leave out the events
    #[arg(long)]
    pub(crate) no_events: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svcctl list\n  svcctl list 'web-*'\n  svcctl list --jobs --output json")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) names: AnyNames,
    /// Show the runs of services with a schedule or a trigger
    #[arg(long)]
    pub(crate) jobs: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl show`
#[derive(Debug, Args)]
#[command(
    after_help = "The specification is the accepted one; what equals a default is left out.\n\nExamples:\n  svcctl show web\n  svcctl show web --all-keys --output toml\n  svcctl show web --file"
)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    /// Fill in the defaults
    #[arg(long, conflicts_with = "file")]
    pub(crate) all_keys: bool,
    /// Show the text of the file in services/, with its comments
    #[arg(long, conflicts_with = "output")]
    pub(crate) file: bool,
    /// yaml, json or toml
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "yaml",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) output: DocumentName,
}

/// `svcctl events`
#[derive(Debug, Args)]
#[command(
    after_help = "JSON is one event a line.\n\nExamples:\n  svcctl events\n  svcctl events -f web db\n  svcctl events --since 1h --output json"
)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) names: AnyNames,
    /// How many of the last events, or all [default: 20; with --since: all]
    #[arg(short = 'n', long, value_name = "N", value_parser = parse_lines)]
    pub(crate) lines: Option<Lines>,
    /// Only since then: 90s, 2h, 2026-11-24, 2026-11-24T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub(crate) since: Option<Since>,
    /// Go on with what happens from now on
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `svcctl logs`
#[derive(Debug, Args)]
#[command(
    after_help = "Records of several services come in the order of their times.\n\nExamples:\n  svcctl logs web\n  svcctl logs -f -n 0 web db\n  svcctl logs 'web-*' -n 1000 --output json"
)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) names: Names,
    /// How many of the last records of each service, or all
    #[arg(short = 'n', long, value_name = "N", default_value = "50", value_parser = parse_lines)]
    pub(crate) lines: Lines,
    /// Go on with what is written from now on
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// text, json (as stored), yaml or raw (messages alone)
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) output: LogFormat,
}

/// `svcctl schema`
#[derive(Debug, Args)]
#[command(
    after_help = "Editors complete and check a specification by it: put this on its first line.\n\n  # yaml-language-server: $schema=svcctl.schema.json\n\nExample:\n  svcctl schema > svcctl.schema.json"
)]
pub(crate) struct SchemaArgs {
    /// json or yaml
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "json",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) output: super::Format,
}
