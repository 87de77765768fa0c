//! A plan leads from one set of services to another, and disturbs nothing that need not be.

mod generate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::rng::Rng;
use svcctl_core::spec::model::DependencyKind;
use svcctl_core::spec::plan::{Effect, Plan, PlanAction, effect, plan};
use svcctl_core::spec::{ServiceSpec, decode};

type Set = BTreeMap<ServiceName, Arc<ServiceSpec>>;

const TRIES: u64 = 2_000;
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

fn name(index: usize) -> ServiceName {
    ServiceName::new(NAMES[index]).expect("this is a name")
}

/// A set in which services depend on those with a later letter.
fn set(rng: &mut Rng) -> Set {
    let chosen: Vec<usize> = (0..NAMES.len()).filter(|_| rng.below(3) > 0).collect();
    let mut set = Set::new();
    for (at, index) in chosen.iter().enumerate() {
        let mut spec = generate::spec(&mut Rng::new(rng.below(50)));
        spec.name = name(*index);
        let later = chosen[at + 1..].iter().filter(|_| rng.below(3) == 0);
        spec.depends_on = later.map(|on| (name(*on), DependencyKind::Started)).collect();
        set.insert(spec.name.clone(), Arc::new(spec));
    }
    set
}

/// Some services of `old` changed in something, and others as they are.
fn changed(rng: &mut Rng, old: &Set) -> Set {
    let mut new = set(rng);
    for spec in new.values_mut() {
        let Some(before) = old.get(&spec.name) else { continue };
        let depends_on = spec.depends_on.clone();
        let mut next = ServiceSpec::clone(before);
        match rng.below(4) {
            0 => {}
            1 => next.description = Some(format!("another {}", rng.below(9))),
            2 => next.umask = Some(0o777),
            _ => next = ServiceSpec::clone(spec),
        }
        if rng.below(2) == 0 {
            next.depends_on = depends_on;
        }
        *spec = Arc::new(next);
    }
    // A dependency of what stayed as it was may not be there any more.
    let names: BTreeSet<ServiceName> = new.keys().cloned().collect();
    for spec in new.values_mut() {
        Arc::make_mut(spec).depends_on.retain(|on, _| names.contains(on));
    }
    new
}

/// What a plan makes of `old`, if every step takes the specification from `new`.
fn apply(plan: &Plan, old: &Set, new: &Set) -> Set {
    let mut set = old.clone();
    for step in &plan.steps {
        match step.action {
            PlanAction::Keep | PlanAction::Leave => {}
            PlanAction::Update | PlanAction::Restart | PlanAction::Start | PlanAction::Install => {
                set.insert(step.name.clone(), new[&step.name].clone());
            }
            PlanAction::Uninstall => {
                set.remove(&step.name);
            }
        }
    }
    set
}

fn in_order(plan: &Plan, result: &Set, old: &Set) {
    let at: BTreeMap<&ServiceName, usize> =
        plan.steps.iter().enumerate().map(|(at, step)| (&step.name, at)).collect();
    for step in &plan.steps {
        let here = at[&step.name];
        if step.action == PlanAction::Uninstall {
            assert!(plan.steps[here..].iter().all(|later| later.action == PlanAction::Uninstall));
            let pruned = old[&step.name].depends_on.keys().filter(|on| !result.contains_key(*on));
            pruned.for_each(|on| assert!(at[on] > here, "{} comes after {on}", step.name));
        } else {
            result[&step.name].depends_on.keys().for_each(|on| assert!(at[on] < here));
        }
    }
}

