//! `svcctl completions`: the script that makes a shell ask this binary what may come next.

use crate::args::CompletionsArgs;
use crate::completion;
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::output;
use svckit::control::types::FailureKind;

pub(super) fn run(args: &CompletionsArgs) -> Result<u8, CliError> {
    let script = completion::script(args.shell)
        .map_err(|error| failure(FailureKind::Failed, format!("cannot write the completions: {error}")))?;
    output::print(&script)?;
    Ok(exit_code::DONE)
}
