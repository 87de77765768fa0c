//! svcctl: keeps any program running as a background service.
//!
//! The way of a command: [`args`] says what was typed, `commands/VERB.rs` does it by the daemon's API, or on the store
//! where no daemon runs, and gives an exit code or the one [`error::CliError`] that is told here. This is the only
//! place where the process ends.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod completion;
mod context;
mod document;
mod error;
mod exit_code;
mod locate;
mod names;
mod output;
mod program;
mod usage;
mod wrong;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    // What the keeper executes before a service's program is not parsed like a person's command: it is on the way of
    // every start.
    if arguments.get(1).is_some_and(|verb| verb == commands::internal::EXEC) {
        return ExitCode::from(commands::internal::exec());
    }
    if let Some(code) = completion::answer(&arguments) {
        return ExitCode::from(code);
    }
    let cli = match args::Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(error::tell_usage(&error, &arguments)),
    };
    let format = cli.verb.error_format();
    ExitCode::from(commands::run(cli).unwrap_or_else(|error| error.tell(format)))
}
