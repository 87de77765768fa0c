//! The keys that say what makes a service run and reload, and what is run around it.

use super::super::keys;
use super::super::model::{
    Check, Hook, Hooks, Missed, Overlap, PathEvent, Reload, ReloadHow, Schedule, Signal, Timing, Trigger,
    TriggerOn,
};
use super::checks;
use super::process::{exec, path_pattern};
use super::reader::{Reader, Section, child};
use super::rules::signal;
use crate::schedule::Cron;
use serde_json::Value;
use std::time::Duration;

/// How long a hook may take, when nothing is said.
pub(in crate::spec) const HOOK_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the condition of a trigger is asked, when nothing is said.
pub(in crate::spec) const TRIGGER_EVERY: Duration = Duration::from_secs(30);
/// How long one such question may take, when nothing is said.
pub(in crate::spec) const TRIGGER_TIMEOUT: Duration = Duration::from_secs(10);
/// The shortest interval of a schedule or a trigger.
const EVERY_MIN: Duration = Duration::from_secs(1);
/// The most hooks at one moment.
const HOOKS_MAX: usize = 16;
/// The most watched paths.
const WATCH_MAX: usize = 256;
/// The longest name of a time zone, far more than any has.
const ZONE_MAX_BYTES: usize = 64;

pub(super) fn schedule(reader: &mut Reader, at: &str, value: &Value) -> Option<Schedule> {
    const OVERLAP: [(&str, Overlap); 3] =
        [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("restart", Overlap::Restart)];
    const MISSED: [(&str, Missed); 2] = [("skip", Missed::Skip), ("once", Missed::Once)];
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::SCHEDULE, &[]);
    if reader.only_one(&section, &["cron", "every"]).is_none() {
        reader.problem(at, "says not when; give `cron: \"30 2 * * *\"` or `every: 5m`");
    }
    let cron = reader.optional(&section, "cron", cron).map(Timing::Cron);
    let every = reader.optional(&section, "every", interval).map(Timing::Every);
    let timezone = reader.optional(&section, "timezone", timezone);
    if section.map.contains_key("timezone") && every.is_some() {
        reader.key_problem(&child(at, "timezone"), "has no meaning with `every`; leave it out");
    }
    let overlap = reader.optional(&section, "overlap", |r, at, v| r.choice(at, v, &OVERLAP, &[]));
    let missed = reader.optional(&section, "missed", |r, at, v| r.choice(at, v, &MISSED, &[]));
    Some(Schedule {
        timing: cron.or(every)?,
        timezone,
        overlap: overlap.unwrap_or(Overlap::Skip),
        missed: missed.unwrap_or(Missed::Skip),
    })
}

fn cron(reader: &mut Reader, at: &str, value: &Value) -> Option<Cron> {
    let text = reader.text(at, value)?;
    Cron::parse(&text).map_err(|error| reader.problem(at, &error.to_string())).ok()
}

fn interval(reader: &mut Reader, at: &str, value: &Value) -> Option<Duration> {
    let interval = reader.duration(at, value)?;
    if interval < EVERY_MIN {
        reader.problem(at, "must be at least 1s");
        return None;
    }
    Some(interval)
}

/// Whether there is such a zone is known only where there is a database of them.
fn timezone(reader: &mut Reader, at: &str, value: &Value) -> Option<String> {
    let name = reader.text(at, value)?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || name.len() > ZONE_MAX_BYTES || !name.chars().all(letters) {
        let message =
            format!("must be the name of a time zone, as in \"Europe/Prague\" or \"UTC\", and is {name:?}");
        reader.problem(at, &message);
        return None;
    }
    Some(name)
}

pub(super) fn trigger(reader: &mut Reader, at: &str, value: &Value) -> Option<Trigger> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::TRIGGER, &[]);
    let on = match reader.only_one(&section, &["path", "condition"]) {
        Some("path") => path_trigger(reader, &section),
        Some(_) => condition_trigger(reader, &section),
        None => {
            reader.problem(at, "names nothing that triggers; give `path: /in` with `on: [create]`, or `condition: {exec: [...]}`");
            None
        }
    };
    on.map(|on| Trigger { on })
}

fn only_with(reader: &mut Reader, section: &Section<'_>, keys: &[&str], with: &str) {
    for key in keys.iter().filter(|key| section.map.contains_key(**key)) {
        reader.key_problem(
            &child(&section.at, key),
            &format!("has a meaning only with `{with}`; leave it out"),
        );
    }
}

