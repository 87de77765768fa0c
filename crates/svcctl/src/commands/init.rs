//! `svcctl init`: a specification for a program, with what can be guessed about it, and from what.

mod arguments;
mod config_file;
mod guess;
mod probe;
mod render;

use crate::args::InitArgs;
use crate::document::{self, parse_name};
use crate::error::{CliError, failure, io_failure};
use crate::exit_code;
use crate::output;
use guess::Guess;
use render::Draft;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use svcctl_core::ident::ServiceName;
use svckit::control::types::FailureKind;

pub(super) fn run(args: &InitArgs) -> Result<u8, CliError> {
    let to_stdout = args.output_file == Path::new("-");
    if !to_stdout && !args.force && args.output_file.exists() {
        return Err(there_already(&args.output_file));
    }
    let exec = document::command(None, &args.program)?;
    let name = match &args.name {
        Some(name) => parse_name(name)?,
        None => parse_name(&document::name_of(&exec[0]))?,
    };
    let here = std::env::current_dir().map_err(|error| io_failure("look at", Path::new("."), &error))?;
    let guess = look(args, &exec, &here)?;
    let text = Draft { name: &name, exec: &exec, cwd: &here.to_string_lossy(), guess: &guess }.text()?;
    if to_stdout {
        output::print(&text)?;
    } else {
        write(&args.output_file, args.force, &text)?;
        told(&args.output_file, &name);
    }
    Ok(exit_code::DONE)
}

/// A look at the running program tells more than its arguments; its arguments tell more than another process of it.
fn look(args: &InitArgs, exec: &[String], here: &Path) -> Result<Guess, CliError> {
    if args.probe {
        let probed = probe::guess(exec, here)?;
        if probed.address.is_some() {
            return Ok(probed);
        }
        let said = arguments::guess(exec).or_else(|| config_file::guess(exec, here)).unwrap_or_default();
        return Ok(Guess { remarks: probed.remarks, ..said });
    }
    let said = arguments::guess(exec).or_else(|| config_file::guess(exec, here));
    Ok(said.or_else(|| guess::of_running(exec)).unwrap_or_default())
}

fn write(path: &Path, force: bool, text: &str) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => io_failure("write", path, &error),
    })
}

fn there_already(path: &Path) -> CliError {
    let message = format!("{} is there already; to replace it, repeat with --force", path.display());
    failure(FailureKind::Conflict, message)
}

fn told(path: &Path, name: &ServiceName) {
    output::remark(&format!(
        "wrote {shown}; look through it, then install {name} with: svcctl install -f {shown}",
        shown = path.display()
    ));
}
