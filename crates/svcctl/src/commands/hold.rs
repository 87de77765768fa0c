//! `svcctl hold` and `svcctl unhold`: keep services from being started.

use super::act::{self, Order};
use crate::args::{HoldArgs, UnholdArgs};
use crate::context::Context;
use crate::error::CliError;
use svckit::control::client::Verb;
use svckit::control::types::Act;

pub(super) fn hold(context: &Context, args: &HoldArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Hold,
            names: &args.names,
            wait: None,
            dependants: None,
            output: args.output.output,
            more: Act { reason: args.reason.clone(), dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: |context, act| act::on_store(context, Verb::Hold, act),
        },
    )
}

pub(super) fn unhold(context: &Context, args: &UnholdArgs) -> Result<u8, CliError> {
    act::carry_out(
        context,
        &Order {
            verb: Verb::Unhold,
            names: &args.names,
            wait: None,
            dependants: None,
            output: args.output.output,
            more: Act { dry_run: args.dry_run.dry_run, ..Act::default() },
            without_daemon: |context, act| act::on_store(context, Verb::Unhold, act),
        },
    )
}
