//! `svcctl version`.

use crate::args::OutputArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::output;
use serde::Serialize;

/// The version of this binary; the daemon's own is told by `svcctl daemon status`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is printed for programs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Program {
    /// svcctl's version.
    version: &'static str,
}

pub(super) fn run(args: OutputArgs) -> Result<u8, CliError> {
    output::answer(args.output, &Program { version: VERSION }, || format!("svcctl {VERSION}\n"))?;
    Ok(exit_code::DONE)
}

#[cfg(test)]
mod tests {
    #[test]
    fn its_schema_is_published() {
        crate::output::published::is_current::<super::Program>("program");
    }
}
