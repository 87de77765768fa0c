//! `svcctl signal`: send a signal to the main processes of services.

use super::act::{self, Order};
use crate::args::SignalArgs;
use crate::context::Context;
use crate::error::{CliError, failure};
use svcctl_core::spec::nearest;
use svckit::control::client::Verb;
use svckit::control::types::{Act, FailureKind};

/// What may be sent: the signals of POSIX that a program may be told something by, without real-time ones.
const NAMES: [&str; 20] = [
    "HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "USR2", "ALRM", "TERM", "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG", "XCPU", "XFSZ", "PROF", "WINCH", "IO",
];

pub(super) fn run(context: &Context, args: &SignalArgs) -> Result<u8, CliError> {
    let (names, signal) = args.split().ok_or_else(|| {
        failure(FailureKind::Usage, "a service and a signal are needed, as in: svcctl signal web HUP")
    })?;
    let signal = parse(&signal)?;
    act::carry_out(
        context,
        &Order {
            verb: Verb::Signal,
            names: &names,
            wait: None,
            dependants: None,
            output: args.output.output,
            more: Act { signal: Some(signal.to_owned()), dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: act::needs_daemon,
        },
    )
}

/// The name of a signal as POSIX has it.
fn parse(text: &str) -> Result<&'static str, CliError> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(found) = NAMES.into_iter().find(|known| *known == name) {
        return Ok(found);
    }
    let remedy = match nearest::nearest(name, NAMES) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("known are {}", NAMES.join(", ")),
    };
    Err(failure(FailureKind::Usage, format!("there is no signal {text:?}; {remedy}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_taken_with_and_without_sig_in_any_case() {
        for text in ["HUP", "sighup", "SIGHUP", "hup"] {
            assert_eq!(parse(text).unwrap(), "HUP");
        }
        let wrong = parse("USR").unwrap_err();
        assert_eq!(wrong.exit_code(), 2);
        assert!(wrong.to_string().contains("did you mean USR"), "{wrong}");
        assert!(parse("9").unwrap_err().to_string().contains("known are HUP"));
    }
}
