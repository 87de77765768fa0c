//! `svcctl restart`: stop services and start them again; what does not run is started.

use super::act::{self, Order};
use super::start;
use crate::args::RestartArgs;
use crate::context::Context;
use crate::error::CliError;
use svckit::control::client::Verb;
use svckit::control::types::Act;

pub(super) fn run(context: &Context, args: &RestartArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Restart,
            names: &args.names,
            wait: Some(args.wait),
            dependants: None,
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: start::start_daemon,
        },
    )
}
