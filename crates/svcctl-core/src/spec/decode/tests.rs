//! What decoding accepts, refuses, and says.

use super::super::model::{Check, InheritEnv, Pause, RestartPolicy, Signal, StopStep, TcpTarget};
use super::super::problem::Which;
use super::super::{ServiceSpec, Template, diff};
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
    assert_eq!(spec.exec, ["/opt/web/server", "--port", "8080"].map(Template::literal));
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
            "name: a service's name is made of letters, digits, '.', '_' and '-' and begins with a letter or digit; \
             \"we b\" has ' '",
            "exec: names no program",
            "cwd: must be an absolute path, and is \"here\"",
            "restrat: unknown key, did you mean `restart`?",
            "instances: is not yet supported by this version",
            "restart.policy: unknown value \"allways\"; did you mean `always`?",
            "restart.delay: has no unit; write \"5s\" for seconds, \"5ms\" for milliseconds",
            "restart.backoff: excludes `delay`; keep one of them",
            "restart.backoff.factor: must be a number from 1 to 100",
            "restart.backoff.max: must not be shorter than `initial`",
            "stop.steps[0].signal: unknown signal \"TREM\"; did you mean `TERM`?",
            "stop.steps[1]: is never reached after `kill: tree`",
            "depends_on.db: unknown value \"redy\"; did you mean `ready`?",
            "env.PORT: must be a text; write \"80\"",
            "spec: is missing; this version of the format is `spec: 1`",
        ]
    );
}

#[test]
fn a_key_is_told_from_its_value() {
    let found = decode(&with("restart", json!({"polciy": "never", "delay": "5"}))).expect_err("it is wrong");
    assert_eq!(found.iter().map(|problem| problem.which).collect::<Vec<_>>(), [Which::Key, Which::Value]);
}

#[test]
fn what_has_no_effect_yet_is_refused_by_name() {
    for (key, value, path) in [
        ("instances", json!(1), "instances"),
        ("type", json!("notify"), "type"),
        ("type", json!("forking"), "type"),
        ("ready", json!({"fd": 3}), "ready.fd"),
        ("ready", json!({"notify": true}), "ready.notify"),
        ("ready", json!({"http": "https://127.0.0.1/"}), "ready.http"),
        ("limits", json!({"memory": "1GiB"}), "limits.memory"),
        ("watchdog", json!("30s"), "watchdog"),
        ("manager", json!("systemd"), "manager"),
        ("restart", json!({"on_exhausted": "exit"}), "restart.on_exhausted"),
        ("stop", json!({"steps": [{"ctrl_c": "5s"}]}), "stop.steps[0].ctrl_c"),
    ] {
        let found = decode(&with(key, value)).expect_err(path);
        let mine: Vec<_> = found.iter().filter(|problem| problem.path == path).collect();
        assert!(
            mine.iter().any(|problem| problem.message.contains("not yet supported by this version")),
            "{path}: {found:?}"
        );
    }
}

/// That each value of a key is refused at its path.
fn refused(cases: &[(&str, Value, &str)]) {
    for (key, value, path) in cases {
        let found = decode(&with(key, value.clone())).expect_err(path);
        assert_eq!(found[0].path, *path, "{value}: {found:?}");
    }
}

#[test]
fn bounds_are_held() {
    refused(&[
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
        ("description", json!("for ${USER}"), "description"),
        ("exec", json!("/bin/echo ${A B}"), "exec"),
        ("exec", json!(["/bin/echo", "${"]), "exec[1]"),
        ("umask", json!(27), "umask"),
        ("umask", json!("0x27"), "umask"),
        ("umask", json!("1777"), "umask"),
        ("env", json!({"A": true}), "env.A"),
        ("env_file", json!("-/etc/default/web"), "env_file"),
        ("env_file", json!(["/a", {"path": "b"}]), "env_file[1].path"),
        ("env_file", json!([{"optional": true}]), "env_file[0].path"),
        ("limits", json!({"stack": "8M"}), "limits.stack"),
        ("limits", json!({"open_files": "8192"}), "limits.open_files"),
        ("limits", json!({"open_files": -1}), "limits.open_files"),
    ]);
    let many: BTreeMap<String, &str> = (0..4_097).map(|n| (format!("V{n}"), "x")).collect();
    assert_eq!(problems(&with("env", json!(many))), ["env: has more than 4096 entries"]);
}

