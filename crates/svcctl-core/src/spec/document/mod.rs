//! Writing a specification as a document, and what differs between two.

mod activation;
mod checks;

use super::ServiceSpec;
use super::decode::{self, RunBy};
use super::duration::format as time;
use super::model::{
    Backoff, DependencyKind, Health, Hooks, InheritEnv, Kind, Limits, Manager, Pause, Restart, RestartPolicy,
    Start, Stop, StopStep,
};
use super::template::Template;
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;

impl ServiceSpec {
    /// The shortest document that [`super::decode()`] reads as this specification: what equals a default is left out,
    /// `spec` and `name` come first.
    pub fn to_document(&self) -> Value {
        write(self, Extent::Changed)
    }

    /// The document with every key that has a value, defaults included; [`super::decode()`] reads it as this
    /// specification, too.
    pub fn to_full_document(&self) -> Value {
        write(self, Extent::All)
    }
}

/// The keys in which `new` differs from `old`, each `path: old → new`, in the order of paths.
pub fn diff(old: &ServiceSpec, new: &ServiceSpec) -> Vec<String> {
    let (old, new) = (leaves(old), leaves(new));
    let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
    paths.sort();
    paths.dedup();
    let value = |of: &BTreeMap<String, String>, path: &String| {
        of.get(path).cloned().unwrap_or_else(|| "not set".to_owned())
    };
    let changed = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    changed.map(|path| format!("{path}: {} → {}", value(&old, path), value(&new, path))).collect()
}

/// Every key with its value as text; a list is one value.
fn leaves(spec: &ServiceSpec) -> BTreeMap<String, String> {
    fn walk(at: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
        let text = match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                    walk(&path, value, leaves);
                }
                return;
            }
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
        };
        leaves.insert(at.to_owned(), text);
    }
    let mut found = BTreeMap::new();
    walk("", &write(spec, Extent::All), &mut found);
    found
}

/// How much is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// What differs from the default.
    Changed,
    /// Every key that has a value.
    All,
}

impl Extent {
    fn includes<T: PartialEq>(self, value: &T, default: &T) -> bool {
        self == Self::All || value != default
    }
}

fn write(spec: &ServiceSpec, extent: Extent) -> Value {
    let mut map = Map::new();
    map.insert("spec".into(), json!(decode::FORMAT));
    map.insert("name".into(), json!(spec.name.as_str()));
    put(&mut map, "display_name", spec.display_name.as_deref().map(text));
    put(&mut map, "description", spec.description.as_deref().map(text));
    if extent == Extent::All {
        map.insert("manager".into(), json!(manager(spec.manager)));
    }
    write_process(&mut map, spec, extent);
    if extent.includes(&spec.autostart, &true) {
        map.insert("autostart".into(), json!(spec.autostart));
    }
    if !spec.depends_on.is_empty() {
        let edges = spec.depends_on.iter().map(|(on, kind)| (on.to_string(), json!(dependency(*kind))));
        map.insert("depends_on".into(), Value::Object(edges.collect()));
    }
    let default_kind = match run_by(spec) {
        RunBy::Want => Kind::Simple,
        RunBy::Itself => Kind::Oneshot,
    };
    if extent.includes(&spec.kind, &default_kind) {
        map.insert("type".into(), json!(kind(spec.kind)));
    }
    write_rules(&mut map, spec, extent);
    Value::Object(map)
}

fn run_by(spec: &ServiceSpec) -> RunBy {
    if spec.schedule.is_some() || spec.trigger.is_some() { RunBy::Itself } else { RunBy::Want }
}

fn write_process(map: &mut Map<String, Value>, spec: &ServiceSpec, extent: Extent) {
    map.insert("exec".into(), json!(spec.exec));
    put(map, "cwd", spec.cwd.as_ref().map(|cwd| json!(cwd)));
    put(map, "user", spec.user.as_deref().map(text));
    put(map, "group", spec.group.as_deref().map(text));
    put(map, "groups", spec.groups.as_deref().map(texts));
    put(map, "umask", spec.umask.map(|mask| json!(format!("{mask:03o}"))));
    if !spec.env.is_empty() {
        map.insert("env".into(), json!(spec.env));
    }
    if !spec.env_file.is_empty() {
        map.insert("env_file".into(), activation::env_file(&spec.env_file));
    }
    if extent.includes(&spec.inherit_env, &decode::inherit_nothing_more()) {
        let value = match &spec.inherit_env {
            InheritEnv::All => json!("all"),
            InheritEnv::These(names) => texts(names),
        };
        map.insert("inherit_env".into(), value);
    }
}

