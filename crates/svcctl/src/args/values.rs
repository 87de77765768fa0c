//! Values of flags: words that are chosen from a few, durations, counts and pairs.

use clap::ValueEnum;
use std::time::Duration;
use svcctl_core::spec::duration;

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

/// How log records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Time, stream and message, for people.
    Text,
    /// The records as they are stored, one a line.
    Json,
    /// The messages alone.
    Raw,
}

impl LogFormat {
    /// How errors are told.
    pub(crate) fn error_format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Text | Self::Raw => Format::Text,
        }
    }
}

/// Whose services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    /// The machine's.
    System,
    /// The user's.
    User,
}

/// Who runs a service, as far as it can be said on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ManagerName {
    /// The best that there is here.
    Auto,
    /// svcctl's own daemon.
    Embedded,
    /// Linux's.
    Systemd,
    /// Windows'.
    Scm,
    /// macOS'.
    Launchd,
}

impl ManagerName {
    /// Its name in a sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Auto => "the best manager there is",
            Self::Embedded => "svcctl's own daemon",
            Self::Systemd => "systemd",
            Self::Scm => "the Windows Service Control Manager",
            Self::Launchd => "launchd",
        }
    }
}

/// How many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// The last ones, this many.
    Last(u64),
    /// Every one.
    All,
}

/// Reads a duration such as `1m30s`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).map_err(|error| format!("it {error}"))
}

/// Reads a count of records, or `all`.
pub(crate) fn parse_lines(text: &str) -> Result<Lines, String> {
    if text == "all" {
        return Ok(Lines::All);
    }
    text.parse().map(Lines::Last).map_err(|_| "a number or \"all\" is needed".to_owned())
}

/// Splits `KEY=VALUE`.
pub(crate) fn parse_env(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is needed".to_owned()),
    }
}
