//! Reading a specification from a document (what YAML, JSON or TOML gave), with every problem at once.
//!
//! Nothing is accepted that has no effect: unknown keys are refused with the nearest known one, and keys of the full
//! format whose part is not built yet are refused by name. Deliberately absent: what needs the machine (whether a
//! program or user exists) and what needs the other services ([`super::validate()`]).

mod activation;
mod checks;
mod environment;
mod limits;
mod process;
mod reader;
mod rules;
mod url;

use super::keys;
use super::model::{DependencyKind, Health, Kind, Manager, Ready, Restart, RestartPolicy, ServiceSpec};
use super::problem::Problem;
use crate::ident::ServiceName;
use reader::{Reader, Section, child};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the format that is read and written.
pub(super) const FORMAT: u64 = 1;
/// The most services that one service may depend on.
const DEPENDENCIES_MAX: usize = 1_024;

/// Keys of the full format that have no effect yet.
const LATER: [&str; 10] = [
    "instances",
    "watchdog",
    "memory",
    "sandbox",
    "sockets",
    "logs",
    "windows",
    "heartbeat",
    "singleton",
    "metrics",
];

/// Reads one service from `document` and fills in every default.
///
/// # Errors
/// All that is wrong with it, in the order of the document, each with its path.
pub fn decode(document: &Value) -> Result<ServiceSpec, Vec<Problem>> {
    let mut reader = Reader::default();
    let Some(root) = reader.section("", document) else { return Err(reader.problems) };
    reader.keys(&root, keys::ROOT, &LATER);
    match read(&mut reader, &root) {
        Some(spec) if reader.problems.is_empty() => Ok(spec),
        Some(_) | None => {
            reader::in_document_order(document, &mut reader.problems);
            Err(reader.problems)
        }
    }
}

fn read(reader: &mut Reader, root: &Section<'_>) -> Option<ServiceSpec> {
    format_version(reader, root);
    let name = reader.required(root, "name", "the service's name, as in `name: web`", service_name);
    let exec =
        reader.required(root, "exec", "the program, as in `exec: [\"/opt/web/server\"]`", process::exec);
    let run_by = run_by(reader, root);
    let kind = kind_of(reader, root, run_by);
    let ready = ready(reader, root, kind);
    Some(ServiceSpec {
        display_name: reader.optional(root, "display_name", Reader::text),
        description: reader.optional(root, "description", Reader::text),
        manager: reader.optional(root, "manager", manager).unwrap_or(Manager::Embedded),
        cwd: reader.optional(root, "cwd", process::path_template),
        user: reader.optional(root, "user", process::identity),
        group: reader.optional(root, "group", process::identity),
        groups: reader.optional(root, "groups", process::groups),
        umask: reader.optional(root, "umask", process::umask),
        env: reader.optional(root, "env", environment::env).unwrap_or_default(),
        env_file: reader.optional(root, "env_file", environment::env_file).unwrap_or_default(),
        inherit_env: reader
            .optional(root, "inherit_env", environment::inherit_env)
            .unwrap_or_else(inherit_nothing_more),
        autostart: reader.optional(root, "autostart", Reader::boolean).unwrap_or(true),
        depends_on: reader.optional(root, "depends_on", depends_on).unwrap_or_default(),
        kind,
        start: reader
            .optional(root, "start", |r, at, v| rules::start(r, at, v, kind))
            .unwrap_or_else(|| default_start(kind)),
        health: health(reader, root, kind, ready.as_ref()),
        ready,
        restart: restart(reader, root, kind, run_by),
        stop: reader.optional(root, "stop", rules::stop).unwrap_or_else(default_stop),
        reload: reader.optional(root, "reload", activation::reload),
        schedule: reader.optional(root, "schedule", activation::schedule),
        trigger: reader.optional(root, "trigger", activation::trigger),
        limits: reader.optional(root, "limits", limits::limits).unwrap_or_default(),
        hooks: reader.optional(root, "hooks", activation::hooks).unwrap_or_default(),
        name: name?,
        exec: exec?,
    })
}

pub(super) use activation::{HOOK_TIMEOUT, TRIGGER_EVERY, TRIGGER_TIMEOUT};
pub(super) use checks::{
    CONDITION_INTERVAL, CONDITION_TIMEOUT, HEALTH_FAIL_AFTER, HEALTH_INTERVAL, HEALTH_TIMEOUT,
    READY_INTERVAL, READY_TIMEOUT,
};
pub(super) use environment::inherit_nothing_more;
pub(super) use rules::{RunBy, default_backoff, default_restart, default_start, default_stop};