fn write_rules(map: &mut Map<String, Value>, spec: &ServiceSpec, extent: Extent) {
    let default = decode::default_start(spec.kind);
    if extent.includes(&spec.start, &default) {
        put(map, "start", start(&spec.start, &default, extent));
    }
    put(map, "ready", spec.ready.as_ref().map(|ready| checks::ready(ready, extent)));
    if spec.health != Health::default() {
        map.insert("health".into(), checks::health(&spec.health, extent));
    }
    let default = decode::default_restart(spec.kind, run_by(spec));
    if extent.includes(&spec.restart, &default) {
        map.insert("restart".into(), restart(&spec.restart, &default, extent));
    }
    if extent.includes(&spec.stop, &decode::default_stop()) {
        map.insert("stop".into(), stop(&spec.stop, &decode::default_stop(), extent));
    }
    put(map, "reload", spec.reload.as_ref().map(activation::reload));
    put(map, "schedule", spec.schedule.as_ref().map(|schedule| activation::schedule(schedule, extent)));
    put(map, "trigger", spec.trigger.as_ref().map(|trigger| activation::trigger(trigger, extent)));
    if spec.limits != Limits::default() {
        map.insert("limits".into(), activation::limits(&spec.limits));
    }
    if spec.hooks != Hooks::default() {
        map.insert("hooks".into(), activation::hooks(&spec.hooks));
    }
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    map.extend(value.map(|value| (key.to_owned(), value)));
}

/// A text that is no template, written so that it reads as itself.
fn text(text: &str) -> Value {
    json!(Template::literal(text))
}

fn texts(texts: &[String]) -> Value {
    texts.iter().map(|one| text(one)).collect()
}

/// `None` where there is nothing to say.
fn start(start: &Start, default: &Start, extent: Extent) -> Option<Value> {
    let mut map = Map::new();
    if let Some(timeout) = start.timeout.filter(|_| extent.includes(&start.timeout, &default.timeout)) {
        map.insert("timeout".into(), json!(time(timeout)));
    }
    if !start.when.is_empty() {
        map.insert("when".into(), start.when.iter().map(checks::condition).collect());
    }
    (!map.is_empty()).then_some(Value::Object(map))
}

fn manager(manager: Manager) -> &'static str {
    match manager {
        Manager::Embedded => "embedded",
    }
}

fn dependency(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Ready => "ready",
        DependencyKind::Started => "started",
        DependencyKind::Completed => "completed",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Simple => "simple",
        Kind::Oneshot => "oneshot",
    }
}

fn policy(policy: RestartPolicy) -> &'static str {
    match policy {
        RestartPolicy::Always => "always",
        RestartPolicy::OnFailure => "on-failure",
        RestartPolicy::Never => "never",
    }
}

fn restart(restart: &Restart, default: &Restart, extent: Extent) -> Value {
    let mut map = Map::new();
    if extent.includes(&restart.policy, &default.policy) {
        map.insert("policy".into(), json!(policy(restart.policy)));
    }
    match &restart.pause {
        Pause::Fixed(delay) => {
            map.insert("delay".into(), json!(time(*delay)));
        }
        Pause::Backoff(growing) => {
            if extent.includes(growing, &decode::default_backoff()) {
                map.insert("backoff".into(), backoff(growing, extent));
            }
        }
    }
    if let Some(limit) = &restart.limit {
        map.insert("limit".into(), json!({"count": limit.count, "within": time(limit.within)}));
    }
    if extent.includes(&restart.success_codes, &default.success_codes) {
        map.insert("success_codes".into(), json!(restart.success_codes));
    }
    if !restart.never_on.is_empty() {
        map.insert("never_on".into(), json!(restart.never_on));
    }
    Value::Object(map)
}

fn backoff(backoff: &Backoff, extent: Extent) -> Value {
    let default = decode::default_backoff();
    let mut map = Map::new();
    if extent.includes(&backoff.initial, &default.initial) {
        map.insert("initial".into(), json!(time(backoff.initial)));
    }
    if extent.includes(&backoff.factor_permille, &default.factor_permille) {
        map.insert("factor".into(), permille(backoff.factor_permille));
    }
    if extent.includes(&backoff.max, &default.max) {
        map.insert("max".into(), json!(time(backoff.max)));
    }
    if extent.includes(&backoff.jitter_permille, &default.jitter_permille) {
        map.insert("jitter".into(), permille(backoff.jitter_permille));
    }
    if extent.includes(&backoff.reset_after, &default.reset_after) {
        map.insert("reset_after".into(), json!(time(backoff.reset_after)));
    }
    Value::Object(map)
}

/// Thousandths as a number that people write: `2`, `1.5`, `0.1`.
fn permille(thousandths: u32) -> Value {
    if thousandths.is_multiple_of(1_000) {
        return json!(thousandths / 1_000);
    }
    Number::from_f64(f64::from(thousandths) / 1_000.0).map_or(Value::Null, Value::Number)
}

fn stop(stop: &Stop, default: &Stop, extent: Extent) -> Value {
    let mut map = Map::new();
    if extent.includes(&stop.timeout, &default.timeout) {
        map.insert("timeout".into(), json!(time(stop.timeout)));
    }
    if extent.includes(&stop.steps, &default.steps) {
        map.insert("steps".into(), stop.steps.iter().map(step).collect());
    }
    Value::Object(map)
}

fn step(step: &StopStep) -> Value {
    let (mut map, wait) = match step {
        StopStep::KillTree => return json!({"kill": "tree"}),
        StopStep::Command { command, wait } => {
            (Map::from_iter([("command".to_owned(), activation::hook(command))]), wait)
        }
        StopStep::Signal { signal, wait } => {
            (Map::from_iter([("signal".to_owned(), json!(signal.name()))]), wait)
        }
    };
    put(&mut map, "wait", wait.map(|wait| json!(time(wait))));
    Value::Object(map)
}
