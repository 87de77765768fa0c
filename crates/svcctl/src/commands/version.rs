//! `svcctl version`.

use crate::args::OutputArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::output;
use serde_json::json;

/// The version of this binary; the daemon's own is told by `svcctl daemon status`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(args: OutputArgs) -> Result<u8, CliError> {
    output::answer(args.output, &json!({"version": VERSION}), || format!("svcctl {VERSION}\n"))?;
    Ok(exit_code::DONE)
}
