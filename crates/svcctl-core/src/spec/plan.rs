//! What differs between two sets of services, as a plan that disturbs as little as can be.

use super::model::DependencyKind;
use super::validate::{DependencySource, cycle_message, path_back};
use super::{Problem, ServiceSpec, Which};
use crate::ident::ServiceName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is to be done with each service of two sets, dependencies before their dependants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// One entry for each service of either set; those that stay as they are included.
    pub steps: Vec<PlanStep>,
}

/// What is to be done with one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Which.
    pub name: ServiceName,
    /// What.
    pub action: PlanAction,
    /// What differs, each `path: old → new`; empty for what is new, gone or the same.
    pub differences: Vec<String>,
}

/// What is to be done with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanAction {
    /// Nothing: it is the same.
    Keep,
    /// Take the new specification; what runs goes on undisturbed (or nothing runs).
    Update,
    /// Take the new specification, and restart what runs.
    Restart,
    /// Install it, and start it.
    Start,
    /// Install it, and leave it stopped.
    Install,
    /// Stop it (if it runs) and forget it.
    Uninstall,
    /// It is not in the new set, and is left as it is.
    Leave,
}

/// What a change of the specification means for a process that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing differs.
    None,
    /// It takes effect without a restart.
    Live,
    /// Only a new process has it.
    Restart,
}

/// What `new` in place of `old` means for a process made from `old`.
///
/// What the process itself was made from needs a new one; what the daemon decides with takes effect from the next
/// decision on.
pub fn effect(old: &ServiceSpec, new: &ServiceSpec) -> Effect {
    if old == new {
        return Effect::None;
    }
    if same_process(old, new) { Effect::Live } else { Effect::Restart }
}

/// Whether a process made from `old` is as one made from `new` would be. All keys stand here, so that a new one has to
/// be decided about.
fn same_process(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    let ServiceSpec {
        // Program, directory, identity, mask, environment and limits are given to a process when it is made, and
        // cannot (or, as limits, not for what it has opened and forked already) be changed from outside.
        exec,
        cwd,
        user,
        group,
        groups,
        umask,
        env,
        env_file,
        inherit_env,
        limits,
        // What "running" means cannot change for something that runs; who runs it neither.
        kind,
        manager,
        // For people.
        name: _,
        display_name: _,
        description: _,
        // Asked at a boot and before a start.
        autostart: _,
        depends_on: _,
        start: _,
        // What is ready stays so; another question is asked at the next start.
        ready: _,
        // The probes are started anew.
        health: _,
        // Read when it exits, is stopped or is reloaded.
        restart: _,
        stop: _,
        reload: _,
        hooks: _,
        // A run under way goes on; the next one is due by the new rules.
        schedule: _,
        trigger: _,
    } = old;
    *exec == new.exec
        && *cwd == new.cwd
        && *user == new.user
        && *group == new.group
        && *groups == new.groups
        && *umask == new.umask
        && *env == new.env
        && *env_file == new.env_file
        && *inherit_env == new.inherit_env
        && *limits == new.limits
        && *kind == new.kind
        && *manager == new.manager
}

/// Services by their names.
type Set = BTreeMap<ServiceName, Arc<ServiceSpec>>;

impl DependencySource for Set {
    fn dependencies(&self, name: &ServiceName) -> Option<&BTreeMap<ServiceName, DependencyKind>> {
        self.get(name).map(|spec| &spec.depends_on)
    }
}

