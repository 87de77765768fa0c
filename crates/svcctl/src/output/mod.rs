//! What commands print: text for people, JSON and YAML for programs.
//!
//! Everything goes through [`print()`], so that a reader that is gone ends a command quietly. Colours are for
//! terminals; `NO_COLOR` (no-color.org) turns them off.

pub(crate) mod age;
pub(crate) mod service;
mod style;
pub(crate) mod table;

pub(crate) use style::Style;

use crate::args::Format;
use crate::error::{CliError, failure};
use serde::Serialize;
use std::io::{self, Write as _};
use svckit::control::types::FailureKind;

/// Writes `text` to standard output.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    print_bytes(text.as_bytes())
}

/// Writes `bytes`, which need not be text, to standard output.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| write_failure(&error))
}

fn write_failure(error: &io::Error) -> CliError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        CliError::ReaderGone
    } else {
        failure(FailureKind::Failed, format!("cannot write the output: {error}"))
    }
}

/// A remark beside the answer, on standard error.
pub(crate) fn remark(text: &str) {
    // Who closed standard error does not want to know.
    drop(writeln!(io::stderr().lock(), "svcctl: {text}"));
}

/// Prints `value` for programs, or what `text` gives for people.
pub(crate) fn answer<T: Serialize>(
    format: Format,
    value: &T,
    text: impl FnOnce() -> String,
) -> Result<(), CliError> {
    let unprintable = |error: &dyn std::fmt::Display| {
        failure(FailureKind::Failed, format!("cannot print the answer: {error}"))
    };
    match format {
        Format::Text => print(&text()),
        Format::Json => {
            let mut json = serde_json::to_string_pretty(value).map_err(|error| unprintable(&error))?;
            json.push('\n');
            print(&json)
        }
        Format::Yaml => {
            let tree = serde_json::to_value(value).map_err(|error| unprintable(&error))?;
            print(&svckit::config::render(&tree).map_err(|error| unprintable(&error))?)
        }
    }
}