#[test]
fn a_plan_leads_to_the_new_set_and_disturbs_nothing_else() {
    for seed in 0..TRIES {
        let mut rng = Rng::new(seed);
        let old = set(&mut rng);
        let new = changed(&mut rng, &old);
        let running: BTreeSet<ServiceName> = old.keys().filter(|_| rng.below(2) == 0).cloned().collect();
        let prune = rng.below(2) == 0;
        let list: Vec<Arc<ServiceSpec>> = new.values().cloned().collect();
        // Without pruning, what is left may depend on what comes, and so make a cycle; letters go one way only.
        let found = plan(&old, |name| running.contains(name), &list, prune).expect("letters make no cycle");
        let result = apply(&found, &old, &new);
        let mut expected = if prune { Set::new() } else { old.clone() };
        expected.extend(new.clone());
        assert_eq!(result, expected, "seed {seed}");
        in_order(&found, &result, &old);
        let names: BTreeSet<&ServiceName> = found.steps.iter().map(|step| &step.name).collect();
        assert_eq!(names, old.keys().chain(new.keys()).collect(), "seed {seed}");
        assert_eq!(names.len(), found.steps.len(), "seed {seed}");
        for step in &found.steps {
            let (before, after) = (old.get(&step.name), new.get(&step.name));
            let same = before.is_some() && before == after;
            assert_eq!(step.action == PlanAction::Keep, same, "seed {seed}: {step:?}");
            if step.action == PlanAction::Restart {
                let (before, after) = (before.expect("it ran"), after.expect("it goes on"));
                assert!(running.contains(&step.name) && effect(before, after) == Effect::Restart);
            }
            let differs = matches!(step.action, PlanAction::Update | PlanAction::Restart);
            assert_eq!(differs, !step.differences.is_empty(), "seed {seed}: {step:?}");
        }
        // Once it is so, nothing is left to be done.
        let again = plan(&result, |_| true, &list, prune).expect("it is the same set");
        let still = |action| matches!(action, PlanAction::Keep | PlanAction::Leave);
        assert!(again.steps.iter().all(|step| still(step.action)), "seed {seed}: {again:?}");
        // The order in which services are given means nothing.
        let backwards: Vec<Arc<ServiceSpec>> = list.iter().rev().cloned().collect();
        assert_eq!(plan(&old, |name| running.contains(name), &backwards, prune), Ok(found), "seed {seed}");
    }
}

fn service(text: &str, depends_on: &[&str]) -> Arc<ServiceSpec> {
    let edges: BTreeMap<&str, &str> = depends_on.iter().map(|on| (*on, "ready")).collect();
    let document = serde_json::json!({"spec": 1, "name": text, "exec": ["/bin/x"], "depends_on": edges});
    Arc::new(decode(&document).expect("the document is sound"))
}

#[test]
fn all_that_is_wrong_with_a_set_is_told_by_service() {
    let old: Set = [service("db", &[]), service("old", &["db"])]
        .into_iter()
        .map(|spec| (spec.name.clone(), spec))
        .collect();
    let new = [service("web", &["cache"]), service("a", &["b"]), service("b", &["a"]), service("b", &["a"])];
    let found = plan(&old, |_| false, &new, false).expect_err("it is wrong");
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "b: stands twice in the new set; leave one b out",
            "a.depends_on.b: services cannot wait for each other: a → b → a",
            "web.depends_on.cache: web depends on cache, which is neither in the set nor installed; add it",
        ]
    );
    let found = plan(&old, |_| false, &[service("web", &["db"])], true).expect_err("it is wrong");
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["web.depends_on.db: web depends on db, which would be uninstalled; keep it in the set"]
    );
}

#[test]
fn what_the_daemon_decides_with_needs_no_restart() {
    let base = serde_json::json!({"spec": 1, "name": "web", "exec": ["/bin/x"]});
    let old = decode(&base).expect("it is sound");
    for (key, value, expected) in [
        ("description", serde_json::json!("x"), Effect::Live),
        ("autostart", serde_json::json!(false), Effect::Live),
        ("restart", serde_json::json!({"delay": "5s"}), Effect::Live),
        ("health", serde_json::json!({"liveness": {"tcp": "a:1"}}), Effect::Live),
        ("ready", serde_json::json!({"tcp": "a:1"}), Effect::Live),
        ("hooks", serde_json::json!({"after_exit": ["/bin/y"]}), Effect::Live),
        ("env", serde_json::json!({"A": "b"}), Effect::Restart),
        ("umask", serde_json::json!("077"), Effect::Restart),
        ("limits", serde_json::json!({"open_files": 9}), Effect::Restart),
        ("type", serde_json::json!("oneshot"), Effect::Restart),
    ] {
        let mut document = base.clone();
        document[key] = value;
        let new = decode(&document).expect("it is sound");
        assert_eq!((effect(&old, &new), effect(&new, &new)), (expected, Effect::None), "{key}");
    }
}
