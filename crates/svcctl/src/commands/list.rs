//! `svcctl list`: all services at a glance.

use crate::args::ListArgs;
use crate::context::{Context, block_on};
use crate::error::CliError;
use crate::exit_code;
use crate::locate;
use crate::output::{self, Style, service};
use jiff::Timestamp;
use svckit::control::types::Services;

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let services = block_on(locate::all(context))??;
    if services.is_empty() {
        output::remark("there is no service yet; install one with: svcctl install NAME -- PROGRAM");
    }
    let answer = Services { services };
    output::answer(args.output.output, &answer, || {
        if answer.services.is_empty() {
            return String::new();
        }
        service::list(&answer.services, Timestamp::now(), Style::of_stdout())
    })?;
    Ok(exit_code::DONE)
}
