//! What came of an order, a line for each service.

use crate::args::Format;
use crate::context::block_on;
use crate::document::parse_name;
use crate::error::CliError;
use crate::output::{self, service};
use serde::Serialize;
use svckit::control::client::{Client, Verb};
use svckit::control::types::{Act, Done, Outcome, Service};

/// Up to how many services are asked for one by one.
const ONE_BY_ONE_MAX: usize = 8;

/// What became of one service.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Line {
    #[serde(flatten)]
    done: Done,
    /// Absent once it is uninstalled, or when no engine tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Its main process, where there is one.
    pid: Option<u32>,
    #[serde(skip)]
    text: String,
}

/// What came of the order.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    /// Those that were named, and those that were taken along.
    services: &'a [Line],
    /// Whether it only says what would be; absent where something was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

/// Asks for the states of the services concerned and makes the lines.
pub(super) fn lines(client: &Client, verb: Verb, how: &Act, outcome: Outcome) -> Vec<Line> {
    let services = states(client, &outcome.services);
    let line = |done: Done| {
        let service = services.iter().find(|service| service.name == done.name);
        Line {
            text: match (how.dry_run, how.once) {
                (true, _) => would(verb, &done),
                (false, true) => ran_once(&done, service),
                (false, false) => sentence(verb, &done, service),
            },
            state: service.map(|service| service.state.clone()),
            pid: service.and_then(|service| service.pid),
            done,
        }
    };
    outcome.services.into_iter().map(line).collect()
}

/// The states, as far as somebody tells them: the order is carried out, and that is not undone by a lost answer.
fn states(client: &Client, done: &[Done]) -> Vec<Service> {
    let asked = block_on(async {
        if done.len() > ONE_BY_ONE_MAX {
            return client.services().await.map(|all| all.services).unwrap_or_default();
        }
        let mut services = Vec::new();
        for done in done {
            if let Ok(name) = parse_name(&done.name) {
                services.extend(client.service(&name).await.ok());
            }
        }
        services
    });
    asked.unwrap_or_default()
}

/// What would come of it.
fn would(verb: Verb, done: &Done) -> String {
    let name = &done.name;
    if !done.changed {
        return format!("{name}: nothing to do");
    }
    let along = match (done.taken_along, verb) {
        (false, _) => "",
        (true, Verb::Start | Verb::Restart) => " (which is needed)",
        (true, _) => " (which needs it)",
    };
    match verb {
        Verb::Signal => format!("would send the signal to {name}"),
        Verb::Enable => format!("would start {name} at boot"),
        Verb::Disable => format!("would not start {name} at boot"),
        Verb::Start
        | Verb::Stop
        | Verb::Restart
        | Verb::Reload
        | Verb::Reset
        | Verb::Hold
        | Verb::Unhold
        | Verb::Uninstall => format!("would {} {name}{along}", verb.word()),
    }
}

/// What came of one run of a job.
fn ran_once(done: &Done, service: Option<&Service>) -> String {
    let last = service.and_then(|service| service.job.as_ref()?.last.as_ref());
    match last {
        Some(run) if run.ended.is_some() => format!("{}: ran, and {}", done.name, run.result),
        Some(_) => format!("{}: runs", done.name),
        None => sentence(Verb::Start, done, service),
    }
}

fn sentence(verb: Verb, done: &Done, service: Option<&Service>) -> String {
    let already = if done.changed { "" } else { "already " };
    let taken_along = if done.taken_along { " (taken along)" } else { "" };
    let state = || service.map_or_else(|| "done".to_owned(), service::brief);
    let what = match verb {
        Verb::Start | Verb::Restart if done.changed && is_over(service) => {
            format!("started, and has ended since: {}", state())
        }
        Verb::Start => format!("{already}{}", state()),
        Verb::Stop => format!("{already}{}", service.map_or_else(|| "stopped".to_owned(), service::brief)),
        Verb::Restart => state(),
        Verb::Reload => format!("{already}reloaded"),
        Verb::Hold => format!("{already}held"),
        Verb::Unhold => format!("no longer held; {}", state()),
        Verb::Enable => format!("{already}enabled: it starts at boot"),
        Verb::Disable => format!("{already}disabled: it does not start at boot"),
        Verb::Signal => "signal sent".to_owned(),
        Verb::Reset if done.changed => format!("reset; {}", state()),
        Verb::Reset => format!("nothing to reset; {}", state()),
        // Who does not wait is answered while it still ends.
        Verb::Uninstall if service.is_some() => "is being uninstalled; its logs stay".to_owned(),
        Verb::Uninstall => "uninstalled; its logs stay".to_owned(),
    };
    format!("{}: {what}{taken_along}", done.name)
}

