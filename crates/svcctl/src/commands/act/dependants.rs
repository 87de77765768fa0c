//! Asking a person about running services that depend on one that is to be stopped.

use super::Order;
use crate::context::block_on;
use crate::error::CliError;
use std::collections::BTreeSet;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use svckit::control::client::{Client, Verb};
use svckit::control::types::{Act, Service};

/// Whether there is a person to ask, and something left to ask.
pub(super) fn may_be_asked(order: &Order<'_>) -> bool {
    let decided = order.dependants.is_none_or(|how| how.with_dependants || how.force);
    !decided
        && matches!(order.verb, Verb::Stop | Verb::Uninstall)
        && io::stdin().is_terminal()
        && io::stderr().is_terminal()
}

/// Whether the running dependants are to be stopped too. Without any, the conflict is another one: no.
pub(super) fn ask(client: &Client, act: &Act) -> Result<bool, CliError> {
    let services = block_on(client.services())??.services;
    let names = needing(&services, &act.names);
    if names.is_empty() {
        return Ok(false);
    }
    let mut terminal = io::stderr().lock();
    let question = format!(
        "{} {} on it. Stop {} too? (y/N) ",
        names.join(", "),
        plural(&names, "depends", "depend"),
        plural(&names, "it", "them")
    );
    let asked = terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush());
    let mut answer = String::new();
    // Without an answer it is a no.
    let read = asked.and_then(|()| io::stdin().lock().read_line(&mut answer));
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn plural<'a>(names: &[&str], one: &'a str, several: &'a str) -> &'a str {
    if names.len() == 1 { one } else { several }
}

/// The running services that need one of `names`, directly or through others.
fn needing<'a>(services: &'a [Service], names: &[String]) -> Vec<&'a str> {
    let mut stopped: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    loop {
        let next = services.iter().find(|service| {
            let needs = service.spec.get("depends_on").and_then(serde_json::Value::as_object);
            service.pid.is_some()
                && !stopped.contains(service.name.as_str())
                && needs.is_some_and(|needs| needs.keys().any(|name| stopped.contains(name.as_str())))
        });
        let Some(service) = next else { return found };
        stopped.insert(&service.name);
        found.push(service.name.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::service::sample;
    use serde_json::json;

    #[test]
    fn those_that_run_and_need_it_are_found_through_others() {
        let services = [
            sample(&json!({"name": "api", "spec": {"depends_on": {"db": "ready"}}})),
            sample(&json!({"name": "db", "spec": {}})),
            sample(&json!({"name": "idle", "pid": null, "spec": {"depends_on": {"db": "ready"}}})),
            sample(&json!({"name": "web", "spec": {"depends_on": {"api": "ready"}}})),
        ];
        assert_eq!(needing(&services, &["db".to_owned()]), ["api", "web"]);
        assert!(needing(&services, &["web".to_owned()]).is_empty());
    }
}
