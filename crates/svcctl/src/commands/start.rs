//! `svcctl start`: want services up, and wait until they are.

use super::act::{self, Instead, Order};
use super::daemon;
use crate::args::StartArgs;
use crate::context::Context;
use crate::document::parse_name;
use crate::error::CliError;
use crate::output;
use svckit::control::client::Verb;
use svckit::control::types::{Act, Outcome};

pub(super) fn run(context: &Context, args: &StartArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Start,
            names: &args.names,
            wait: Some(args.wait),
            dependants: None,
            output: args.output.output,
            more: Act { once: args.once, dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: start_daemon,
        },
    )
}

/// Starts the daemon, but not for a service that does not exist, nor for none at all.
pub(super) fn start_daemon(context: &Context, act: &Act) -> Result<Instead, CliError> {
    if context.daemon_holder().is_some() {
        // Its engine is away; what services there are is known to the next one.
        daemon::start_in_background(context)?;
        return Ok(Instead::DaemonRuns);
    }
    if act.all && svcctl_engine::offline::show(&context.paths, None)?.is_empty() {
        return Ok(Instead::Done(Outcome::default()));
    }
    for name in &act.names {
        svcctl_engine::offline::show(&context.paths, Some(parse_name(name)?))?;
    }
    let serving = daemon::start_in_background(context)?;
    if !serving.begun_here {
        return Ok(Instead::DaemonRuns);
    }
    output::remark(&format!("started the daemon in the background{}", daemon::pid_text(serving.pid)));
    Ok(Instead::DaemonBegun)
}
