//! `svcctl install`: take a specification, and start it if asked to.

use super::act::{self, Order};
use super::start;
use crate::args::{InstallArgs, Names, WaitArgs};
use crate::context::{Context, block_on};
use crate::document::{self, Specification};
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::locate;
use crate::output::{self, printable::printable};
use svcctl_core::spec;
use svcctl_engine::offline::{self, InstallOptions};
use svckit::control::client::{ClientError, Verb};
use svckit::control::types::{Act, FailureKind, Outcome, Service};

pub(super) fn run(context: &Context, args: &InstallArgs) -> Result<u8, CliError> {
    let specification = document::of_install(args)?;
    if args.dry_run {
        return dry_run(context, args, &specification);
    }
    let before = if args.update { present(context, &specification)? } else { None };
    let differences =
        before.as_ref().map(|before| differences(before, &specification)).transpose()?.unwrap_or_default();
    let outcome = install(context, &specification, args.update)?;
    let updated = if args.update { updated(context, &specification, &differences) } else { None };
    let told = |now| updated.clone().unwrap_or_else(|| sentence(&specification, &outcome, now));
    if args.now {
        // What was installed is said before the wait, and as a remark: the answer is that of the start.
        output::remark(&told(true));
        return now(context, args, &specification);
    }
    output::answer(args.output.output, &outcome, || format!("{}\n", told(false)))?;
    Ok(exit_code::DONE)
}

fn install(context: &Context, specification: &Specification, update: bool) -> Result<Outcome, CliError> {
    let name = &specification.spec.name;
    let install = specification.install();
    let ask =
        || block_on(context.ask_daemon(async |daemon| daemon.install(name, &install, update, false).await));
    match ask()? {
        Err(ClientError::NoDaemon { .. }) => {
            let options =
                InstallOptions { source: install.source.clone(), update, ..InstallOptions::default() };
            let stored = context
                .on_store(|| offline::install_with(&context.paths, specification.spec.clone(), options))?;
            match stored {
                Some(outcome) => Ok(outcome),
                None => answered(context, specification, ask()?),
            }
        }
        answer => answered(context, specification, answer),
    }
}

fn answered(
    context: &Context,
    specification: &Specification,
    answer: Result<Outcome, ClientError>,
) -> Result<Outcome, CliError> {
    match answer {
        Err(ClientError::Refused(failure)) => Err(specification.placed(failure)),
        answer => answer.map_err(|error| context.unanswered(error)),
    }
}

fn now(context: &Context, args: &InstallArgs, specification: &Specification) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Start,
            names: &Names::of(specification.spec.name.as_str()),
            wait: Some(WaitArgs::default()),
            dependants: None,
            output: args.output.output,
            more: Act::default(),
            without_daemon: start::start_daemon,
        },
    )
}

/// What is to be said of a service that had another specification before; none where it had not, or nobody tells.
fn updated(context: &Context, specification: &Specification, differences: &[String]) -> Option<String> {
    let name = &specification.spec.name;
    if differences.is_empty() {
        return None;
    }
    let service = block_on(locate::service(context, name)).ok()?.ok()?.service;
    let what = printable(&differences.join(", ")).into_owned();
    Some(if service.outdated {
        format!("updated {name} ({what}); its process runs as before until: svcctl restart {name}")
    } else {
        format!("updated {name} ({what})")
    })
}

/// The service as it is installed; none where it is not.
fn present(context: &Context, specification: &Specification) -> Result<Option<Service>, CliError> {
    match block_on(locate::service(context, &specification.spec.name))? {
        Ok(located) => Ok(Some(located.service)),
        Err(CliError::Failure(failure)) if failure.kind == FailureKind::NoSuchService => Ok(None),
        Err(error) => Err(error),
    }
}

fn sentence(specification: &Specification, outcome: &Outcome, now: bool) -> String {
    let name = &specification.spec.name;
    if !outcome.services.iter().any(|done| done.changed) {
        return format!("{name} is already installed like this");
    }
    if now {
        return format!("installed {name}");
    }
    let boot = if specification.spec.autostart {
        "starts with the daemon at boot"
    } else {
        "does not start at boot"
    };
    format!("installed {name} ({boot}; to start it now: svcctl start {name})")
}

/// Says what an install would do.
fn dry_run(context: &Context, args: &InstallArgs, specification: &Specification) -> Result<u8, CliError> {
    let name = &specification.spec.name;
    let present = present(context, specification)?;
    let differences = present.as_ref().map(|present| differences(present, specification)).transpose()?;
    let document = specification.spec.to_document();
    output::answer(args.output.output, &document, || {
        svckit::config::render(&document).unwrap_or_else(|_| format!("{document}\n"))
    })?;
    match differences {
        None => output::remark(&format!("would install {name}")),
        Some(differences) if differences.is_empty() => {
            output::remark(&format!("would change nothing: {name} is already installed like this"));
        }
        Some(differences) if args.update => {
            output::remark(&format!("would change {name}: {}", differences.join(", ")));
        }
        Some(differences) => {
            let message = format!(
                "{name} is already installed with another specification ({}); to change it, repeat with --update",
                differences.join(", ")
            );
            return Err(failure(FailureKind::Conflict, message));
        }
    }
    Ok(exit_code::DONE)
}

fn differences(present: &Service, specification: &Specification) -> Result<Vec<String>, CliError> {
    let old = spec::decode(&present.spec).map_err(|_| {
        let message =
            format!("{} runs under a newer svcctl, whose specification this one cannot read", present.name);
        failure(FailureKind::Failed, message)
    })?;
    Ok(spec::diff(&old, &specification.spec))
}
