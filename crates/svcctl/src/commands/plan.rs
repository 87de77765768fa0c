//! The way from the services there are to those that files say, for `apply`, `diff` and `validate`.

use crate::context::{Context, block_on};
use crate::document::files::{Entry, Loaded};
use crate::document::parse_name;
use crate::error::{CliError, failure};
use crate::locate;
use crate::names;
use crate::output::Style;
use crate::output::printable::printable;
use crate::wrong::{FileProblem, Wrong};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::plan::{self, PlanAction, PlanStep};
use svcctl_core::spec::{self, Problem, ServiceSpec};
use svckit::control::types::{FailureKind, InvalidFile, Step};

/// The specifications that are accepted.
pub(super) struct Present {
    specs: BTreeMap<ServiceName, Arc<ServiceSpec>>,
    running: BTreeSet<ServiceName>,
}

/// What is installed; services of `svcctl run` are not.
pub(super) fn present(context: &Context) -> Result<Present, CliError> {
    let mut found = Present { specs: BTreeMap::new(), running: BTreeSet::new() };
    for service in block_on(locate::all(context))?? {
        if service.engine.as_deref().is_some_and(|engine| engine.starts_with(crate::context::RUN_PREFIX)) {
            continue;
        }
        let name = parse_name(&service.name)?;
        let spec = spec::decode(&service.spec).map_err(|_| {
            let message =
                format!("{name} runs under a newer svcctl, whose specification this one cannot read");
            failure(FailureKind::Failed, message)
        })?;
        if service.pid.is_some() {
            found.running.insert(name.clone());
        }
        found.specs.insert(name, Arc::new(spec));
    }
    Ok(found)
}

/// What would be done to bring `entries` about.
///
/// # Errors
/// `Invalid` with all that is wrong with the set as it would be, where it stands.
pub(super) fn steps(present: &Present, entries: &[Entry], prune: bool) -> Result<Vec<Step>, CliError> {
    let new: Vec<Arc<ServiceSpec>> = entries.iter().map(|entry| Arc::new(entry.spec.clone())).collect();
    let plan = plan::plan(&present.specs, |name| present.running.contains(name), &new, prune)
        .map_err(|problems| CliError::from(of_set(entries, &problems)))?;
    Ok(plan.steps.into_iter().map(step).collect())
}

/// All that is wrong with the set alone, or together with what is installed.
pub(super) fn check_set(loaded: &mut Loaded, present: Option<&Present>) {
    let old = present.map(|present| present.specs.clone()).unwrap_or_default();
    let new: Vec<Arc<ServiceSpec>> =
        loaded.entries.iter().map(|entry| Arc::new(entry.spec.clone())).collect();
    let Err(problems) = plan::plan(&old, |_| false, &new, false) else { return };
    // That a name stands twice was found before, at its place.
    let problems: Vec<Problem> = problems.into_iter().filter(|problem| problem.path.contains('.')).collect();
    loaded.wrong.problems.extend(of_set(&loaded.entries, &problems).problems);
}

/// Problems of a set, whose paths begin with the service's name, at their places.
pub(super) fn of_set(entries: &[Entry], problems: &[Problem]) -> Wrong {
    let mut wrong = Wrong::default();
    for problem in problems {
        // A name may have dots: the longest that fits is meant.
        let owner = entries
            .iter()
            .filter_map(|entry| {
                let rest = problem.path.strip_prefix(entry.spec.name.as_str())?;
                let rest = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
                Some((entry, rest))
            })
            .min_by_key(|(_, rest)| rest.len());
        let Some((entry, rest)) = owner else {
            wrong.problems.push(FileProblem::of_file("installed services", &problem.to_string()));
            continue;
        };
        let inner = Problem { path: rest.to_owned(), ..problem.clone() };
        let placed = entry.wrong(std::slice::from_ref(&inner));
        wrong.problems.extend(placed.problems);
        wrong.texts.extend(placed.texts);
    }
    wrong
}

fn step(step: PlanStep) -> Step {
    let action = match step.action {
        PlanAction::Keep => "keep",
        PlanAction::Update => "update",
        PlanAction::Restart => "restart",
        PlanAction::Start => "start",
        PlanAction::Install => "install",
        PlanAction::Uninstall => "uninstall",
        PlanAction::Leave => "leave",
    };
    Step { name: step.name.to_string(), action: action.to_owned(), differences: step.differences }
}

/// Those of `entries` that were named; all where none was.
///
/// # Errors
/// `NoSuchService` for a name that no file has.
pub(super) fn named(entries: Vec<Entry>, typed: &[String]) -> Result<Vec<Entry>, CliError> {
    if typed.is_empty() {
        return Ok(entries);
    }
    let known: Vec<ServiceName> = entries.iter().map(|entry| entry.spec.name.clone()).collect();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    let wanted = names::expand(&typed, &known)?;
    if let Some(missing) = wanted.iter().find(|name| !known.contains(name)) {
        let message = format!("no file that was given has a specification of {missing}");
        return Err(failure(FailureKind::NoSuchService, message));
    }
    Ok(entries.into_iter().filter(|entry| wanted.contains(&entry.spec.name)).collect())
}

