//! What decoding accepts, refuses, and says.

use super::super::model::{InheritEnv, Pause, RestartPolicy, Signal, StopStep, TcpTarget};
use super::super::{ServiceSpec, diff};
use super::*;
use serde_json::json;
use std::time::Duration;

fn problems(document: &Value) -> Vec<String> {
    decode(document).expect_err("the document is wrong").iter().map(ToString::to_string).collect()
}

fn with(key: &str, value: Value) -> Value {
    let mut document = json!({"spec": 1, "name": "web", "exec": ["/opt/web/server"]});
    document[key] = value;
    document
}

fn sound(key: &str, value: Value) -> ServiceSpec {
    decode(&with(key, value)).expect("the document is sound")
}

#[test]
fn the_shortest_document_has_every_default() {
    let spec = decode(&json!({"spec": 1, "name": "web", "exec": "/opt/web/server --port 8080"})).unwrap();
    assert_eq!(spec.exec, ["/opt/web/server", "--port", "8080"]);
    assert_eq!(spec.start.timeout, Some(Duration::from_secs(30)));
    assert_eq!(spec.restart.policy, RestartPolicy::Always);
    assert_eq!(spec.restart.pause, Pause::Backoff(default_backoff()));
    assert_eq!(spec.restart.success_codes, [0]);
    assert_eq!(spec.stop.timeout, Duration::from_secs(15));
    assert_eq!(spec.inherit_env, InheritEnv::These(vec![]));
    assert!(spec.autostart);
    let task = sound("type", json!("oneshot"));
    assert_eq!((task.start.timeout, task.restart.policy), (None, RestartPolicy::OnFailure));
}

#[test]
fn every_problem_is_told_at_once_with_its_path() {
    let document = json!({
        "name": "we b", "exec": [], "cwd": "here", "restrat": {}, "instances": 2,
        "restart": {"policy": "allways", "delay": 5, "backoff": {"initial": "2m", "factor": 0.5}},
        "stop": {"steps": [{"signal": "TREM"}, {"kill": "tree"}, {"signal": "TERM"}]},
        "depends_on": {"db": "redy"}, "env": {"PORT": 80},
    });
    assert_eq!(
        problems(&document),
        [
            "restrat: unknown key, did you mean `restart`?",
            "instances: is not yet supported by this version",
            "spec: is missing; this version of the format is `spec: 1`",
            "name: a service's name is made of letters, digits, '.', '_' and '-' and begins with a letter or digit; \
             \"we b\" has ' '",
            "exec: names no program",
            "cwd: must be an absolute path, and is \"here\"",
            "env.PORT: must be a text; write \"80\"",
            "depends_on.db: unknown value \"redy\"; did you mean `ready`?",
            "restart.policy: unknown value \"allways\"; did you mean `always`?",
            "restart.delay: excludes `backoff`; keep one of them",
            "restart.delay: has no unit; write \"5s\" for seconds, \"5ms\" for milliseconds",
            "restart.backoff.factor: must be a number from 1 to 100",
            "restart.backoff.max: must not be shorter than `initial`",
            "stop.steps[0].signal: unknown signal \"TREM\"; did you mean `TERM`?",
            "stop.steps[1]: is never reached after `kill: tree`",
        ]
    );
}

#[test]
fn what_has_no_effect_yet_is_refused_by_name() {
    for (key, value, path) in [
        ("instances", json!(1), "instances"),
        ("type", json!("notify"), "type"),
        ("type", json!("forking"), "type"),
        ("start", json!({"when": []}), "start.when"),
        ("ready", json!({"http": {}}), "ready.http"),
        ("ready", json!({"notify": true}), "ready.notify"),
        ("health", json!({}), "health"),
        ("watchdog", json!("30s"), "watchdog"),
        ("manager", json!("systemd"), "manager"),
        ("restart", json!({"on_exhausted": "exit"}), "restart.on_exhausted"),
        ("stop", json!({"steps": [{"ctrl_c": "5s"}]}), "stop.steps[0].ctrl_c"),
        ("cwd", json!("/home/${USER}"), "cwd"),
        ("exec", json!(["/bin/echo", "a${b}"]), "exec[1]"),
    ] {
        let found = decode(&with(key, value)).expect_err(path);
        let mine: Vec<_> = found.iter().filter(|problem| problem.path == path).collect();
        assert!(
            mine.iter().any(|problem| problem.message.contains("not yet supported by this version")),
            "{path}: {found:?}"
        );
    }
}

#[test]
fn bounds_are_held() {
    for (key, value, path) in [
        ("ready", json!({"tcp": "127.0.0.1:0"}), "ready.tcp"),
        ("ready", json!({"tcp": ":80"}), "ready.tcp"),
        ("ready", json!({"tcp": "127.0.0.300:80"}), "ready.tcp"),
        ("ready", json!({}), "ready"),
        ("restart", json!({"delay": "0s"}), "restart.delay"),
        ("restart", json!({"backoff": {"jitter": 1.5}}), "restart.backoff.jitter"),
        ("restart", json!({"limit": {"count": 0, "within": "1m"}}), "restart.limit.count"),
        ("restart", json!({"limit": {"count": 3}}), "restart.limit.within"),
        ("restart", json!({"never_on": [-1]}), "restart.never_on[0]"),
        ("stop", json!({"steps": []}), "stop.steps"),
        ("stop", json!({"steps": [{"signal": "INT"}, {"signal": "TERM"}]}), "stop.steps[0]"),
        ("env", json!({"A=B": "x"}), "env.A=B"),
        ("env", json!({"A": "x\u{0}y"}), "env.A"),
        ("exec", json!(["./server"]), "exec"),
        ("exec", json!("/bin/a | /bin/b"), "exec"),
        ("display_name", Value::Null, "display_name"),
    ] {
        let found = decode(&with(key, value.clone())).expect_err(path);
        assert_eq!(found[0].path, path, "{value}: {found:?}");
    }
    let many: BTreeMap<String, &str> = (0..4_097).map(|n| (format!("V{n}"), "x")).collect();
    assert_eq!(problems(&with("env", json!(many))), ["env: has more than 4096 entries"]);
}

#[test]
fn every_form_of_a_value_is_read() {
    assert_eq!(sound("user", json!(1_000)).user.as_deref(), Some("1000"));
    assert_eq!(sound("inherit_env", json!("all")).inherit_env, InheritEnv::All);
    let ready = sound("ready", json!({"tcp": "db.local:5432"})).ready.unwrap();
    assert_eq!(ready.check, super::super::model::Check::Tcp(TcpTarget::Name("db.local".into(), 5_432)));
    for name in ["INT", "SIGINT", "sigint"] {
        let stop = sound("stop", json!({"steps": [{"signal": name, "wait": "1s"}, {"kill": "tree"}]})).stop;
        let wait = Some(Duration::from_secs(1));
        assert_eq!(stop.steps, [StopStep::Signal { signal: Signal::Int, wait }, StopStep::KillTree]);
    }
}

#[test]
fn a_difference_is_told_by_its_keys() {
    let old = sound("restart", json!({"delay": "5s"}));
    let mut new = sound("restart", json!({"delay": "10s"}));
    new.exec.push("-v".into());
    assert_eq!(
        diff(&old, &new),
        ["exec: [\"/opt/web/server\"] → [\"/opt/web/server\",\"-v\"]", "restart.delay: 5s → 10s"]
    );
    assert_eq!(diff(&old, &old), Vec::<String>::new());
}