fn path_trigger(reader: &mut Reader, section: &Section<'_>) -> Option<TriggerOn> {
    only_with(reader, section, &["every", "timeout"], "condition");
    let path = reader.optional(section, "path", path_pattern);
    let what = "what is waited for there, as in `on: [create]` (create, modify, delete)";
    let events = reader.required(section, "on", what, path_events);
    Some(TriggerOn::Path { path: path?, events: events? })
}

/// One word, or a list of words.
fn path_events(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<PathEvent>> {
    const EVENTS: [(&str, PathEvent); 3] =
        [("create", PathEvent::Create), ("modify", PathEvent::Modify), ("delete", PathEvent::Delete)];
    let one = |reader: &mut Reader, at: &str, value: &Value| reader.choice(at, value, &EVENTS, &[]);
    let mut events = if value.is_array() {
        reader.list(at, value, EVENTS.len(), one)?
    } else {
        vec![one(reader, at, value)?]
    };
    if value.as_array().is_some_and(Vec::is_empty) {
        reader.problem(at, "names nothing; give at least one of create, modify, delete");
    }
    events.sort_unstable();
    let all = events.len();
    events.dedup();
    if events.len() < all {
        reader.problem(at, "names an event twice");
    }
    Some(events)
}

fn condition_trigger(reader: &mut Reader, section: &Section<'_>) -> Option<TriggerOn> {
    only_with(reader, section, &["on"], "path");
    let check: Option<Check> = reader.optional(section, "condition", checks::bare);
    let every = reader.optional(section, "every", interval).unwrap_or(TRIGGER_EVERY);
    let timeout = reader.optional(section, "timeout", Reader::duration).unwrap_or(TRIGGER_TIMEOUT);
    Some(TriggerOn::Condition { check: check?, every, timeout })
}

pub(super) fn reload(reader: &mut Reader, at: &str, value: &Value) -> Option<Reload> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::RELOAD, &[]);
    let how = match reader.only_one(&section, &["signal", "command", "restart"]) {
        Some("signal") => reader.optional(&section, "signal", reload_signal).map(ReloadHow::Signal),
        Some("command") => reader.optional(&section, "command", hook).map(ReloadHow::Command),
        Some(_) => reader.optional(&section, "restart", only_true).map(|()| ReloadHow::Restart),
        None => {
            reader.problem(at, "says not how; give `signal: HUP`, `command: [...]` or `restart: true`");
            None
        }
    };
    let watch = reader.optional(&section, "watch", |reader, at, value| {
        if value.is_array() {
            reader.list(at, value, WATCH_MAX, path_pattern)
        } else {
            path_pattern(reader, at, value).map(|path| vec![path])
        }
    });
    Some(Reload { how: how?, watch: watch.unwrap_or_default() })
}

fn reload_signal(reader: &mut Reader, at: &str, value: &Value) -> Option<Signal> {
    let signal = signal(reader, at, value)?;
    if signal == Signal::Kill {
        reader.problem(at, "cannot be KILL, which ends the program; for that write `restart: true`");
        return None;
    }
    Some(signal)
}

fn only_true(reader: &mut Reader, at: &str, value: &Value) -> Option<()> {
    if reader.boolean(at, value)? {
        return Some(());
    }
    reader.problem(at, "can only be true; for no reload leave `reload` out");
    None
}

pub(super) fn hooks(reader: &mut Reader, at: &str, value: &Value) -> Option<Hooks> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::HOOKS, &[]);
    let mut read = |key| reader.optional(&section, key, hook_list).unwrap_or_default();
    Some(Hooks {
        before_start: read("before_start"),
        after_start: read("after_start"),
        before_stop: read("before_stop"),
        after_exit: read("after_exit"),
    })
}

/// One hook, or a list of them. A list of nothing but texts is the words of one command.
fn hook_list(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<Hook>> {
    match value {
        Value::Array(items) if items.is_empty() || !items.iter().all(Value::is_string) => {
            reader.list(at, value, HOOKS_MAX, hook)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => hook(reader, at, value).map(|hook| vec![hook]),
    }
}

/// A command, or a mapping that gives it a timeout.
pub(super) fn hook(reader: &mut Reader, at: &str, value: &Value) -> Option<Hook> {
    if !value.is_object() {
        return exec(reader, at, value).map(|exec| Hook { exec, timeout: HOOK_TIMEOUT });
    }
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::HOOK, &[]);
    let exec = reader.required(&section, "exec", "the program, as in `exec: [\"/bin/x\", \"a\"]`", exec);
    let timeout = reader.optional(&section, "timeout", Reader::duration).unwrap_or(HOOK_TIMEOUT);
    Some(Hook { exec: exec?, timeout })
}
