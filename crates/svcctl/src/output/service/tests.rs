//! What people see of services, word for word.

use super::{Service, Style, Timestamp, brief, list, screen};
use serde_json::json;

fn now() -> Timestamp {
    "2026-11-23T05:35:10Z".parse().unwrap()
}

/// A running service, with `changes`.
pub(crate) fn sample(changes: &serde_json::Value) -> Service {
    let mut base = json!({"name": "web", "state": "RUNNING", "phase": "running", "why": "it is ready", "desired": "up",
        "ready": true, "since": "2026-11-23T05:33:05Z", "pid": 123, "started": "2026-11-23T05:33:04Z", "restarts": 2,
        "last_exit": {"text": "killed by SIGKILL", "code": null, "signal": 9, "at": "2026-11-23T05:33:04Z"},
        "last_spawn_error": null, "last_probe_error": null, "next_attempt_ms": null, "waiting_for": [], "stuck": [],
        "manager": "embedded", "engine": "daemon", "revision": 1, "outdated": false, "pending": false,
        "spec": {"exec": ["/opt/web/server", "--port", "8080"], "description": "Serves the shop"}});
    for (key, value) in changes.as_object().unwrap() {
        base[key] = value.clone();
    }
    serde_json::from_value(base).unwrap()
}

fn backoff() -> Service {
    sample(
        &json!({"name": "a-worker", "state": "STARTING", "phase": "backoff", "ready": false, "pid": null, "started": null,
        "why": "exited with code 1; restart 3 in 4 s", "next_attempt_ms": 3900}),
    )
}

fn waiting() -> Service {
    sample(&json!({"name": "api", "state": "STARTING", "phase": "waiting", "pid": null, "started": null,
        "why": "wanted up", "waiting_for": ["db is not ready"], "restarts": 0}))
}

#[test]
fn a_list_is_a_table() {
    let text = list(&[backoff(), waiting(), sample(&json!({}))], now(), Style::Plain);
    assert_eq!(
        text,
        "NAME      STATE     PID  UPTIME  RESTARTS  WHY\n\
         a-worker  STARTING  -    -       2         exited with code 1; restart 3 in 4 s\n\
         api       STARTING  -    -       0         db is not ready\n\
         web       RUNNING   123  2m 6s   2         it is ready\n"
    );
}

#[test]
fn a_line_says_what_is() {
    assert_eq!(brief(&sample(&json!({}))), "running (pid 123)");
    assert_eq!(brief(&backoff()), "not running: exited with code 1; restart 3 in 4 s");
    assert_eq!(brief(&waiting()), "waiting: db is not ready");
    assert_eq!(
        brief(&sample(&json!({"phase": "failed", "why": "exited with code 78"}))),
        "ERROR: exited with code 78"
    );
    assert_eq!(brief(&sample(&json!({"phase": "stopped", "pid": null}))), "stopped");
}

#[test]
fn a_screen_says_all() {
    let text = screen(&sample(&json!({})), &["05:33:05 stdout listening".to_owned()], now(), Style::Plain);
    assert_eq!(
        text,
        "web - Serves the shop
      state: RUNNING since 2026-11-23 05:33:05Z (2m 5s)
        why: it is ready
        pid: 123, for 2m 6s
  last exit: killed by SIGKILL, 2026-11-23 05:33:04Z (2m 6s ago)
   restarts: 2
    program: /opt/web/server --port 8080
     engine: daemon

05:33:05 stdout listening
"
    );
}

#[test]
fn a_screen_without_an_engine_promises_nothing() {
    let stored =
        sample(&json!({"state": "STOPPED", "phase": "stopped", "why": "", "pid": null, "started": null,
        "engine": null, "last_exit": null, "restarts": 0, "since": "1970-01-01T00:00:00Z"}));
    let text = screen(&stored, &[], now(), Style::Plain);
    assert!(text.contains("state: STOPPED, wanted up\n"), "{text}");
    assert!(text.contains("engine: none runs\n"), "{text}");
}

#[test]
fn colours_are_for_terminals() {
    let text = list(&[sample(&json!({}))], now(), Style::Coloured);
    assert!(text.contains("\u{1b}[32mRUNNING\u{1b}[0m  123"), "{text}");
}
