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
            without_daemon: stopped_already,
        },
    )
}

/// Without a daemon nothing runs; that it is not to be started by the next one is noted.
fn stopped_already(context: &Context, act: &Act) -> Result<Instead, CliError> {
    if context.daemon_may_be_there() {
        return Err(context.no_daemon());
    }
    let names = if act.all {
        svcctl_engine::offline::show(&context.paths, None)?.into_iter().map(|service| service.name).collect()
    } else {
        act.names.clone()
    };
    let names = names.iter().map(|name| parse_name(name)).collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() {
        return Ok(Instead::Done(Outcome::default()));
    }
    // Nothing runs, so nothing that runs depends on them.
    let request = Request { names, no_wait: true, deadline: None, dependants: Dependants::Ignore };
    Ok(Instead::Done(svcctl_engine::offline::stop(&context.paths, request)?))
}
