//! `svcctl reload`: let services take up their own changed configuration.

use super::act::{self, Order};
use crate::args::ReloadArgs;
use crate::context::Context;
use crate::error::CliError;
use svckit::control::client::Verb;
use svckit::control::types::Act;

pub(super) fn run(context: &Context, args: &ReloadArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Reload,
            names: &args.names,
            wait: Some(args.wait),
            dependants: None,
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: act::needs_daemon,
        },
    )
}
