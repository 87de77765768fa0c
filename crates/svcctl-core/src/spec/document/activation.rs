//! Writing what makes a service run and reload, what is run around it, and its limits.

use super::super::decode;
use super::super::duration::format as time;
use super::super::model::{
    Amount, EnvFile, Hook, Hooks, Limits, Missed, Overlap, PathEvent, Reload, ReloadHow, Schedule, Timing,
    Trigger, TriggerOn,
};
use super::super::size;
use super::checks::{check, put_time};
use super::{Extent, text};
use serde_json::{Map, Value, json};

pub(super) fn schedule(schedule: &Schedule, extent: Extent) -> Value {
    let mut map = Map::new();
    match &schedule.timing {
        Timing::Cron(cron) => map.insert("cron".into(), json!(cron.as_str())),
        Timing::Every(interval) => map.insert("every".into(), json!(time(*interval))),
    };
    if let Some(zone) = &schedule.timezone {
        map.insert("timezone".into(), json!(zone));
    }
    if extent.includes(&schedule.overlap, &Overlap::Skip) {
        let word = match schedule.overlap {
            Overlap::Skip => "skip",
            Overlap::Queue => "queue",
            Overlap::Restart => "restart",
        };
        map.insert("overlap".into(), json!(word));
    }
    if extent.includes(&schedule.missed, &Missed::Skip) {
        let word = match schedule.missed {
            Missed::Skip => "skip",
            Missed::Once => "once",
        };
        map.insert("missed".into(), json!(word));
    }
    Value::Object(map)
}

pub(super) fn trigger(trigger: &Trigger, extent: Extent) -> Value {
    let mut map = Map::new();
    match &trigger.on {
        TriggerOn::Path { path, events } => {
            map.insert("path".into(), text(path));
            map.insert("on".into(), events.iter().map(|event| json!(path_event(*event))).collect());
        }
        TriggerOn::Condition { check: asked, every, timeout } => {
            map.insert("condition".into(), Value::Object(check(asked)));
            put_time(&mut map, "every", *every, decode::TRIGGER_EVERY, extent);
            put_time(&mut map, "timeout", *timeout, decode::TRIGGER_TIMEOUT, extent);
        }
    }
    Value::Object(map)
}

fn path_event(event: PathEvent) -> &'static str {
    match event {
        PathEvent::Create => "create",
        PathEvent::Modify => "modify",
        PathEvent::Delete => "delete",
    }
}

pub(super) fn reload(reload: &Reload) -> Value {
    let mut map = Map::new();
    match &reload.how {
        ReloadHow::Signal(signal) => map.insert("signal".into(), json!(signal.name())),
        ReloadHow::Command(command) => map.insert("command".into(), hook(command)),
        ReloadHow::Restart => map.insert("restart".into(), json!(true)),
    };
    if !reload.watch.is_empty() {
        map.insert("watch".into(), reload.watch.iter().map(|path| text(path)).collect());
    }
    Value::Object(map)
}

pub(super) fn hooks(hooks: &Hooks) -> Value {
    let mut map = Map::new();
    for (key, list) in [
        ("before_start", &hooks.before_start),
        ("after_start", &hooks.after_start),
        ("before_stop", &hooks.before_stop),
        ("after_exit", &hooks.after_exit),
    ] {
        match &list[..] {
            [] => {}
            [one] => {
                map.insert(key.into(), hook(one));
            }
            many => {
                map.insert(key.into(), many.iter().map(hook).collect());
            }
        }
    }
    Value::Object(map)
}

/// The command alone where nothing else is said.
pub(super) fn hook(hook: &Hook) -> Value {
    if hook.timeout == decode::HOOK_TIMEOUT {
        return json!(hook.exec);
    }
    json!({"exec": hook.exec, "timeout": time(hook.timeout)})
}

pub(super) fn limits(limits: &Limits) -> Value {
    let mut map = Map::new();
    let counts = [("open_files", limits.open_files), ("processes", limits.processes)];
    let sizes = [
        ("core", limits.core),
        ("file_size", limits.file_size),
        ("stack", limits.stack),
        ("locked_memory", limits.locked_memory),
        ("address_space", limits.address_space),
    ];
    let counts = counts.into_iter().map(|(key, amount)| (key, amount, false));
    for (key, amount, is_size) in counts.chain(sizes.into_iter().map(|(key, amount)| (key, amount, true))) {
        let value = match amount {
            None => continue,
            Some(Amount::Unlimited) => json!("unlimited"),
            Some(Amount::At(bytes)) if is_size => json!(size::format(bytes)),
            Some(Amount::At(count)) => json!(count),
        };
        map.insert(key.into(), value);
    }
    Value::Object(map)
}

/// One path alone where it is all there is to say.
pub(super) fn env_file(files: &[EnvFile]) -> Value {
    let one = |file: &EnvFile| {
        if file.optional { json!({"path": file.path, "optional": true}) } else { json!(file.path) }
    };
    match files {
        [file] => one(file),
        many => many.iter().map(one).collect(),
    }
}