/// How to get from the services `old` to `new`: dependencies come before their dependants, and what is uninstalled
/// comes last, dependants first. `running` says which of `old` have a process. Services of `old` that are not in `new`
/// are left as they are, or uninstalled with `prune`.
///
/// # Errors
/// All that is wrong with the set as it would be: names that stand twice, dependencies that would not be there, services
/// that would wait for each other. The path of each problem begins with the service's name.
pub fn plan(
    old: &BTreeMap<ServiceName, Arc<ServiceSpec>>,
    running: impl Fn(&ServiceName) -> bool,
    new: &[Arc<ServiceSpec>],
    prune: bool,
) -> Result<Plan, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut wanted = Set::new();
    for spec in new {
        if wanted.insert(spec.name.clone(), spec.clone()).is_some() {
            let message = format!("stands twice in the new set; leave one {} out", spec.name);
            problems.push(Problem { path: spec.name.to_string(), which: Which::Key, message });
        }
    }
    let (gone, left): (Set, Set) = old
        .iter()
        .filter(|(name, _)| !wanted.contains_key(*name))
        .map(|(name, spec)| (name.clone(), spec.clone()))
        .partition(|_| prune);
    let mut result = left;
    result.extend(wanted.iter().map(|(name, spec)| (name.clone(), spec.clone())));
    problems.extend(check_set(&result, &gone));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut steps: Vec<PlanStep> = in_order(&result)
        .into_iter()
        .filter_map(|name| step(&name, old.get(&name), wanted.get(&name), &running))
        .collect();
    let uninstalls = in_order(&gone).into_iter().rev();
    steps.extend(uninstalls.map(|name| PlanStep {
        name,
        action: PlanAction::Uninstall,
        differences: Vec::new(),
    }));
    Ok(Plan { steps })
}

fn step(
    name: &ServiceName,
    old: Option<&Arc<ServiceSpec>>,
    new: Option<&Arc<ServiceSpec>>,
    running: impl Fn(&ServiceName) -> bool,
) -> Option<PlanStep> {
    let action = match (old, new) {
        (None, None) => return None,
        (Some(_), None) => PlanAction::Leave,
        (None, Some(new)) if new.autostart => PlanAction::Start,
        (None, Some(_)) => PlanAction::Install,
        (Some(old), Some(new)) => match effect(old, new) {
            Effect::None => PlanAction::Keep,
            Effect::Restart if running(name) => PlanAction::Restart,
            Effect::Live | Effect::Restart => PlanAction::Update,
        },
    };
    let differences = match (old, new) {
        (Some(old), Some(new)) => super::diff(old, new),
        (None, _) | (_, None) => Vec::new(),
    };
    Some(PlanStep { name: name.clone(), action, differences })
}

/// What is wrong with a set as a whole; `gone` is what is taken out of it.
fn check_set(set: &Set, gone: &Set) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut told: BTreeSet<BTreeSet<ServiceName>> = BTreeSet::new();
    for (name, spec) in set {
        for dependency in spec.depends_on.keys() {
            let message = if gone.contains_key(dependency) {
                format!("{name} depends on {dependency}, which would be uninstalled; keep it in the set")
            } else if !set.contains_key(dependency) {
                format!("{name} depends on {dependency}, which is neither in the set nor installed; add it")
            } else if let Some(cycle) = path_back(dependency, name, set) {
                // Each cycle is told once, from the first of its services.
                if !told.insert(cycle.iter().cloned().collect()) {
                    continue;
                }
                cycle_message(name, &cycle)
            } else {
                continue;
            };
            let path = format!("{name}.depends_on.{dependency}");
            problems.push(Problem { path, which: Which::Value, message });
        }
    }
    problems
}

/// The names of a set without cycles, dependencies before their dependants, otherwise in the order of names.
fn in_order(set: &Set) -> Vec<ServiceName> {
    fn visit(name: &ServiceName, set: &Set, seen: &mut BTreeSet<ServiceName>, order: &mut Vec<ServiceName>) {
        // The explicit stack holds a service and whether its dependencies have been put before it.
        let mut stack = vec![(name.clone(), false)];
        while let Some((name, done)) = stack.pop() {
            if done {
                order.push(name);
                continue;
            }
            let Some(spec) = set.get(&name) else { continue };
            if !seen.insert(name.clone()) {
                continue;
            }
            stack.push((name, true));
            stack.extend(spec.depends_on.keys().rev().map(|dependency| (dependency.clone(), false)));
        }
    }
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for name in set.keys() {
        visit(name, set, &mut seen, &mut order);
    }
    order
}
