//! Colours of states, where a terminal shows them.

use std::io::IsTerminal as _;

/// Whether text may carry colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For a terminal.
    Coloured,
    /// For everything else.
    Plain,
}

impl Style {
    /// What standard output takes.
    pub(crate) fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        if !refused && std::io::stdout().is_terminal() { Self::Coloured } else { Self::Plain }
    }

    /// A state's word in its colour (ECMA-48 SGR): green runs, red failed, yellow is on its way.
    pub(crate) fn state(self, word: &str) -> String {
        let code = match word {
            "RUNNING" | "COMPLETED" => "32",
            "ERROR" => "31",
            "STARTING" | "STOPPING" => "33",
            _ => "2",
        };
        self.paint(code, word)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}
