//! What can only be seen in the whole set of services: unknown dependencies, and services that wait for each other.

use super::{Problem, ServiceSpec, Which, model::DependencyKind};
use crate::ident::ServiceName;
use crate::schedule::Zones;
use std::collections::{BTreeMap, BTreeSet};

/// Where the dependencies of the services that are installed can be read, whatever holds them.
pub(crate) trait DependencySource {
    /// What `name` depends on; `None` if it is not installed.
    fn dependencies(&self, name: &ServiceName) -> Option<&BTreeMap<ServiceName, DependencyKind>>;
}

impl DependencySource for BTreeMap<ServiceName, ServiceSpec> {
    fn dependencies(&self, name: &ServiceName) -> Option<&BTreeMap<ServiceName, DependencyKind>> {
        self.get(name).map(|spec| &spec.depends_on)
    }
}

/// All that is wrong with `spec` among `installed` (which may hold an earlier version of it): dependencies that are
/// not installed, itself as a dependency, and cycles, each named in order.
pub fn validate(spec: &ServiceSpec, installed: &BTreeMap<ServiceName, ServiceSpec>) -> Vec<Problem> {
    check(spec, installed)
}

/// [`validate`] over whatever holds the set.
pub(crate) fn check(spec: &ServiceSpec, installed: &impl DependencySource) -> Vec<Problem> {
    let mut problems = Vec::new();
    for dependency in spec.depends_on.keys() {
        let path = format!("depends_on.{dependency}");
        let message = if *dependency == spec.name {
            "a service cannot depend on itself".to_owned()
        } else if installed.dependencies(dependency).is_none() {
            format!("{} depends on {dependency}, which is not installed; install it first", spec.name)
        } else {
            match path_back(dependency, &spec.name, installed) {
                None => continue,
                Some(cycle) => cycle_message(&spec.name, &cycle),
            }
        };
        problems.push(Problem { path, which: Which::Value, message });
    }
    problems
}

/// What is wrong with the time zone that `spec` names, if anything: [`super::decode()`] has no database of zones, and
/// whoever installs a specification has.
pub fn check_timezone(spec: &ServiceSpec, zones: &dyn Zones) -> Option<Problem> {
    let name = spec.schedule.as_ref()?.timezone.as_deref()?;
    if zones.zone(Some(name)).is_some() {
        return None;
    }
    let message = format!(
        "is {name:?}, which this machine's database of time zones does not have; names are as in \"Europe/Prague\""
    );
    Some(Problem { path: "schedule.timezone".to_owned(), which: Which::Value, message })
}

pub(super) fn cycle_message(name: &ServiceName, cycle: &[ServiceName]) -> String {
    let mut text = format!("services cannot wait for each other: {name}");
    for step in cycle {
        text.push_str(" → ");
        text.push_str(step.as_str());
    }
    text
}

/// The way from `from` over dependencies to `target`, both included, if there is one.
pub(super) fn path_back(
    from: &ServiceName,
    target: &ServiceName,
    installed: &impl DependencySource,
) -> Option<Vec<ServiceName>> {
    let mut seen = BTreeSet::new();
    // Each entry is a service and the place in `came_from` of the one it was reached from.
    let mut came_from: Vec<(&ServiceName, Option<usize>)> = vec![(from, None)];
    let mut next = 0;
    while let Some(&(name, _)) = came_from.get(next) {
        if name == target {
            return Some(walk_back(&came_from, next));
        }
        if seen.insert(name)
            && let Some(dependencies) = installed.dependencies(name)
        {
            came_from.extend(dependencies.keys().map(|dependency| (dependency, Some(next))));
        }
        next += 1;
    }
    None
}

fn walk_back(came_from: &[(&ServiceName, Option<usize>)], last: usize) -> Vec<ServiceName> {
    let mut path = Vec::new();
    let mut at = Some(last);
    while let Some(index) = at {
        path.push(came_from[index].0.clone());
        at = came_from[index].1;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(name: &str, depends_on: &[&str]) -> ServiceSpec {
        let edges: BTreeMap<&str, &str> = depends_on.iter().map(|on| (*on, "ready")).collect();
        let document = json!({"spec": 1, "name": name, "exec": ["/bin/true"], "depends_on": edges});
        crate::spec::decode(&document).expect("the document is sound")
    }

    fn set(specs: &[ServiceSpec]) -> BTreeMap<ServiceName, ServiceSpec> {
        specs.iter().map(|spec| (spec.name.clone(), spec.clone())).collect()
    }

    fn messages(spec: &ServiceSpec, installed: &BTreeMap<ServiceName, ServiceSpec>) -> Vec<String> {
        validate(spec, installed).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unknown_and_own_dependencies_are_named() {
        assert_eq!(
            messages(&spec("web", &["db", "web"]), &BTreeMap::new()),
            [
                "depends_on.db: web depends on db, which is not installed; install it first",
                "depends_on.web: a service cannot depend on itself",
            ]
        );
    }

    #[test]
    fn a_zone_that_is_nowhere_is_told() {
        struct OnlyPrague;
        impl Zones for OnlyPrague {
            fn zone(&self, name: Option<&str>) -> Option<jiff::tz::TimeZone> {
                (name == Some("Europe/Prague")).then_some(jiff::tz::TimeZone::UTC)
            }
        }
        let check = |zone: &str| {
            let schedule = json!({"cron": "@daily", "timezone": zone});
            let document = json!({"spec": 1, "name": "web", "exec": ["/bin/true"], "schedule": schedule});
            let spec = crate::spec::decode(&document).expect("the document is sound");
            check_timezone(&spec, &OnlyPrague).map(|problem| problem.path)
        };
        assert_eq!(check("Europe/Prague"), None);
        assert_eq!(check("Europe/Parague").as_deref(), Some("schedule.timezone"));
        assert_eq!(check_timezone(&spec("web", &[]), &OnlyPrague), None);
    }

    #[test]
    fn a_cycle_is_named_in_order() {
        let installed = set(&[spec("a", &[]), spec("b", &["c"]), spec("c", &["a"])]);
        assert_eq!(
            messages(&spec("a", &["b"]), &installed),
            ["depends_on.b: services cannot wait for each other: a → b → c → a"]
        );
        assert_eq!(messages(&spec("d", &["b"]), &installed), Vec::<String>::new());
    }
}