/// What makes it run; a schedule and a trigger exclude each other.
fn run_by(reader: &mut Reader, root: &Section<'_>) -> RunBy {
    match reader.only_one(root, &["schedule", "trigger"]) {
        Some(_) => RunBy::Itself,
        None => RunBy::Want,
    }
}

/// What has a schedule or a trigger runs and ends, each time.
fn kind_of(reader: &mut Reader, root: &Section<'_>, run_by: RunBy) -> Kind {
    let said = reader.optional(root, "type", kind);
    match (run_by, said) {
        (RunBy::Want, said) => said.unwrap_or(Kind::Simple),
        (RunBy::Itself, None | Some(Kind::Oneshot)) => Kind::Oneshot,
        (RunBy::Itself, Some(Kind::Simple)) => {
            let message = "cannot be `simple` with a schedule or a trigger, since each run has to end before the next; write `oneshot`, or leave it out";
            reader.problem("type", message);
            Kind::Oneshot
        }
    }
}

fn ready(reader: &mut Reader, root: &Section<'_>, kind: Kind) -> Option<Ready> {
    let ready = reader.optional(root, "ready", checks::ready);
    if kind == Kind::Oneshot && root.map.contains_key("ready") {
        let message = "has no meaning for a oneshot, which is ready when it has completed; leave it out";
        reader.key_problem("ready", message);
    }
    ready
}

fn health(reader: &mut Reader, root: &Section<'_>, kind: Kind, ready: Option<&Ready>) -> Health {
    if kind == Kind::Oneshot && root.map.contains_key("health") {
        let message = "has no meaning for a oneshot, which is well when it ends with success; leave it out";
        reader.key_problem("health", message);
    }
    reader.optional(root, "health", |r, at, v| checks::health(r, at, v, ready)).unwrap_or_default()
}

fn restart(reader: &mut Reader, root: &Section<'_>, kind: Kind, run_by: RunBy) -> Restart {
    let default = default_restart(kind, run_by);
    let restart = reader.optional(root, "restart", |r, at, v| rules::restart(r, at, v, default.clone()));
    let restart = restart.unwrap_or(default);
    if run_by == RunBy::Itself && restart.policy == RestartPolicy::Always {
        let message = "cannot be `always` with a schedule or a trigger, which say when it runs; `on-failure` tries a failed run again";
        reader.problem("restart.policy", message);
    }
    restart
}

fn format_version(reader: &mut Reader, root: &Section<'_>) {
    match root.map.get("spec") {
        None => reader.problem("spec", "is missing; this version of the format is `spec: 1`"),
        Some(value) if value.as_u64() == Some(FORMAT) => {}
        Some(value) if value.is_u64() => {
            reader.problem("spec", &format!("is version {value}; this svcctl reads version {FORMAT}"));
        }
        Some(_) => reader.problem("spec", "must be the number 1"),
    }
}

fn service_name(reader: &mut Reader, at: &str, value: &Value) -> Option<ServiceName> {
    let text = reader.text(at, value)?;
    ServiceName::new(&text).map_err(|error| reader.problem(at, &error.to_string())).ok()
}

fn manager(reader: &mut Reader, at: &str, value: &Value) -> Option<Manager> {
    // `auto` is resolved here; everywhere but under a native manager that is the daemon itself.
    reader.choice(
        at,
        value,
        &[("auto", Manager::Embedded), ("embedded", Manager::Embedded)],
        &["systemd", "scm", "launchd"],
    )
}

fn kind(reader: &mut Reader, at: &str, value: &Value) -> Option<Kind> {
    reader.choice(at, value, &[("simple", Kind::Simple), ("oneshot", Kind::Oneshot)], &["notify", "forking"])
}

fn depends_on(reader: &mut Reader, at: &str, value: &Value) -> Option<BTreeMap<ServiceName, DependencyKind>> {
    const KINDS: [(&str, DependencyKind); 3] = [
        ("ready", DependencyKind::Ready),
        ("started", DependencyKind::Started),
        ("completed", DependencyKind::Completed),
    ];
    if !value.is_object() {
        reader.problem(
            at,
            "must be a mapping from names to `ready`, `started` or `completed`, as in `{db: ready}`",
        );
        return None;
    }
    let section = reader.section(at, value)?;
    if section.map.len() > DEPENDENCIES_MAX {
        reader.problem(at, &format!("has more than {DEPENDENCIES_MAX} entries"));
        return None;
    }
    let mut edges = BTreeMap::new();
    for (key, value) in section.map {
        let path = child(at, key);
        let kind = reader.choice(&path, value, &KINDS, &[]);
        match ServiceName::new(key) {
            Ok(name) => edges.extend(kind.map(|kind| (name, kind))),
            Err(error) => reader.problem(&path, &error.to_string()),
        }
    }
    Some(edges)
}

#[cfg(test)]
mod tests;
