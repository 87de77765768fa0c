//! Colours of states, where a terminal shows them, or where they were asked for.

use std::io::IsTerminal as _;

/// The SGR codes that are used.
pub(crate) const RED: &str = "31";
/// It is well.
pub(crate) const GREEN: &str = "32";
/// Look at this.
pub(crate) const YELLOW: &str = "33";
/// It has its time.
pub(crate) const CYAN: &str = "36";
/// Beside the matter.
pub(crate) const DIM: &str = "2";

/// Whether text may carry colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For a terminal.
    Coloured,
    /// For everything else.
    Plain,
}

/// Whether there are colours, as far as the person says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Where a terminal shows them.
    #[default]
    Fitting,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

impl Style {
    /// What standard output takes.
    pub(crate) fn of_stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// What standard error takes.
    pub(crate) fn of_stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    fn of(is_terminal: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let refused = set("NO_COLOR").is_some() || set("TERM").is_some_and(|value| value == "dumb");
        Self::decide(super::terminal().colour, refused, is_terminal)
    }

    /// What was asked for on the command line counts more than the environment.
    fn decide(wish: Wish, refused: bool, is_terminal: bool) -> Self {
        let coloured = match wish {
            Wish::Always => true,
            Wish::Never => false,
            Wish::Fitting => is_terminal && !refused,
        };
        if coloured { Self::Coloured } else { Self::Plain }
    }

    /// A state's word in its colour.
    pub(crate) fn state(self, word: &str) -> String {
        self.paint(state_colour(word), word)
    }

    /// The colour of a state's word; none where there are no colours.
    pub(crate) fn of_state(self, word: &str) -> Option<&'static str> {
        self.code(state_colour(word))
    }

    /// This SGR code; none where there are no colours.
    pub(crate) fn code(self, code: &'static str) -> Option<&'static str> {
        match self {
            Self::Coloured => Some(code),
            Self::Plain => None,
        }
    }

    /// `text` in the colour of this SGR code.
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// The SGR code of a state (ECMA-48): green runs, red failed, yellow is on its way, cyan waits for its time.
fn state_colour(word: &str) -> &'static str {
    match word {
        "RUNNING" | "COMPLETED" => GREEN,
        "ERROR" => RED,
        "STARTING" | "STOPPING" => YELLOW,
        "SCHEDULED" => CYAN,
        _ => DIM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_outweighs_the_environment_and_that_the_terminal() {
        assert_eq!(Style::decide(Wish::Fitting, false, true), Style::Coloured);
        assert_eq!(Style::decide(Wish::Fitting, true, true), Style::Plain);
        assert_eq!(Style::decide(Wish::Fitting, false, false), Style::Plain);
        assert_eq!(Style::decide(Wish::Always, true, false), Style::Coloured);
        assert_eq!(Style::decide(Wish::Never, false, true), Style::Plain);
    }
}