/// Whether a service that was started, as far as that goes without readiness, is not running now.
fn is_over(service: Option<&Service>) -> bool {
    let over = |service: &Service| service.phase == "backoff" || service.phase == "failed";
    service.is_some_and(|service| over(service) && service.last_spawn_error.is_none())
}

/// Whether a service that was to come up is given up already.
pub(super) fn any_failed(verb: Verb, lines: &[Line]) -> bool {
    let failed = |line: &Line| line.state.as_deref() == Some("ERROR") && !line.done.taken_along;
    matches!(verb, Verb::Start | Verb::Restart) && lines.iter().any(failed)
}

/// Prints all lines.
pub(super) fn print(format: Format, verb: Verb, dry_run: bool, lines: &[Line]) -> Result<(), CliError> {
    if lines.is_empty() {
        output::remark(&format!("there is nothing to {}", verb.word()));
    }
    let answer = Report { services: lines, dry_run: dry_run.then_some(true) };
    output::answer_at_once(format, &answer, || {
        // What was taken along and was as it had to be is no news to a person.
        let news = lines.iter().filter(|line| line.done.changed || !line.done.taken_along);
        news.flat_map(|line| [line.text.as_str(), "\n"]).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::service::sample;
    use serde_json::json;

    #[test]
    fn its_schema_is_published() {
        output::published::is_current::<Report<'_>>("order");
    }

    #[test]
    fn a_dry_run_says_what_would_come() {
        let done = |changed, taken_along| Done { name: "web".to_owned(), changed, taken_along };
        assert_eq!(would(Verb::Start, &done(true, false)), "would start web");
        assert_eq!(would(Verb::Start, &done(true, true)), "would start web (which is needed)");
        assert_eq!(would(Verb::Stop, &done(true, true)), "would stop web (which needs it)");
        assert_eq!(would(Verb::Stop, &done(false, false)), "web: nothing to do");
    }

    #[test]
    fn a_line_says_what_came_of_it() {
        let done = |changed, taken_along| Done { name: "web".to_owned(), changed, taken_along };
        let running = sample(&json!({}));
        let stopped = sample(&json!({"phase": "stopped", "pid": null}));
        let text = |verb, done: &Done, service| sentence(verb, done, service);
        assert_eq!(text(Verb::Start, &done(true, false), Some(&running)), "web: running (pid 123)");
        assert_eq!(
            text(Verb::Start, &done(false, true), Some(&running)),
            "web: already running (pid 123) (taken along)"
        );
        assert_eq!(text(Verb::Stop, &done(true, false), Some(&stopped)), "web: stopped");
        assert_eq!(text(Verb::Stop, &done(false, false), None), "web: already stopped");
        assert_eq!(text(Verb::Restart, &done(true, false), Some(&running)), "web: running (pid 123)");
        let ended =
            sample(&json!({"phase": "backoff", "pid": null, "why": "exited with code 1; restart 2 in 1 s"}));
        assert_eq!(
            text(Verb::Start, &done(true, false), Some(&ended)),
            "web: started, and has ended since: not running: exited with code 1; restart 2 in 1 s"
        );
        assert_eq!(
            text(Verb::Reset, &done(false, false), Some(&running)),
            "web: nothing to reset; running (pid 123)"
        );
        assert_eq!(text(Verb::Uninstall, &done(true, false), None), "web: uninstalled; its logs stay");
        assert_eq!(
            text(Verb::Uninstall, &done(true, false), Some(&running)),
            "web: is being uninstalled; its logs stay"
        );
    }
}
