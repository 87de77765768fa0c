//! What `start`, `stop`, `restart`, `reset` and `uninstall` have in common: find the engines, give the order, ask
//! about dependants, and tell what came of it.

mod dependants;
mod report;

use crate::args::{DependantsArgs, Format, Names, WaitArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::CliError;
use crate::exit_code;
use crate::locate;
use svcctl_core::ident::ServiceName;
use svckit::control::client::{Client, ClientError, Verb};
use svckit::control::types::{Act, FailureKind, Outcome};

/// What is to be done, to whom, and how.
pub(super) struct Order<'a> {
    pub(super) verb: Verb,
    pub(super) names: &'a Names,
    pub(super) wait: Option<WaitArgs>,
    pub(super) dependants: Option<DependantsArgs>,
    pub(super) output: Format,
    /// What is done where no daemon runs.
    pub(super) without_daemon: fn(&Context, &Act) -> Result<Instead, CliError>,
}

impl Order<'_> {
    /// Whether an engine that is away is asked for, rather than waited for.
    fn wakes_daemon(&self) -> bool {
        matches!(self.verb, Verb::Start | Verb::Restart)
    }
}

/// What became of an order without a daemon.
pub(super) enum Instead {
    /// It was carried out on the store.
    Done(Outcome),
    /// A daemon runs again: give it the order.
    DaemonRuns,
    /// A daemon was begun for this order: give it the order. Whatever runs then, runs by this command.
    DaemonBegun,
}

/// An engine and what it is told.
struct Target {
    client: Client,
    is_daemon: bool,
    act: Act,
}

/// Carries out an order and tells the outcome; gives the exit code.
pub(super) fn carry_out(context: &Context, order: &Order<'_>) -> Result<u8, CliError> {
    let mut lines = Vec::new();
    for mut target in targets(context, order)? {
        let outcome = carry_out_at(context, order, &mut target)?;
        lines.extend(report::lines(&target.client, order.verb, outcome));
    }
    report::print(order.output, order.verb, &lines)?;
    Ok(exit_code::DONE)
}

fn targets(context: &Context, order: &Order<'_>) -> Result<Vec<Target>, CliError> {
    let names = order.names.listed().into_iter().map(parse_name).collect::<Result<Vec<_>, _>>()?;
    let for_daemon = |act| Target { client: context.daemon(), is_daemon: true, act };
    // What is installed is the daemon's alone.
    if order.names.all || order.verb == Verb::Uninstall {
        return Ok(vec![for_daemon(act(order, &names))]);
    }
    block_on(async {
        let (mut of_daemon, mut targets) = (Vec::new(), Vec::new());
        for name in names {
            match locate::run_engine_of(context, &name).await {
                Some(client) => targets.push(Target { client, is_daemon: false, act: act(order, &[name]) }),
                None => of_daemon.push(name),
            }
        }
        if !of_daemon.is_empty() {
            targets.insert(0, for_daemon(act(order, &of_daemon)));
        }
        targets
    })
}

fn act(order: &Order<'_>, names: &[ServiceName]) -> Act {
    let timeout = order.wait.filter(|wait| !wait.no_wait).map(|wait| wait.timeout);
    Act {
        names: names.iter().map(ToString::to_string).collect(),
        all: order.names.all,
        no_wait: order.wait.is_some_and(|wait| wait.no_wait),
        timeout_ms: timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        with_dependants: order.dependants.is_some_and(|dependants| dependants.with_dependants),
        force: order.dependants.is_some_and(|dependants| dependants.force),
    }
}

fn carry_out_at(context: &Context, order: &Order<'_>, target: &mut Target) -> Result<Outcome, CliError> {
    match send(context, order, target)? {
        Err(ClientError::NoDaemon { .. }) if target.is_daemon => {
            match (order.without_daemon)(context, &target.act)? {
                Instead::Done(outcome) => return Ok(outcome),
                Instead::DaemonRuns => {}
                Instead::DaemonBegun => return Ok(all_changed(send(context, order, target)??)),
            }
        }
        Err(error) if error.kind() == FailureKind::Conflict && dependants::may_be_asked(order) => {
            if !dependants::ask(&target.client, &target.act)? {
                return Err(error.into());
            }
            target.act.with_dependants = true;
        }
        result => return Ok(result?),
    }
    Ok(send(context, order, target)??)
}

/// What was wanted up came up with the daemon, before the order did: that is no less this command's doing.
fn all_changed(mut outcome: Outcome) -> Outcome {
    for done in &mut outcome.services {
        done.changed = true;
    }
    outcome
}

fn send(
    context: &Context,
    order: &Order<'_>,
    target: &Target,
) -> Result<Result<Outcome, ClientError>, CliError> {
    let (verb, act) = (order.verb, &target.act);
    if target.is_daemon && !order.wakes_daemon() {
        return block_on(context.ask_daemon(async |daemon| daemon.act(verb, act).await));
    }
    block_on(target.client.act(verb, act))
}
