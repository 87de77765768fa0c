//! Long output on a terminal, page by page.
//!
//! What fits the screen is printed as it is. The rest goes through `$SVCCTL_PAGER`, else `$PAGER`, else `less -FRX`; an
//! empty one, and `cat`, mean none. A pager that cannot be started is none, too.

use crate::error::CliError;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use svcctl_core::spec::words;
use svcctl_os::foreground::{Foreground, terminal_size};

/// What pages when nobody says otherwise: it ends at once when all fits, keeps colours and leaves the text there.
const USUAL: [&str; 2] = ["less", "-FRX"];
/// What less is told by way of its own variable, where the person tells it nothing.
const LESS: (&str, &str) = ("LESS", "FRX");

/// Takes output of unknown length, and pages it once it is longer than the screen.
pub(crate) struct Pager {
    state: State,
}

enum State {
    /// Not longer than the screen so far.
    Short { command: Vec<OsString>, rows: usize, held: Vec<u8> },
    /// Longer, and somebody reads it.
    Paging(Foreground),
    /// Printed as it comes.
    Direct,
}

impl Pager {
    /// For standard output as it is.
    pub(crate) fn of_stdout() -> Self {
        let size = if io::stdout().is_terminal() { terminal_size() } else { None };
        let command =
            if super::terminal().pages { command(|name| std::env::var(name).ok()) } else { Vec::new() };
        let state = match size {
            // The prompt comes after it.
            Some((_, rows)) if !command.is_empty() => {
                State::Short { command, rows: usize::from(rows).saturating_sub(1), held: Vec::new() }
            }
            Some(_) | None => State::Direct,
        };
        Self { state }
    }

    /// For what must appear as it comes.
    pub(crate) fn none() -> Self {
        Self { state: State::Direct }
    }

    /// Takes the next bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        match &mut self.state {
            State::Direct => super::print_bytes(bytes),
            State::Paging(pager) => {
                let Err(error) = pager.write_all(bytes) else { return Ok(()) };
                // Somebody who has seen enough ends the pager; it has the terminal until it is gone.
                if let State::Paging(pager) = std::mem::replace(&mut self.state, State::Direct) {
                    drop(pager.finish());
                }
                Err(super::write_failure(&error))
            }
            State::Short { command, rows, held } => {
                held.extend_from_slice(bytes);
                if held.split(|byte| *byte == b'\n').count() <= *rows + 1 {
                    return Ok(());
                }
                let held = std::mem::take(held);
                let less = std::env::var_os(LESS.0).is_none().then_some(LESS);
                self.state = match Foreground::start(command, less.as_slice()) {
                    Ok(pager) => State::Paging(pager),
                    Err(_) => State::Direct,
                };
                self.write(&held)
            }
        }
    }

    /// Says that this is all, and waits until the person has seen it.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match self.state {
            State::Direct => Ok(()),
            State::Short { held, .. } => super::print_bytes(&held),
            State::Paging(pager) => pager.finish().map_err(|error| super::write_failure(&error)),
        }
    }
}

/// How many characters a line of the terminal at standard output has; none where there is no terminal.
pub(crate) fn columns_of_stdout() -> Option<usize> {
    terminal_of_stdout().map(|(columns, _)| usize::from(columns))
}

/// How many lines the terminal at standard output has; none where there is no terminal.
pub(crate) fn rows_of_stdout() -> Option<usize> {
    terminal_of_stdout().map(|(_, rows)| usize::from(rows))
}

fn terminal_of_stdout() -> Option<(u16, u16)> {
    // A terminal that does not tell its size has none that output must be fitted to.
    let size = if io::stdout().is_terminal() { terminal_size() } else { None };
    size.filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

/// The pager's command line; empty where there is to be none.
fn command(variable: impl Fn(&str) -> Option<String>) -> Vec<OsString> {
    let Some(line) = variable("SVCCTL_PAGER").or_else(|| variable("PAGER")) else {
        return USUAL.map(OsString::from).to_vec();
    };
    let words = words::split(&line).unwrap_or_default();
    if words.first().is_none_or(|program| program == "cat") {
        return Vec::new();
    }
    words.into_iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_the_one_that_was_asked_for() {
        let of = |own: Option<&str>, usual: Option<&str>| {
            command(|name| (if name == "PAGER" { usual } else { own }).map(str::to_owned))
        };
        assert_eq!(of(None, None), ["less", "-FRX"]);
        assert_eq!(of(None, Some("more -s")), ["more", "-s"]);
        assert_eq!(of(Some("less 'a b'"), Some("more")), ["less", "a b"]);
        for none in ["", "cat", " ", "cat -v"] {
            assert!(of(Some(none), Some("more")).is_empty(), "{none:?}");
        }
    }
}
