//! The table is what decoding does.

use super::super::decode;
use super::*;
use serde_json::{Value, json};

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json} is no JSON: {error}"))
}

/// A sound document around the mapping at `path`, which holds `key` with `value` alone.
fn around(path: &str, key: &str, value: &Value) -> Value {
    let mut inner = json!({});
    inner[key] = value.clone();
    for part in path.split('.').rev().filter(|part| !part.is_empty()) {
        let (name, in_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let value = if in_list { json!([inner]) } else { inner };
        inner = json!({});
        inner[name] = value;
    }
    inner
}

#[test]
fn every_key_of_the_table_is_known_and_no_other() {
    let docs = reference();
    assert!(docs.len() > 100, "{}", docs.len());
    for doc in &docs {
        let (at, key) = doc.path.rsplit_once('.').unwrap_or(("", &doc.path));
        let problems = |key: &str| decode(&around(at, key, &value(doc.example))).err().unwrap_or_default();
        let unknown =
            |key: &str| problems(key).iter().any(|problem| problem.message.starts_with("unknown key"));
        assert!(!unknown(key), "{}: {:?}", doc.path, problems(key));
        assert!(unknown(&format!("{key}_zzzz")), "{}", doc.path);
    }
}

#[test]
fn every_example_is_sound_at_its_place() {
    for doc in reference() {
        let (at, key) = doc.path.rsplit_once('.').unwrap_or(("", &doc.path));
        let found = decode(&around(at, key, &value(doc.example))).err().unwrap_or_default();
        let plain = |path: &str| path.replace("[0]", "[]");
        let mine = found.iter().find(|problem| {
            let path = plain(&problem.path);
            path.starts_with(&doc.path) && !problem.message.contains("has a meaning only with")
        });
        assert_eq!(mine, None, "{}", doc.path);
        if let Some(default) = doc.default.as_deref().filter(|text| text.starts_with(['"', '[', '{'])) {
            value(default);
        }
    }
}

#[test]
fn every_default_of_the_table_is_the_default() {
    let base = |key: &str| match key {
        "schedule" => json!({"cron": "@daily"}),
        "trigger" => json!({"condition": {"tcp": "a:1"}}),
        "ready" | "readiness" | "liveness" => json!({"tcp": "a:1"}),
        "when" => json!([{"tcp": "a:1"}]),
        _ => json!({}),
    };
    let mut tried = 0;
    for key in ROOT {
        let Shape::Mapping(keys) = key.shape else { continue };
        for inner in keys.iter().filter(|inner| inner.default.is_some()) {
            let mut document = json!({"spec": 1, "name": "web", "exec": ["/bin/x"]});
            document[key.name] = base(key.name);
            let without = decode(&document).unwrap_or_else(|problems| panic!("{}: {problems:?}", key.name));
            document[key.name][inner.name] = value(inner.default.unwrap_or("null"));
            assert_eq!(decode(&document), Ok(without), "{}.{}", key.name, inner.name);
            tried += 1;
        }
    }
    for inner in PROBE.iter().chain(BACKOFF).filter(|inner| inner.default.is_some()) {
        let (outer, middle) = if BACKOFF.iter().any(|key| key.name == inner.name) {
            ("restart", "backoff")
        } else {
            ("health", "liveness")
        };
        let mut document = json!({"spec": 1, "name": "web", "exec": ["/bin/x"]});
        document[outer][middle] = base(middle);
        let without = decode(&document).unwrap_or_else(|problems| panic!("{middle}: {problems:?}"));
        document[outer][middle][inner.name] = value(inner.default.unwrap_or("null"));
        assert_eq!(decode(&document), Ok(without), "{middle}.{}", inner.name);
        tried += 1;
    }
    assert!(tried >= 15, "{tried}");
}
