//! `svcctl list`: all services at a glance, or the runs of jobs.

use crate::args::{AnyNames, ListArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::locate;
use crate::names;
use crate::output;
use crate::output::service::{self, Look};
use svcctl_core::ident::ServiceName;
use svckit::control::types::{FailureKind, Service, Services};

/// What is said where there is nothing to show.
const NO_SERVICES: &str = "no services; install one with: svcctl install NAME -- PROGRAM";
/// The same of jobs.
const NO_JOBS: &str = "no service has a schedule or a trigger";

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let all = block_on(locate::all(context))??;
    if all.is_empty() {
        output::remark(NO_SERVICES);
    }
    let mut services = chosen(all, &args.names)?;
    if args.jobs {
        let had_some = !services.is_empty();
        services.retain(|service| service.job.is_some());
        if had_some && services.is_empty() {
            output::remark(NO_JOBS);
        }
    }
    let answer = Services { services };
    output::answer(args.output.output, &answer, || match &answer.services[..] {
        [] => String::new(),
        some if args.jobs => service::jobs(some, Look::of_stdout()),
        some => service::list(some, Look::of_stdout()),
    })?;
    Ok(exit_code::DONE)
}

/// Those of `services` that were typed; all where nothing was.
fn chosen(services: Vec<Service>, typed: &AnyNames) -> Result<Vec<Service>, CliError> {
    let typed = typed.listed();
    if typed.is_empty() {
        return Ok(services);
    }
    let known: Vec<ServiceName> =
        services.iter().map(|service| parse_name(&service.name)).collect::<Result<_, _>>()?;
    let wanted = names::expand(&typed, &known)?;
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        let message = format!("there is no service {unknown}; see: svcctl list");
        return Err(failure(FailureKind::NoSuchService, message));
    }
    let is_wanted = |service: &Service| wanted.iter().any(|name| name.as_str() == service.name);
    Ok(services.into_iter().filter(is_wanted).collect())
}
