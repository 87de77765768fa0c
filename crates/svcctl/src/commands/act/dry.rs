//! What an order would do where no daemon runs: nothing runs, so that it follows from the specifications.

use super::stored_names;
use crate::context::Context;
use crate::error::CliError;
use std::collections::BTreeSet;
use svckit::control::client::Verb;
use svckit::control::types::{Act, Done, Outcome, Service};

/// Says what `act` would do.
pub(super) fn without_daemon(context: &Context, verb: Verb, act: &Act) -> Result<Outcome, CliError> {
    if context.daemon_may_be_there() {
        return Err(context.no_daemon());
    }
    let names = stored_names(context, act)?;
    let stored = svcctl_engine::offline::show(&context.paths, None)?;
    Ok(Outcome { services: steps(verb, &names, &stored) })
}

fn steps(verb: Verb, names: &[String], stored: &[Service]) -> Vec<Done> {
    let find = |name: &str| stored.iter().find(|service| service.name == name);
    let changed = |name: &str| match verb {
        Verb::Start | Verb::Restart | Verb::Uninstall | Verb::Hold => true,
        Verb::Stop => find(name).is_some_and(|service| service.desired == "up"),
        Verb::Enable => find(name).is_some_and(|service| !service.autostart),
        Verb::Disable => find(name).is_some_and(|service| service.autostart),
        Verb::Unhold => find(name).is_some_and(|service| service.held.is_some()),
        // These are about processes, and there is none.
        Verb::Reload | Verb::Reset | Verb::Signal => false,
    };
    let step = |name: &str, taken_along| Done { name: name.to_owned(), changed: changed(name), taken_along };
    let mut found: Vec<Done> = Vec::new();
    if matches!(verb, Verb::Start | Verb::Restart) {
        let along = needed(names, stored);
        found.extend(along.iter().map(|name| step(name, true)));
    }
    found.extend(names.iter().map(|name| step(name, false)));
    found
}

/// What `names` depend on, directly or through others, without themselves.
fn needed(names: &[String], stored: &[Service]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = names.to_vec();
    while let Some(name) = open.pop() {
        let service = stored.iter().find(|service| service.name == name);
        let needs = service.and_then(|service| service.spec.get("depends_on")?.as_object());
        for need in needs.into_iter().flat_map(serde_json::Map::keys) {
            if !names.contains(need) && found.insert(need.clone()) {
                open.push(need.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::service::sample;
    use serde_json::json;

    #[test]
    fn what_is_needed_is_taken_along() {
        let stored = [
            sample(&json!({"name": "db", "spec": {}})),
            sample(&json!({"name": "api", "spec": {"depends_on": {"db": "ready"}}})),
            sample(&json!({"name": "web", "spec": {"depends_on": {"api": "ready"}}})),
        ];
        let found = steps(Verb::Start, &["web".to_owned()], &stored);
        let named: Vec<(&str, bool)> = found.iter().map(|one| (one.name.as_str(), one.taken_along)).collect();
        assert_eq!(named, [("api", true), ("db", true), ("web", false)]);
        assert!(!steps(Verb::Reset, &["web".to_owned()], &stored)[0].changed);
    }
}
