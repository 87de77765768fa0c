//! `svcctl apply`: bring services about as files say, with the least disturbance.

use super::act::{self, Order};
use super::{daemon, plan, start};
use crate::args::{ApplyArgs, Format, Names};
use crate::context::{Context, block_on};
use crate::document::files::{self, Entry};
use crate::error::CliError;
use crate::output::Style;
use crate::{exit_code, names, output};
use svckit::control::client::{ClientError, Verb};
use svckit::control::types::{Act, Applied, Apply, FailureKind, Step};

pub(super) fn run(context: &Context, args: &ApplyArgs) -> Result<u8, CliError> {
    let entries =
        if args.pending { Vec::new() } else { plan::named(files::load(&args.files)?.sound()?, &args.names)? };
    let apply = Apply {
        services: entries.iter().map(|entry| entry.install.clone()).collect(),
        pending: args.pending,
        names: if args.pending { pending_names(context, args)? } else { Vec::new() },
        prune: args.prune,
        dry_run: args.dry_run,
    };
    let applied = carry_out(context, &apply, &entries)?;
    tell(args, &applied)?;
    let wrong = plan::wrong_of(&applied.invalid);
    let invalid = !wrong.problems.is_empty();
    if args.wait && !args.dry_run {
        let code = wait(context, args, &applied.steps)?;
        if code != exit_code::DONE {
            return Ok(code);
        }
    }
    if invalid { Err(wrong.into()) } else { Ok(exit_code::DONE) }
}

fn pending_names(context: &Context, args: &ApplyArgs) -> Result<Vec<String>, CliError> {
    let typed: Vec<&str> = args.names.iter().map(String::as_str).collect();
    Ok(names::resolve(context, &typed)?.iter().map(ToString::to_string).collect())
}

fn carry_out(context: &Context, apply: &Apply, entries: &[Entry]) -> Result<Applied, CliError> {
    let ask = || block_on(context.ask_daemon(async |daemon| daemon.apply(apply).await));
    let answer = match ask()? {
        Err(ClientError::NoDaemon { .. }) if apply.dry_run => {
            match context.on_store(|| svcctl_engine::offline::apply(&context.paths, apply)) {
                Ok(Some(applied)) => return Ok(applied),
                Ok(None) => ask()?,
                Err(CliError::Failure(failure)) => Err(ClientError::Refused(failure)),
                Err(error) => return Err(error),
            }
        }
        Err(ClientError::NoDaemon { .. }) => {
            // What is to be started needs somebody who keeps it.
            let serving = daemon::start_in_background(context)?;
            if serving.begun_here {
                let pid = daemon::pid_text(serving.pid);
                output::remark(&format!("started the daemon in the background{pid}"));
            }
            ask()?
        }
        answer => answer,
    };
    match answer {
        Err(ClientError::Refused(failure))
            if failure.kind == FailureKind::Invalid && !failure.problems.is_empty() =>
        {
            Err(plan::of_set(entries, &failure.problems).into())
        }
        answer => Ok(answer?),
    }
}

fn tell(args: &ApplyArgs, applied: &Applied) -> Result<(), CliError> {
    output::answer_at_once(args.output.output, applied, || text(applied, args, Style::of_stdout()))
}

fn text(applied: &Applied, args: &ApplyArgs, style: Style) -> String {
    let width = plan::width(&applied.steps);
    // What is not meant is counted, not listed; but that a file of services/ is gone is news.
    let meant = applied.steps.iter().filter(|step| args.pending || step.action != "leave");
    let mut text: String = meant.flat_map(|step| [plan::line(step, width, style), "\n".to_owned()]).collect();
    text.push_str(&plan::summary(&applied.steps, args.dry_run));
    text.push('\n');
    text
}

/// Waits until what was started is up, as `start` does.
fn wait(context: &Context, args: &ApplyArgs, steps: &[Step]) -> Result<u8, CliError> {
    let started = |step: &&Step| matches!(step.action.as_str(), "start" | "restart");
    let names: Vec<String> = steps.iter().filter(started).map(|step| step.name.clone()).collect();
    if names.is_empty() {
        return Ok(exit_code::DONE);
    }
    let quiet = args.output.output != Format::Text;
    act::carry_out_telling(
        context,
        &Order {
            verb: Verb::Start,
            names: &Names::of_all(names),
            wait: Some(args.wait_args()),
            dependants: None,
            output: args.output.output,
            more: Act::default(),
            without_daemon: start::start_daemon,
        },
        !quiet,
    )
}