/// What is wrong with files that an engine looked at, with their texts where they can be read.
pub(super) fn wrong_of(files: &[InvalidFile]) -> Wrong {
    let mut wrong = Wrong::default();
    for file in files {
        wrong
            .problems
            .extend(file.problems.iter().map(|problem| FileProblem::of_engine(&file.file, problem)));
        if let Ok(text) = std::fs::read_to_string(&file.file) {
            wrong.texts.insert(file.file.clone(), text);
        }
    }
    wrong
}

/// A step as a line: `~ web  restart: env.X: 1 → 2`.
pub(super) fn line(step: &Step, width: usize, style: Style) -> String {
    let (sign, colour) = match step.action.as_str() {
        "start" | "install" => ("+", "32"),
        "update" | "restart" => ("~", "33"),
        "uninstall" => ("-", "31"),
        _ => ("=", "2"),
    };
    let said = match step.action.as_str() {
        "keep" => String::new(),
        "leave" => "not in the files; left as it is".to_owned(),
        action if step.differences.is_empty() => action.to_owned(),
        action => format!("{action}: {}", printable(&step.differences.join(", "))),
    };
    let line = format!("{sign} {:width$}  {said}", step.name);
    style.paint(colour, line.trim_end())
}

/// The width of the column of names.
pub(super) fn width(steps: &[Step]) -> usize {
    steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0)
}

/// How many steps there are of each kind: `2 started, 1 restarted, 3 unchanged`.
pub(super) fn summary(steps: &[Step], dry_run: bool) -> String {
    let count = |action: &str| steps.iter().filter(|step| step.action == action).count();
    let kinds = [
        ("start", "start", "started"),
        ("install", "install", "installed"),
        ("update", "update", "updated"),
        ("restart", "restart", "restarted"),
        ("uninstall", "uninstall", "uninstalled"),
        ("keep", "keep", "unchanged"),
        ("leave", "left as it is", "left as it is"),
    ];
    let said: Vec<String> = kinds
        .into_iter()
        .filter(|(action, ..)| count(action) > 0)
        .map(|(action, would, done)| format!("{} {}", count(action), if dry_run { would } else { done }))
        .collect();
    match (said.is_empty(), dry_run) {
        (true, _) => "nothing to do".to_owned(),
        (false, true) => format!("would do: {}", said.join(", ")),
        (false, false) => said.join(", "),
    }
}

/// Whether this step changes anything.
pub(super) fn changes(step: &Step) -> bool {
    !matches!(step.action.as_str(), "keep" | "leave")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn loaded(text: &str) -> Loaded {
        let mut loaded = Loaded::default();
        loaded.take(Path::new("/etc/set.yaml"), text.to_owned()).unwrap();
        loaded
    }

    fn spec(name: &str, more: &str) -> String {
        format!("spec: 1\nname: {name}\nexec: [/bin/true]\n{more}")
    }

    fn step(name: &str, action: &str, differences: &[&str]) -> Step {
        let differences = differences.iter().map(|one| (*one).to_owned()).collect();
        Step { name: name.to_owned(), action: action.to_owned(), differences }
    }

    #[test]
    fn a_set_is_checked_with_places() {
        let text = format!("{}---\n{}", spec("a.b", ""), spec("a", "depends_on: {missing: ready}\n"));
        let mut loaded = loaded(&text);
        check_set(&mut loaded, None);
        let places: Vec<(u64, &str)> =
            loaded.wrong.problems.iter().map(|one| (one.line, one.path.as_str())).collect();
        assert_eq!(places, [(8, "depends_on.missing")], "{:?}", loaded.wrong);
    }

    #[test]
    fn a_plan_is_made_against_what_is_there() {
        let old = loaded(&format!("{}---\n{}", spec("gone", ""), spec("same", ""))).entries;
        let specs = old.iter().map(|one| (one.spec.name.clone(), Arc::new(one.spec.clone()))).collect();
        let present = Present { specs, running: BTreeSet::new() };
        let new = loaded(&format!("{}---\n{}", spec("same", ""), spec("new", ""))).entries;
        let found = steps(&present, &new, true).unwrap();
        let said: Vec<(&str, &str)> =
            found.iter().map(|one| (one.name.as_str(), one.action.as_str())).collect();
        assert_eq!(said, [("new", "start"), ("same", "keep"), ("gone", "uninstall")]);
    }

    #[test]
    fn steps_are_lines_and_a_sum() {
        let steps = [
            step("web", "start", &[]),
            step("db", "restart", &["env.X: 1 → 2"]),
            step("cache", "keep", &[]),
            step("old", "uninstall", &[]),
        ];
        let text: Vec<String> = steps.iter().map(|one| line(one, width(&steps), Style::Plain)).collect();
        assert_eq!(
            text,
            ["+ web    start", "~ db     restart: env.X: 1 → 2", "= cache", "- old    uninstall"]
        );
        assert_eq!(summary(&steps, false), "1 started, 1 restarted, 1 uninstalled, 1 unchanged");
        assert_eq!(summary(&steps, true), "would do: 1 start, 1 restart, 1 uninstall, 1 keep");
        assert_eq!(summary(&[], false), "nothing to do");
    }
}
