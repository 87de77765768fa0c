//! `svcctl schema`: the JSON Schema of a specification, for editors and validators.

use crate::args::{Format, SchemaArgs};
use crate::error::CliError;
use crate::exit_code;
use crate::output;

pub(super) fn run(args: &SchemaArgs) -> Result<u8, CliError> {
    let format = match args.output {
        // A schema is a document; for people too.
        Format::Text | Format::Json => Format::Json,
        Format::Yaml => Format::Yaml,
    };
    output::answer(format, &svcctl_core::spec::schema(), String::new)?;
    Ok(exit_code::DONE)
}
