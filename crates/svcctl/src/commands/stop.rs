//! `svcctl stop`: want services down, and wait until no process of theirs is left.

use super::act::{self, Instead, Order};
use crate::args::StopArgs;
use crate::context::Context;
use crate::document::parse_name;
use crate::error::CliError;
use svcctl_core::supervisor::event::{Dependants, Request};
use svckit::control::client::Verb;
use svckit::control::types::{Act, Outcome};

pub(super) fn run(context: &Context, args: &StopArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Stop,
            names: &args.names,
            wait: Some(args.wait),
            dependants: Some(args.dependants),
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: stopped_already,
        },
    )
}

/// Without a daemon nothing runs; that it is not to be started by the next one is noted.
fn stopped_already(context: &Context, act: &Act) -> Result<Instead, CliError> {
    let names = if act.all {
        let stored = context.on_store(|| svcctl_engine::offline::show(&context.paths, None))?;
        let Some(stored) = stored else { return Ok(Instead::DaemonRuns) };
        stored.into_iter().map(|service| service.name).collect()
    } else {
        act.names.clone()
    };
    let names = names.iter().map(|name| parse_name(name)).collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() {
        return Ok(Instead::Done(Outcome::default()));
    }
    // Nothing runs, so nothing that runs depends on them.
    let request = Request { names, no_wait: true, deadline: None, dependants: Dependants::Ignore };
    let outcome = context.on_store(|| svcctl_engine::offline::stop(&context.paths, request))?;
    Ok(outcome.map_or(Instead::DaemonRuns, Instead::Done))
}
