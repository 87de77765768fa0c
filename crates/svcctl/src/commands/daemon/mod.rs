//! `svcctl daemon`: the keeper and its engine, in front or behind, and their end.

mod begin;
mod status;
mod stop;

pub(super) use begin::{Launch, Serving, launch, launch_behind, pid_text, start_in_background};

use crate::args::{DaemonAction, DaemonArgs};
use crate::commands::internal::ENGINE;
use crate::context::{Context, DAEMON, THE_DAEMON, block_on};
use crate::error::CliError;
use crate::output;
use std::ffi::OsString;

pub(super) fn run(context: &Context, args: &DaemonArgs) -> Result<u8, CliError> {
    match &args.action {
        Some(DaemonAction::Status(args)) => status::run(context, args.output),
        Some(DaemonAction::Stop(args)) => stop::run(context, args),
        None if args.background => {
            if block_on(context.daemon().live())?.is_ok() {
                return Err(begin::runs_already(context));
            }
            let Serving { pid, .. } = start_in_background(context)?;
            output::print(&format!("the daemon runs in the background{}\n", pid_text(pid)))?;
            Ok(crate::exit_code::DONE)
        }
        None => launch(context, daemon(context)),
    }
}

/// The daemon as something to launch.
fn daemon(context: &Context) -> Launch {
    let mut engine_args: Vec<OsString> = vec![ENGINE.into()];
    engine_args.extend(context.arguments());
    engine_args.extend(["--id".into(), DAEMON.into()]);
    Launch {
        engine_args,
        run_dir: context.paths.run.clone(),
        lock: context.paths.daemon_lock(),
        who: THE_DAEMON.to_owned(),
    }
}
