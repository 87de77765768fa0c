//! The verbs, one file each. A command gives its exit code, or the one error that ended it.

mod act;
mod apply;
mod boot;
mod completions;
mod daemon;
mod diff;
mod doctor;
mod edit;
mod events;
mod hold;
mod init;
mod install;
pub(crate) mod internal;
mod list;
mod logs;
mod man;
mod plan;
mod reload;
mod reset;
mod restart;
mod run;
mod schema;
mod show;
mod signal;
mod start;
mod status;
mod stop;
mod uninstall;
mod validate;
mod version;

use crate::args::{Cli, Verb};
use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Does what was typed; gives the exit code.
pub(crate) fn run(cli: Cli) -> Result<u8, CliError> {
    output::set_up(cli.terminal);
    // These need no place: they answer also where there is none.
    if let Verb::Completions(args) = &cli.verb {
        return completions::run(args);
    }
    if let Verb::Man(args) = &cli.verb {
        return man::run(args);
    }
    if let Verb::Version(args) = &cli.verb {
        return version::run(*args);
    }
    if let Verb::Schema(args) = &cli.verb {
        return schema::run(args);
    }
    let context = Context::new(&cli.place)?;
    match cli.verb {
        Verb::Install(args) => install::run(&context, &args),
        Verb::Uninstall(args) => uninstall::run(&context, &args),
        Verb::Start(args) => start::run(&context, &args),
        Verb::Stop(args) => stop::run(&context, &args),
        Verb::Restart(args) => restart::run(&context, &args),
        Verb::Reload(args) => reload::run(&context, &args),
        Verb::Enable(args) => boot::run(&context, &args, true),
        Verb::Disable(args) => boot::run(&context, &args, false),
        Verb::Hold(args) => hold::hold(&context, &args),
        Verb::Unhold(args) => hold::unhold(&context, &args),
        Verb::Signal(args) => signal::run(&context, &args),
        Verb::Events(args) => events::run(&context, &args),
        Verb::Show(args) => show::run(&context, &args),
        Verb::Edit(args) => edit::run(&context, &args),
        Verb::Apply(args) => apply::run(&context, &args),
        Verb::Diff(args) => diff::run(&context, &args),
        Verb::Validate(args) => validate::run(&context, &args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Reset(args) => reset::run(&context, &args),
        Verb::Status(args) => status::run(&context, &args),
        Verb::List(args) => list::run(&context, &args),
        Verb::Logs(args) => logs::run(&context, &args),
        Verb::Run(args) => run::run(&context, &args),
        Verb::Daemon(args) => daemon::run(&context, &args),
        Verb::Init(args) => init::run(&args),
        Verb::Doctor(args) => doctor::run(&context, &args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Man(args) => man::run(&args),
        Verb::Version(args) => version::run(args),
        Verb::Engine(args) => Ok(internal::engine(context, args)),
    }
}
