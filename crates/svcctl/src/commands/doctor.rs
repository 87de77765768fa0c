//! `svcctl doctor`: what is in order, what may become trouble, and what is trouble, each with what to do about it.
//!
//! Nothing is changed, and everything works without a daemon, without rights and with nothing installed. What the
//! system says is read by [`svcctl_os::inspect`]; the files here judge it. Ids of checks are for scripts, and stay.

mod check;
mod clock;
mod daemon;
mod disk;
mod kernel;
mod leftovers;
mod limits;
mod log;
mod places;
mod services;

use crate::args::DoctorArgs;
use crate::context::{Context, block_on};
use crate::error::CliError;
use crate::exit_code;
use crate::locate;
use crate::output::{self, Style};
use check::{Check, Report, Verdict};
use jiff::Timestamp;
use std::time::Duration;
use svckit::control::types::{FailureKind, Service};

/// How long the list of services may take.
const LIST_WITHIN: Duration = Duration::from_secs(3);

pub(super) fn run(context: &Context, args: &DoctorArgs) -> Result<u8, CliError> {
    let report = Report::of(examine(context));
    output::answer(args.output.output, &report, || report.text(Style::of_stdout()))?;
    let failed = report.worst() == Verdict::Problem;
    Ok(if failed { FailureKind::Failed.exit_code() } else { exit_code::DONE })
}

fn examine(context: &Context) -> Vec<Check> {
    // Before anything else: who opens the store takes the lock, and gives it back.
    let killed = leftovers::killed(context);
    let (services, told) = installed(context);
    let mut checks = places::check(context);
    checks.extend(disk::check(context));
    checks.extend(kernel::check());
    checks.extend(limits::check());
    checks.extend(clock::check());
    checks.extend(daemon::check(context));
    checks.extend(killed);
    checks.extend(leftovers::check(context, &services));
    checks.extend(log::check(&context.paths.own_log(), Timestamp::now()));
    checks.push(told);
    checks.extend(services::check(context, &services));
    checks
}

/// The services, and whether they can be known.
fn installed(context: &Context) -> (Vec<Service>, Check) {
    let asked = block_on(async { tokio::time::timeout(LIST_WITHIN, locate::all(context)).await });
    let late = || format!("no answer within {} s", LIST_WITHIN.as_secs());
    let listed = match asked {
        Ok(Ok(Ok(services))) => Ok(services),
        Ok(Ok(Err(error))) | Err(error) => Err(error.to_string()),
        Ok(Err(_elapsed)) => Err(late()),
    };
    match listed {
        Ok(services) => {
            let text = match services.len() {
                0 => "none is installed".to_owned(),
                1 => "1 is installed".to_owned(),
                several => format!("{several} are installed"),
            };
            (services, Check::ok("services.list", text))
        }
        Err(why) => {
            let check = Check::problem(
                "services.list",
                format!("what is installed cannot be known: {why}"),
                "see the problems named here; the daemon's log tells more",
            );
            (Vec::new(), check)
        }
    }
}
