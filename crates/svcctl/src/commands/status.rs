//! `svcctl status`: one screen a service, with its processes, last events and log lines; a few lines each of several;
//! or all in a summary.

mod details;

use crate::args::{Format, StatusArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::CliError;
use crate::exit_code;
use crate::locate::{self, Located};
use crate::names;
use crate::output;
use crate::output::service::{self, Look, Summary};
use details::Wanted;
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::state::Phase;
use svckit::control::client::ClientError;
use svckit::control::types::{FailureKind, Service};

pub(super) fn run(context: &Context, args: &StatusArgs) -> Result<u8, CliError> {
    let typed = args.names.listed();
    if typed.is_empty() && !args.names.all {
        return summary(context, args.output.output);
    }
    let names = if args.names.all { all(context)? } else { names::resolve(context, &typed)? };
    let is_one = matches!(typed[..], [name] if !names::is_pattern(name));
    let (found, missing) = block_on(find(context, &names))??;
    if let (true, Some(failure)) = (found.is_empty(), missing.first()) {
        return Err(CliError::Failure(failure.clone()));
    }
    for failure in &missing {
        output::remark(&failure.message);
    }
    show(context, args, &found, is_one)?;
    let worst = found.iter().map(|located| code_of(&located.service)).max_by_key(|code| severity(*code));
    let unknown = (!missing.is_empty()).then(|| FailureKind::NoSuchService.exit_code());
    Ok(unknown.or(worst).unwrap_or(exit_code::DONE))
}

fn all(context: &Context) -> Result<Vec<ServiceName>, CliError> {
    let services = block_on(locate::all(context))??;
    if services.is_empty() {
        output::remark("no services; install one with: svcctl install NAME -- PROGRAM");
    }
    services.iter().map(|service| parse_name(&service.name)).collect()
}

fn summary(context: &Context, format: Format) -> Result<u8, CliError> {
    let (services, daemon) = block_on(async {
        let services = locate::all(context).await?;
        match context.ask_daemon(async |daemon| daemon.version().await).await {
            Ok(version) => Ok((services, Some(version))),
            Err(ClientError::NoDaemon { .. }) => Ok((services, None)),
            Err(error) => Err(CliError::from(error)),
        }
    })??;
    let summary = Summary::of(services, daemon);
    output::answer(format, &summary, || summary.text(Look::of_stdout()))?;
    Ok(if summary.is_alarming() { FailureKind::Failed.exit_code() } else { exit_code::DONE })
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

fn show(context: &Context, args: &StatusArgs, found: &[Located], is_one: bool) -> Result<(), CliError> {
    let wanted = Wanted::of(args, is_one);
    let text = || {
        let look = Look::of_stdout();
        let texts = found.iter().map(|located| {
            let details = details::of(context, located, wanted);
            if is_one {
                details::fitted(&located.service, details, look, wanted)
            } else {
                service::block(&located.service, &details, look)
            }
        });
        texts.collect::<Vec<_>>().join("\n")
    };
    match found {
        [located] if is_one => output::answer(args.output.output, &located.service, text),
        several => {
            let services: Vec<&Service> = several.iter().map(|located| &located.service).collect();
            output::answer(args.output.output, &services, text)
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
