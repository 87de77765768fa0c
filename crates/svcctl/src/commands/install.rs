//! `svcctl install`: take a specification, and start it if asked to.

use super::act::{self, Order};
use super::start;
use crate::args::{InstallArgs, Names, WaitArgs};
use crate::context::{Context, block_on};
use crate::document::{self, Specification};
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::locate;
use crate::output;
use svcctl_core::spec;
use svckit::control::client::{ClientError, Verb};
use svckit::control::types::{FailureKind, Outcome, Service};

pub(super) fn run(context: &Context, args: &InstallArgs) -> Result<u8, CliError> {
    let specification = document::of_install(args)?;
    if args.dry_run {
        return dry_run(context, args, &specification);
    }
    let outcome = install(context, &specification, args.update)?;
    let updated = if args.update { updated(context, &specification) } else { None };
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
    let document = &specification.document;
    match block_on(context.ask_daemon(async |daemon| daemon.install(name, document, update).await))? {
        Err(ClientError::NoDaemon { .. }) => {
            if context.daemon_may_be_there() {
                return Err(context.no_daemon());
            }
            Ok(svcctl_engine::offline::install(&context.paths, specification.spec.clone(), update)?)
        }
        answer => Ok(answer?),
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
            without_daemon: start::start_daemon,
        },
    )
}

/// What is to be said of a service that had another specification before; none where it had not, or nobody tells.
fn updated(context: &Context, specification: &Specification) -> Option<String> {
    let name = &specification.spec.name;
    let service = block_on(locate::service(context, name)).ok()?.ok()?.service;
    let is_later = service.revision > 1;
    is_later.then(|| {
        if service.outdated {
            format!("updated {name}; its process runs as before until: svcctl restart {name}")
        } else {
            format!("{name} is installed like this (revision {})", service.revision)
        }
    })
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
    let present = match block_on(locate::service(context, name))? {
        Ok(located) => Some(located.service),
        Err(CliError::Failure(failure)) if failure.kind == FailureKind::NoSuchService => None,
        Err(error) => return Err(error),
    };
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
