//! What came of an order, a line for each service.

use crate::args::Format;
use crate::context::block_on;
use crate::document::parse_name;
use crate::error::CliError;
use crate::output::{self, service};
use serde::Serialize;
use svckit::control::client::{Client, Verb};
use svckit::control::types::{Done, Outcome, Service};

/// Up to how many services are asked for one by one.
const ONE_BY_ONE_MAX: usize = 8;

/// What became of one service.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    done: Done,
    /// Absent once it is uninstalled, or when no engine tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    pid: Option<u32>,
    #[serde(skip)]
    text: String,
}

/// Asks for the states of the services concerned and makes the lines.
pub(super) fn lines(client: &Client, verb: Verb, outcome: Outcome) -> Vec<Line> {
    let services = states(client, &outcome.services);
    let line = |done: Done| {
        let service = services.iter().find(|service| service.name == done.name);
        Line {
            text: sentence(verb, &done, service),
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

fn sentence(verb: Verb, done: &Done, service: Option<&Service>) -> String {
    let already = if done.changed { "" } else { "already " };
    let taken_along = if done.taken_along { " (taken along)" } else { "" };
    let state = || service.map_or_else(|| "done".to_owned(), service::brief);
    let what = match verb {
        Verb::Start => format!("{already}{}", state()),
        Verb::Stop => format!("{already}{}", service.map_or_else(|| "stopped".to_owned(), service::brief)),
        Verb::Restart => state(),
        Verb::Reset if done.changed => format!("reset; {}", state()),
        Verb::Reset => format!("nothing to reset; {}", state()),
        // Who does not wait is answered while it still ends.
        Verb::Uninstall if service.is_some() => "is being uninstalled; its logs stay".to_owned(),
        Verb::Uninstall => "uninstalled; its logs stay".to_owned(),
    };
    format!("{}: {what}{taken_along}", done.name)
}

/// Prints all lines.
pub(super) fn print(format: Format, verb: Verb, lines: &[Line]) -> Result<(), CliError> {
    if lines.is_empty() {
        output::remark(&format!("there is nothing to {}", verb.word()));
    }
    output::answer(format, &serde_json::json!({"services": lines}), || {
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
