//! `svcctl status`: one screen a service, with its last log lines.

use super::logs;
use crate::args::{Format, StatusArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::CliError;
use crate::exit_code;
use crate::locate::{self, Located};
use crate::output::{self, Style, service};
use jiff::Timestamp;
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::state::Phase;
use svckit::control::types::{FailureKind, Service};

/// How many log lines a screen has.
const LOG_LINES: u64 = 5;

pub(super) fn run(context: &Context, args: &StatusArgs) -> Result<u8, CliError> {
    let names = args.names.listed().into_iter().map(parse_name).collect::<Result<Vec<_>, _>>()?;
    let (found, missing) = block_on(find(context, &names))??;
    if let (true, Some(failure)) = (found.is_empty(), missing.first()) {
        return Err(CliError::Failure(failure.clone()));
    }
    for failure in &missing {
        output::remark(&failure.message);
    }
    show(context, args.output.output, &found, names.len() == 1)?;
    let worst = found.iter().map(|located| code_of(&located.service)).max_by_key(|code| severity(*code));
    let unknown = (!missing.is_empty()).then(|| FailureKind::NoSuchService.exit_code());
    Ok(unknown.or(worst).unwrap_or(exit_code::DONE))
}

type Missing = svckit::control::types::Failure;

async fn find(context: &Context, names: &[ServiceName]) -> Result<(Vec<Located>, Vec<Missing>), CliError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in names {
        match locate::service(context, name).await {
            Ok(located) => found.push(located),
            Err(CliError::Failure(failure)) if failure.kind == FailureKind::NoSuchService => {
                missing.push(failure);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((found, missing))
}

fn show(context: &Context, format: Format, found: &[Located], one: bool) -> Result<(), CliError> {
    let text = || {
        let style = Style::of_stdout();
        let screen = |located: &Located| {
            let log = logs::tail(context, located, LOG_LINES);
            service::screen(&located.service, &log, Timestamp::now(), style)
        };
        found.iter().map(screen).collect::<Vec<_>>().join("\n")
    };
    match found {
        [located] if one => output::answer(format, &located.service, text),
        several => {
            let services: Vec<&Service> = several.iter().map(|located| &located.service).collect();
            output::answer(format, &services, text)
        }
    }
}

/// The exit code of one service's state.
fn code_of(service: &Service) -> u8 {
    let phase: Result<Phase, _> = serde_json::from_value(serde_json::json!(service.phase));
    phase.map_or(exit_code::NOT_RUNNING, Phase::status_exit_code)
}

/// Failed is worse than not running, which is worse than running.
fn severity(code: u8) -> u8 {
    match code {
        exit_code::DONE => 0,
        exit_code::NOT_RUNNING => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::service::sample;
    use serde_json::json;

    #[test]
    fn the_exit_code_is_that_of_the_phase() {
        for (phase, code) in [
            ("running", 0),
            ("completed", 0),
            ("failed", 1),
            ("stopped", 3),
            ("backoff", 3),
            ("of-a-later-version", 3),
        ] {
            assert_eq!(code_of(&sample(&json!({"phase": phase}))), code, "{phase}");
        }
        assert_eq!([0, 3, 1].into_iter().max_by_key(|code| severity(*code)), Some(1));
    }
}
