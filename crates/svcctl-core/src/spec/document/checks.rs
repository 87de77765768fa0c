//! Writing the questions that are asked about a service.

use super::super::decode;
use super::super::duration::format as time;
use super::super::model::{Check, Condition, Health, HealthProbe, HttpCheck, Ready, TcpTarget};
use super::{Extent, text};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A question under its own key.
pub(super) fn check(check: &Check) -> Map<String, Value> {
    let (key, value) = match check {
        Check::Tcp(TcpTarget::Address(address)) => ("tcp", json!(address.to_string())),
        Check::Tcp(TcpTarget::Name(host, port)) => ("tcp", json!(format!("{host}:{port}"))),
        Check::Tcp(TcpTarget::Template(template)) => ("tcp", json!(template)),
        Check::Http(HttpCheck { url, status }) if status.is_empty() => ("http", json!(url)),
        Check::Http(HttpCheck { url, status }) => ("http", json!({"url": url, "status": status})),
        Check::Exec(exec) => ("exec", json!(exec)),
        Check::Log(pattern) => ("log", text(pattern)),
        Check::Exists(path) => ("exists", json!(path)),
    };
    Map::from_iter([(key.to_owned(), value)])
}

pub(super) fn put_time(
    map: &mut Map<String, Value>,
    key: &str,
    value: Duration,
    default: Duration,
    extent: Extent,
) {
    if extent.includes(&value, &default) {
        map.insert(key.to_owned(), json!(time(value)));
    }
}

pub(super) fn condition(condition: &Condition) -> Value {
    let mut map = check(&condition.check);
    let extent = Extent::Changed;
    put_time(&mut map, "interval", condition.interval, decode::CONDITION_INTERVAL, extent);
    put_time(&mut map, "timeout", condition.timeout, decode::CONDITION_TIMEOUT, extent);
    Value::Object(map)
}

pub(super) fn ready(ready: &Ready, extent: Extent) -> Value {
    let mut map = check(&ready.check);
    match ready.check {
        // What the program writes is waited for; nothing is asked at intervals.
        Check::Log(_) => {}
        Check::Tcp(_) | Check::Http(_) | Check::Exec(_) | Check::Exists(_) => {
            put_time(&mut map, "interval", ready.interval, decode::READY_INTERVAL, extent);
            put_time(&mut map, "timeout", ready.timeout, decode::READY_TIMEOUT, extent);
        }
    }
    Value::Object(map)
}

pub(super) fn health(health: &Health, extent: Extent) -> Value {
    let mut map = Map::new();
    for (key, asked) in [("liveness", &health.liveness), ("readiness", &health.readiness)] {
        if let Some(asked) = asked {
            map.insert(key.to_owned(), probe(asked, extent));
        }
    }
    Value::Object(map)
}

fn probe(probe: &HealthProbe, extent: Extent) -> Value {
    let mut map = check(&probe.check);
    put_time(&mut map, "interval", probe.interval, decode::HEALTH_INTERVAL, extent);
    put_time(&mut map, "timeout", probe.timeout, decode::HEALTH_TIMEOUT, extent);
    if extent.includes(&probe.fail_after, &decode::HEALTH_FAIL_AFTER) {
        map.insert("fail_after".into(), json!(probe.fail_after));
    }
    Value::Object(map)
}