#[test]
fn questions_are_sane() {
    refused(&[
        ("start", json!({"when": [{"interval": "1s"}]}), "start.when[0]"),
        ("start", json!({"when": [{"log": "x"}]}), "start.when[0].log"),
        ("start", json!({"when": [{"tcp": "a:1", "exec": ["/bin/x"]}]}), "start.when[0].exec"),
        ("start", json!({"when": [{"exists": "run/x"}]}), "start.when[0].exists"),
        ("ready", json!({"tcp": 8080}), "ready.tcp"),
        ("ready", json!({"exists": "/x"}), "ready.exists"),
        ("ready", json!({"log": "a(b"}), "ready.log"),
        ("ready", json!({"log": "up", "interval": "1s"}), "ready.interval"),
        ("ready", json!({"http": "127.0.0.1:80"}), "ready.http"),
        ("ready", json!({"http": "http://127.0.0.1:0/"}), "ready.http"),
        ("ready", json!({"http": "http://1.2.3/"}), "ready.http"),
        ("ready", json!({"http": "http://a@b/"}), "ready.http"),
        ("ready", json!({"http": "http://b/#c"}), "ready.http"),
        ("ready", json!({"http": {"status": 200}}), "ready.http.url"),
        ("ready", json!({"http": {"url": "http://b", "status": [99]}}), "ready.http.status[0]"),
        ("health", json!({"liveness": {}}), "health.liveness"),
        ("health", json!({"readiness": {}}), "health.readiness"),
        ("health", json!({"liveness": {"tcp": "a:1", "fail_after": 0}}), "health.liveness.fail_after"),
    ]);
}

#[test]
fn what_makes_it_run_is_sane() {
    refused(&[
        ("reload", json!({}), "reload"),
        ("reload", json!({"signal": "KILL"}), "reload.signal"),
        ("reload", json!({"restart": false}), "reload.restart"),
        ("reload", json!({"signal": "HUP", "command": ["/bin/x"]}), "reload.command"),
        ("reload", json!({"signal": "HUP", "watch": ["etc"]}), "reload.watch[0]"),
        ("reload", json!({"signal": "HUP", "watch": "/etc/a**b"}), "reload.watch"),
        ("reload", json!({"signal": "HUP", "watch": "/etc/[a"}), "reload.watch"),
        ("schedule", json!({}), "schedule"),
        ("schedule", json!({"cron": "0 25 * * *"}), "schedule.cron"),
        ("schedule", json!({"every": "500ms"}), "schedule.every"),
        ("schedule", json!({"every": "5m", "timezone": "UTC"}), "schedule.timezone"),
        ("schedule", json!({"cron": "@daily", "timezone": "../etc/passwd"}), "schedule.timezone"),
        ("schedule", json!({"cron": "@daily", "missed": "twice"}), "schedule.missed"),
        ("trigger", json!({}), "trigger"),
        ("trigger", json!({"path": "/in"}), "trigger.on"),
        ("trigger", json!({"path": "/in", "on": []}), "trigger.on"),
        ("trigger", json!({"path": "/in", "on": ["crate"]}), "trigger.on[0]"),
        ("trigger", json!({"path": "/in", "on": "create", "every": "5s"}), "trigger.every"),
        ("trigger", json!({"condition": {"log": "x"}}), "trigger.condition.log"),
        (
            "hooks",
            json!({"before_start": []  , "after_start": [{"timeout": "1s"}]}),
            "hooks.after_start[0].exec",
        ),
        ("hooks", json!({"before_start": "./x"}), "hooks.before_start"),
        ("stop", json!({"steps": [{"command": ["/bin/x"]}, {"kill": "tree"}, {}]}), "stop.steps[2]"),
    ]);
}

#[test]
fn every_form_of_a_value_is_read() {
    assert_eq!(sound("user", json!(1_000)).user.as_deref(), Some("1000"));
    assert_eq!(sound("inherit_env", json!("all")).inherit_env, InheritEnv::All);
    let ready = sound("ready", json!({"tcp": "db.local:5432"})).ready.unwrap();
    assert_eq!(ready.check, Check::Tcp(TcpTarget::Name("db.local".into(), 5_432)));
    for name in ["INT", "SIGINT", "sigint"] {
        let stop = sound("stop", json!({"steps": [{"signal": name, "wait": "1s"}, {"kill": "tree"}]})).stop;
        let wait = Some(Duration::from_secs(1));
        assert_eq!(stop.steps, [StopStep::Signal { signal: Signal::Int, wait }, StopStep::KillTree]);
    }
}

