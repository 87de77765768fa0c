//! The verbs, one file each. A command gives its exit code, or the one error that ended it.

mod act;
mod daemon;
mod install;
pub(crate) mod internal;
mod list;
mod logs;
mod reset;
mod restart;
mod run;
mod start;
mod status;
mod stop;
mod uninstall;
mod version;

use crate::args::{Cli, Verb};
use crate::context::Context;
use crate::error::CliError;

/// Does what was typed; gives the exit code.
pub(crate) fn run(cli: Cli) -> Result<u8, CliError> {
    if let Verb::Version(args) = &cli.verb {
        return version::run(*args);
    }
    let context = Context::new(&cli.place)?;
    match cli.verb {
        Verb::Install(args) => install::run(&context, &args),
        Verb::Uninstall(args) => uninstall::run(&context, &args),
        Verb::Start(args) => start::run(&context, &args),
        Verb::Stop(args) => stop::run(&context, &args),
        Verb::Restart(args) => restart::run(&context, &args),
        Verb::Reset(args) => reset::run(&context, &args),
        Verb::Status(args) => status::run(&context, &args),
        Verb::List(args) => list::run(&context, &args),
        Verb::Logs(args) => logs::run(&context, &args),
        Verb::Run(args) => run::run(&context, &args),
        Verb::Daemon(args) => daemon::run(&context, &args),
        Verb::Version(args) => version::run(args),
        Verb::Engine(args) => Ok(internal::engine(context, args)),
    }
}
