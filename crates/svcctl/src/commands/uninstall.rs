//! `svcctl uninstall`: stop services and forget them.

use super::act::{self, Instead, Order};
use crate::args::UninstallArgs;
use crate::context::Context;
use crate::document::parse_name;
use crate::error::CliError;
use svcctl_core::supervisor::event::{Dependants, Request};
use svckit::control::client::Verb;
use svckit::control::types::{Act, Outcome};

pub(super) fn run(context: &Context, args: &UninstallArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Uninstall,
            names: &args.names,
            wait: Some(args.wait),
            dependants: Some(args.dependants),
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: forget,
        },
    )
}

/// Without a daemon nothing runs, and forgetting is enough.
fn forget(context: &Context, act: &Act) -> Result<Instead, CliError> {
    let names = if act.all {
        let stored = context.on_store(|| svcctl_engine::offline::show(&context.paths, None))?;
        let Some(stored) = stored else { return Ok(Instead::DaemonRuns) };
        stored.into_iter().map(|service| service.name).collect()
    } else {
        act.names.clone()
    };
    if names.is_empty() {
        return Ok(Instead::Done(Outcome::default()));
    }
    let dependants = match (act.with_dependants, act.force) {
        (true, _) => Dependants::StopToo,
        (false, true) => Dependants::Ignore,
        (false, false) => Dependants::Refuse,
    };
    let names = names.iter().map(|name| parse_name(name)).collect::<Result<_, _>>()?;
    let request = Request { names, no_wait: act.no_wait, deadline: None, dependants };
    let outcome = context.on_store(|| svcctl_engine::offline::uninstall(&context.paths, request))?;
    Ok(outcome.map_or(Instead::DaemonRuns, Instead::Done))
}
