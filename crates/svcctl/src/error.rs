//! What ends a command early, and how it is told: one sentence on standard error, or the same as JSON.

use crate::args::Format;
use crate::output::Style;
use crate::wrong::Wrong;
use crate::{exit_code, usage};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use svckit::control::client::ClientError;
use svckit::control::types::{Failure, FailureKind};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// It failed, for a reason that the person should know.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Specifications in files are wrong, each at its place.
    #[error("{}", .0.message())]
    Wrong(Box<Wrong>),
    /// Nobody reads our output any more (`svcctl logs web | head`): there is nothing left to do, and nothing to say.
    #[error("write the output: its reader is gone")]
    ReaderGone,
    /// The process that was started behind this one could not begin; its own sentence and exit code.
    #[error("{message}")]
    Behind {
        /// With which code to end.
        exit_code: u8,
        /// The sentence.
        message: String,
    },
    /// This process went into the background, was what it was to be there, and has ended: no error, but nothing that
    /// the command would do next is for it.
    #[error("be the daemon any longer")]
    Ended(u8),
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let kind = error.kind();
        let message = match error {
            ClientError::Refused(failure) => return failure.into(),
            error @ ClientError::NoDaemon { .. } => {
                format!("cannot {error}; start the daemon with: svcctl daemon --background")
            }
            error @ ClientError::Denied { .. } => {
                format!("cannot {error}; try it as root, or with --scope user for your own services")
            }
            error @ (ClientError::Lost { .. } | ClientError::Late { .. }) => {
                format!("cannot {error}; what you asked for may have been done; see: svcctl list")
            }
            error @ (ClientError::Connect { .. } | ClientError::Protocol { .. }) => format!("cannot {error}"),
        };
        failure(kind, message)
    }
}

impl From<Wrong> for CliError {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(Box::new(wrong))
    }
}

/// A failure of this kind.
pub(crate) fn failure(kind: FailureKind, message: impl Into<String>) -> CliError {
    Failure { kind, message: message.into(), problems: Vec::new() }.into()
}

/// What the system said to something that was done with `path`.
pub(crate) fn io_failure(doing: &str, path: &Path, error: &io::Error) -> CliError {
    let kind = if error.kind() == io::ErrorKind::PermissionDenied {
        FailureKind::Denied
    } else {
        FailureKind::Failed
    };
    failure(kind, format!("cannot {doing} {}: {error}", path.display()))
}

impl CliError {
    /// Tells it on standard error and gives the exit code.
    pub(crate) fn tell(&self, format: Format) -> u8 {
        let text = match (self, format) {
            (Self::ReaderGone | Self::Ended(_), _) => return self.exit_code(),
            (Self::Failure(failure), Format::Text) => as_text(failure),
            (Self::Wrong(wrong), Format::Text) => {
                format!("svcctl: {}\n\n{}", wrong.message(), wrong.render(Style::of_stderr()))
            }
            (Self::Behind { message, .. }, Format::Text) => format!("svcctl: {message}\n"),
            (Self::Failure(failure), Format::Json | Format::Yaml) => structured(format, &json!(failure)),
            (Self::Wrong(wrong), Format::Json | Format::Yaml) => structured(
                format,
                &json!({"kind": FailureKind::Invalid, "message": wrong.message(), "problems": wrong.problems}),
            ),
            (Self::Behind { message, .. }, Format::Json | Format::Yaml) => {
                structured(format, &json!({"kind": "failed", "message": message}))
            }
        };
        // Who closed standard error does not want to know.
        drop(io::stderr().lock().write_all(text.as_bytes()));
        self.exit_code()
    }

    /// The exit code that it means.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Failure(failure) => failure.kind.exit_code(),
            Self::Wrong(_) => FailureKind::Invalid.exit_code(),
            Self::ReaderGone => exit_code::DONE,
            Self::Behind { exit_code, .. } | Self::Ended(exit_code) => *exit_code,
        }
    }
}

/// For programs: one line of JSON, or YAML.
fn structured(format: Format, value: &Value) -> String {
    let yaml = if format == Format::Yaml { svckit::config::render(value).ok() } else { None };
    yaml.unwrap_or_else(|| format!("{value}\n"))
}

/// One line; with several problems, a line each.
fn as_text(failure: &Failure) -> String {
    let mut text = format!("svcctl: {}\n", failure.message);
    if failure.problems.len() > 1
        || failure.problems.first().is_some_and(|one| !failure.message.contains(&one.message))
    {
        for problem in &failure.problems {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "  {problem}");
        }
    }
    text
}

/// Tells what is wrong with a command line (or prints the help that was asked for), and gives the exit code.
pub(crate) fn tell_usage(error: &clap::Error, typed: &[OsString]) -> u8 {
    let typed: Vec<String> = typed.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(sentence) = usage::sentence(error, &typed) {
        // Who closed standard error does not want to know.
        drop(writeln!(io::stderr().lock(), "svcctl: {sentence}"));
        return exit_code::USAGE;
    }
    // Help goes to standard output; a reader that is gone has seen enough of it.
    drop(error.print());
    if error.use_stderr() { exit_code::USAGE } else { exit_code::DONE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svcctl_core::spec::Problem;

    #[test]
    fn a_failure_is_a_sentence_and_its_problems_follow() {
        let problem = |path: &str, message: &str| Problem {
            path: path.to_owned(),
            which: svcctl_core::spec::Which::Value,
            message: message.to_owned(),
        };
        let mut failure = Failure {
            kind: FailureKind::Invalid,
            message: "the specification is wrong".to_owned(),
            problems: vec![],
        };
        assert_eq!(as_text(&failure), "svcctl: the specification is wrong\n");
        failure.problems = vec![problem("exec", "is empty"), problem("", "has no name")];
        assert_eq!(
            as_text(&failure),
            "svcctl: the specification is wrong\n  exec: is empty\n  has no name\n"
        );
    }
}
