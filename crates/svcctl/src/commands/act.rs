//! What `start`, `stop`, `restart`, `reset` and `uninstall` have in common: find the engines, give the order, ask
//! about dependants, and tell what came of it.

mod dependants;
mod dry;
mod report;

use crate::args::{DependantsArgs, Format, Names, WaitArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::CliError;
use crate::exit_code;
use crate::locate;
use crate::names;
use crate::output::progress::Progress;
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
    /// What else is said of it: once, signal, reason, dry run.
    pub(super) more: Act,
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

/// What is known of no process cannot be done without a daemon.
pub(super) fn needs_daemon(context: &Context, act: &Act) -> Result<Instead, CliError> {
    // A service that does not exist is the nearer mistake.
    if !context.daemon_may_be_there() {
        stored_names(context, act)?;
    }
    Err(context.no_daemon())
}

/// The services of the store that `act` means; the error says which is not there.
pub(super) fn stored_names(context: &Context, act: &Act) -> Result<Vec<String>, CliError> {
    if act.all {
        let services = svcctl_engine::offline::show(&context.paths, None)?;
        return Ok(services.into_iter().map(|service| service.name).collect());
    }
    for name in &act.names {
        svcctl_engine::offline::show(&context.paths, Some(parse_name(name)?))?;
    }
    Ok(act.names.clone())
}

/// Does on the store what means something while nothing runs.
pub(super) fn on_store(context: &Context, verb: Verb, act: &Act) -> Result<Instead, CliError> {
    let outcome = context.on_store(|| svcctl_engine::offline::act(&context.paths, verb, act))?;
    Ok(outcome.map_or(Instead::DaemonRuns, Instead::Done))
}

/// An engine and what it is told.
struct Target {
    client: Client,
    is_daemon: bool,
    act: Act,
}

/// Carries out an order and tells the outcome; gives the exit code.
pub(super) fn carry_out(context: &Context, order: &Order<'_>) -> Result<u8, CliError> {
    carry_out_telling(context, order, true)
}

/// The same, telling the outcome only if asked to.
pub(super) fn carry_out_telling(context: &Context, order: &Order<'_>, tell: bool) -> Result<u8, CliError> {
    let mut lines = Vec::new();
    for mut target in targets(context, order)? {
        let outcome = carry_out_at(context, order, &mut target)?;
        lines.extend(report::lines(&target.client, order.verb, &order.more, outcome));
    }
    if tell {
        report::print(order.output, order.verb, order.more.dry_run, &lines)?;
    }
    let waited = order.wait.is_some_and(|wait| !wait.no_wait) && !order.more.dry_run;
    let failed = waited && report::any_failed(order.verb, &lines);
    Ok(if failed { FailureKind::Failed.exit_code() } else { exit_code::DONE })
}

fn targets(context: &Context, order: &Order<'_>) -> Result<Vec<Target>, CliError> {
    let names = names::resolve(context, &order.names.listed())?;
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
        ..order.more.clone()
    }
}

fn carry_out_at(context: &Context, order: &Order<'_>, target: &mut Target) -> Result<Outcome, CliError> {
    match send(context, order, target, !order.wakes_daemon())? {
        Err(ClientError::NoDaemon { .. }) if target.is_daemon && order.more.dry_run => {
            return dry::without_daemon(context, order.verb, &target.act);
        }
        Err(ClientError::NoDaemon { .. }) if target.is_daemon => {
            match (order.without_daemon)(context, &target.act)? {
                Instead::Done(outcome) => return Ok(outcome),
                Instead::DaemonRuns => {}
                Instead::DaemonBegun => return Ok(all_changed(send(context, order, target, true)??)),
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
    send(context, order, target, true)?.map_err(|error| context.unanswered(error))
}

/// What was wanted up came up with the daemon, before the order did: that is no less this command's doing.
fn all_changed(mut outcome: Outcome) -> Outcome {
    for done in &mut outcome.services {
        done.changed = true;
    }
    outcome
}

/// `patient`: a daemon that is there and does not answer yet is waited for.
fn send(
    context: &Context,
    order: &Order<'_>,
    target: &Target,
    patient: bool,
) -> Result<Result<Outcome, ClientError>, CliError> {
    let (verb, act) = (order.verb, &target.act);
    let asked = async {
        if target.is_daemon && patient {
            return context.ask_daemon(async |daemon| daemon.act(verb, act).await).await;
        }
        target.client.act(verb, act).await
    };
    let progress = Progress::of(&target.client, verb, act).filter(|_| order.output == Format::Text);
    block_on(async {
        match progress {
            Some(progress) => progress.beside(asked).await,
            None => asked.await,
        }
    })
}
