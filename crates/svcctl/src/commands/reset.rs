//! `svcctl reset`: clear the ERROR state.

use super::act::{self, Instead, Order};
use crate::args::ResetArgs;
use crate::context::Context;
use crate::document::parse_name;
use crate::error::CliError;
use svckit::control::client::Verb;
use svckit::control::types::{Act, Done, Outcome};

pub(super) fn run(context: &Context, args: &ResetArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Reset,
            names: &args.names,
            wait: None,
            dependants: None,
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: nothing_to_reset,
        },
    )
}

/// ERROR is a state of a running daemon; the next one begins without it.
fn nothing_to_reset(context: &Context, act: &Act) -> Result<Instead, CliError> {
    if context.daemon_holder().is_some() {
        return Err(context.no_daemon());
    }
    let mut services = Vec::new();
    for name in &act.names {
        svcctl_engine::offline::show(&context.paths, Some(parse_name(name)?))?;
        services.push(Done { name: name.clone(), changed: false, taken_along: false });
    }
    Ok(Instead::Done(Outcome { services }))
}
