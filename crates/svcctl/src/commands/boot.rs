//! `svcctl enable` and `svcctl disable`: whether services start at boot.

use super::act::{self, Order};
use crate::args::BootArgs;
use crate::context::Context;
use crate::error::CliError;
use svckit::control::client::Verb;
use svckit::control::types::Act;

pub(super) fn run(context: &Context, args: &BootArgs, autostart: bool) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: if autostart { Verb::Enable } else { Verb::Disable },
            names: &args.names,
            wait: None,
            dependants: None,
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: if autostart {
                |context, act| act::on_store(context, Verb::Enable, act)
            } else {
                |context, act| act::on_store(context, Verb::Disable, act)
            },
        },
    )
}