#[test]
fn what_runs_by_itself_is_a_oneshot_whose_next_run_is_its_next_try() {
    for (key, value) in [
        ("schedule", json!({"cron": "30 2 * * *", "timezone": "Europe/Prague"})),
        ("trigger", json!({"path": "/in", "on": ["create"]})),
    ] {
        let spec = sound(key, value.clone());
        assert_eq!((spec.kind, spec.restart.policy), (Kind::Oneshot, RestartPolicy::Never));
        let mut document = with(key, value);
        document["restart"] = json!({"success_codes": [0, 3]});
        let spec = decode(&document).expect("the document is sound");
        assert_eq!((spec.restart.policy, spec.restart.success_codes), (RestartPolicy::Never, vec![0, 3]));
        document["restart"] = json!({"policy": "always"});
        document["type"] = json!("simple");
        let found = problems(&document);
        assert!(found[0].starts_with("restart.policy: cannot be `always` with a schedule"), "{found:?}");
        assert!(found[1].starts_with("type: cannot be `simple` with a schedule"), "{found:?}");
    }
    let mut both = with("schedule", json!({"every": "5m"}));
    both["trigger"] = json!({"path": "/in", "on": "create"});
    assert_eq!(problems(&both), ["trigger: excludes `schedule`; keep one of them"]);
}

#[test]
fn readiness_of_health_is_asked_as_ready_is_where_it_names_nothing() {
    let mut document = with("ready", json!({"tcp": "127.0.0.1:80"}));
    document["health"] = json!({"readiness": {"interval": "5s"}});
    let spec = decode(&document).expect("the document is sound");
    let probe = spec.health.readiness.expect("there is a probe");
    assert_eq!(probe.check, spec.ready.expect("there is a check").check);
}

#[test]
fn placeholders_stand_in_commands_paths_and_checks() {
    let exec = |value: Value| sound("exec", value).exec.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(exec(json!("/bin/x '${A} b' ${B:-c d} \\${C}")), ["/bin/x", "${A} b", "${B:-c d}", "$${C}"]);
    assert_eq!(exec(json!(["${BIN}/x"])), ["${BIN}/x"]);
    assert_eq!(sound("cwd", json!("${HOME}/x")).cwd, Template::parse("${HOME}/x").ok());
    for url in ["http://${HOST}:80/", "${URL}", "http://[::1]:80/a?b", "http://db.local"] {
        assert!(sound("ready", json!({"http": url})).ready.is_some());
    }
    let ready = sound("ready", json!({"tcp": "127.0.0.1:${PORT}"})).ready.expect("there is a check");
    assert!(matches!(ready.check, Check::Tcp(TcpTarget::Template(_))));
}

#[test]
fn hooks_are_read_in_every_form() {
    let read = |value: Value| sound("hooks", json!({"before_start": value})).hooks.before_start;
    let one = read(json!(["/bin/x", "a"]));
    assert_eq!(one.len(), 1);
    assert_eq!(one, read(json!("/bin/x a")));
    assert_eq!(one, read(json!([{"exec": "/bin/x a", "timeout": "30s"}])));
    assert_eq!(one, read(json!([["/bin/x", "a"]])));
    assert_eq!(read(json!([{"exec": ["/bin/x"]}, {"exec": ["/bin/y"], "timeout": "1s"}])).len(), 2);
}

#[test]
fn a_difference_is_told_by_its_keys() {
    let old = sound("restart", json!({"delay": "5s"}));
    let mut new = sound("restart", json!({"delay": "10s"}));
    new.exec.push(Template::literal("-v"));
    assert_eq!(
        diff(&old, &new),
        ["exec: [\"/opt/web/server\"] → [\"/opt/web/server\",\"-v\"]", "restart.delay: 5s → 10s"]
    );
    assert_eq!(diff(&old, &old), Vec::<String>::new());
}
