//! What commands print: text for people, JSON and YAML for programs.
//!
//! Everything goes through [`print()`] or a [`pager`], so that a reader that is gone ends a command quietly. Colours are
//! for terminals; `NO_COLOR` (no-color.org) turns them off.

pub(crate) mod age;
pub(crate) mod event;
pub(crate) mod pager;
pub(crate) mod printable;
pub(crate) mod progress;
#[cfg(test)]
pub(crate) mod published;
pub(crate) mod service;
pub(crate) mod style;
pub(crate) mod table;

pub(crate) use style::Style;

use crate::args::Format;
use crate::args::{ColorWhen, TerminalArgs};
use crate::error::{CliError, failure};
use serde::Serialize;
use std::io::{self, Write as _};
use std::sync::OnceLock;
use style::Wish;
use svckit::control::types::FailureKind;

/// What the person wants of the terminal; said once, before anything is printed.
static TERMINAL: OnceLock<Terminal> = OnceLock::new();

/// What the person wants of the terminal.
#[derive(Clone, Copy, Debug)]
struct Terminal {
    colour: Wish,
    pages: bool,
}

/// Takes what the command line says about the terminal; the first word counts.
pub(crate) fn set_up(args: TerminalArgs) {
    let colour = match args.color {
        None | Some(ColorWhen::Auto) => Wish::Fitting,
        Some(ColorWhen::Always) => Wish::Always,
        Some(ColorWhen::Never) => Wish::Never,
    };
    TERMINAL.get_or_init(|| Terminal { colour, pages: !args.no_pager });
}

fn terminal() -> Terminal {
    *TERMINAL.get_or_init(|| Terminal { colour: Wish::Fitting, pages: false })
}

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

/// Writes `text` to standard output, page by page where it is longer than the terminal.
pub(crate) fn page(text: &str) -> Result<(), CliError> {
    let mut pager = pager::Pager::of_stdout();
    pager.write(text.as_bytes())?;
    pager.finish()
}

/// Prints `value` for programs, or what `text` gives for people; page by page where that is longer than the terminal.
pub(crate) fn answer<T: Serialize>(
    format: Format,
    value: &T,
    text: impl FnOnce() -> String,
) -> Result<(), CliError> {
    page(&rendered(format, value, text)?)
}

/// As [`answer()`], but all at once: what came of a command is not to be leafed through.
pub(crate) fn answer_at_once<T: Serialize>(
    format: Format,
    value: &T,
    text: impl FnOnce() -> String,
) -> Result<(), CliError> {
    print(&rendered(format, value, text)?)
}

fn rendered<T: Serialize>(
    format: Format,
    value: &T,
    text: impl FnOnce() -> String,
) -> Result<String, CliError> {
    let unprintable = |error: &dyn std::fmt::Display| {
        failure(FailureKind::Failed, format!("cannot print the answer: {error}"))
    };
    match format {
        Format::Text => Ok(text()),
        Format::Json => {
            let mut json = serde_json::to_string_pretty(value).map_err(|error| unprintable(&error))?;
            json.push('\n');
            Ok(json)
        }
        Format::Yaml => {
            let tree = serde_json::to_value(value).map_err(|error| unprintable(&error))?;
            svckit::config::render(&tree).map_err(|error| unprintable(&error))
        }
    }
}
