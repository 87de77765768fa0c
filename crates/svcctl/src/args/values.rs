//! Values of flags: words that are chosen from a few, durations, counts and pairs.

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
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
    /// A YAML document for each record.
    Yaml,
    /// The messages alone.
    Raw,
}

impl LogFormat {
    /// How errors are told.
    pub(crate) fn error_format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Text | Self::Yaml | Self::Raw => Format::Text,
        }
    }
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentName {
    /// As people write it; also known as text.
    #[value(alias = "text")]
    Yaml,
    /// For programs.
    Json,
    /// As Cargo has it.
    Toml,
}

impl DocumentName {
    /// How errors are told.
    pub(crate) fn error_format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Yaml | Self::Toml => Format::Text,
        }
    }
}

/// Since when something is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So long ago.
    Ago(Duration),
    /// A point in time.
    At(Timestamp),
}

impl Since {
    /// The point in time, seen from `now`.
    pub(crate) fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            // What is longer ago than time goes back is everything.
            Self::Ago(length) => now.checked_sub(length).unwrap_or(Timestamp::MIN),
            Self::At(at) => at,
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

/// Reads a duration, which means so long ago, or a time: RFC 3339, or as [`civil`] reads it, in UTC.
pub(crate) fn parse_since(text: &str) -> Result<Since, String> {
    if let Ok(length) = duration::parse(text) {
        return Ok(Since::Ago(length));
    }
    text.parse::<Timestamp>().ok().or_else(|| civil(text)).map(Since::At).ok_or_else(|| {
        "a duration (90s, 2h) or a time (2026-11-24, 2026-11-24T08:00:00Z) is needed".to_owned()
    })
}

/// A date, or a date and a time of day, in UTC.
fn civil(text: &str) -> Option<Timestamp> {
    let at = text.parse::<DateTime>().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Splits `KEY=VALUE`.
pub(crate) fn parse_env(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is needed".to_owned()),
    }
}
