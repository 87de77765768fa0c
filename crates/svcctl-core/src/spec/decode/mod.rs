//! Reading a specification from a document (what YAML, JSON or TOML gave), with every problem at once.
//!
//! Nothing is accepted that has no effect: unknown keys are refused with the nearest known one, and keys of the full
//! format whose part is not built yet are refused by name. Deliberately absent: what needs the machine (whether a
//! program or user exists) and what needs the other services ([`super::validate()`]).

mod process;
mod reader;
mod rules;

use super::model::{DependencyKind, Kind, Manager, ServiceSpec};
use super::problem::Problem;
use crate::ident::ServiceName;
use reader::{Reader, Section, child};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the format that is read and written.
pub(super) const FORMAT: u64 = 1;
/// The most services that one service may depend on.
const DEPENDENCIES_MAX: usize = 1_024;

/// Every key of a service that has effect.
const KNOWN: [&str; 19] = [
    "spec",
    "name",
    "display_name",
    "description",
    "manager",
    "exec",
    "cwd",
    "user",
    "group",
    "groups",
    "env",
    "inherit_env",
    "autostart",
    "depends_on",
    "type",
    "start",
    "ready",
    "restart",
    "stop",
];

/// Keys of the full format that have no effect yet.
const LATER: [&str; 18] = [
    "instances",
    "umask",
    "env_file",
    "health",
    "watchdog",
    "reload",
    "schedule",
    "trigger",
    "limits",
    "memory",
    "sandbox",
    "sockets",
    "logs",
    "hooks",
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
    reader.keys(&root, &KNOWN, &LATER);
    match read(&mut reader, &root) {
        Some(spec) if reader.problems.is_empty() => Ok(spec),
        Some(_) | None => Err(reader.problems),
    }
}

fn read(reader: &mut Reader, root: &Section<'_>) -> Option<ServiceSpec> {
    format_version(reader, root);
    let name = reader.required(root, "name", "the service's name, as in `name: web`", service_name);
    let display_name = reader.optional(root, "display_name", Reader::text);
    let description = reader.optional(root, "description", Reader::text);
    let manager = reader.optional(root, "manager", manager).unwrap_or(Manager::Embedded);
    let exec =
        reader.required(root, "exec", "the program, as in `exec: [\"/opt/web/server\"]`", process::exec);
    let cwd = reader.optional(root, "cwd", process::cwd);
    let user = reader.optional(root, "user", process::identity);
    let group = reader.optional(root, "group", process::identity);
    let groups = reader.optional(root, "groups", process::groups);
    let env = reader.optional(root, "env", process::env).unwrap_or_default();
    let inherit_env = reader.optional(root, "inherit_env", process::inherit_env);
    let autostart = reader.optional(root, "autostart", Reader::boolean).unwrap_or(true);
    let depends_on = reader.optional(root, "depends_on", depends_on).unwrap_or_default();
    let kind = reader.optional(root, "type", kind).unwrap_or(Kind::Simple);
    let start = reader.optional(root, "start", |r, at, v| rules::start(r, at, v, kind));
    let ready = reader.optional(root, "ready", rules::ready);
    let restart = reader.optional(root, "restart", |r, at, v| rules::restart(r, at, v, kind));
    let stop = reader.optional(root, "stop", rules::stop);
    if kind == Kind::Oneshot && ready.is_some() {
        reader.problem(
            "ready",
            "has no meaning for a oneshot, which is ready when it has completed; leave it out",
        );
    }
    Some(ServiceSpec {
        name: name?,
        display_name,
        description,
        manager,
        exec: exec?,
        cwd,
        user,
        group,
        groups,
        env,
        inherit_env: inherit_env.unwrap_or_else(inherit_nothing_more),
        autostart,
        depends_on,
        kind,
        start: start.unwrap_or_else(|| default_start(kind)),
        ready,
        restart: restart.unwrap_or_else(|| default_restart(kind)),
        stop: stop.unwrap_or_else(default_stop),
    })
}

pub(super) use process::inherit_nothing_more;
pub(super) use rules::{
    READY_INTERVAL, READY_TIMEOUT, default_backoff, default_restart, default_start, default_stop,
};

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
