//! The API as any program has it: HTTP over the daemon's socket, without svcctl's own client.
#![forbid(unsafe_code)]

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use svcctl_tests::processes::is_alive;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Asks the daemon; gives the status and the body.
fn ask(sandbox: &Sandbox, request: &str, operation: Option<&str>, body: &Value) -> (u16, Value) {
    let mut stream = send(sandbox, request, operation, body);
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn send(sandbox: &Sandbox, request: &str, operation: Option<&str>, body: &Value) -> UnixStream {
    let socket = sandbox.root().join("run/engines/daemon.sock");
    let mut stream = UnixStream::connect(socket).expect("the daemon listens");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a time");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let operation = operation.map(|id| format!("Operation-Id: {id}\r\n")).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {operation}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request is sent");
    stream
}

fn get(sandbox: &Sandbox, path: &str) -> Value {
    let (status, answer) = ask(sandbox, &format!("GET {path}"), None, &Value::Null);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn post(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    ask(sandbox, &format!("POST {path}"), None, body)
}

fn with_daemon() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    sandbox
}

#[test]
fn a_repeated_operation_is_done_once() {
    let sandbox = with_daemon();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let first = sandbox.pid("web");
    let restart = |id| ask(&sandbox, "POST /v1/services/web/restart", Some(id), &Value::Null);
    let answer = restart("a-1");
    assert_eq!(answer.0, 200, "{answer:?}");
    let second = sandbox.pid("web");
    assert_ne!(first, second);
    assert_eq!(restart("a-1"), answer);
    assert_eq!(sandbox.pid("web"), second);
    let (status, other) = ask(&sandbox, "POST /v1/services/web/stop", Some("a-1"), &Value::Null);
    assert_eq!((status, &other["kind"]), (409, &json!("conflict")), "{other}");
    assert!(is_alive(second));
}

#[test]
fn a_rehearsal_changes_nothing() {
    let sandbox = with_daemon();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let web = sandbox.pid("web");
    for verb in ["stop", "restart", "uninstall"] {
        let (status, answer) =
            post(&sandbox, &format!("/v1/actions/{verb}"), &json!({"names": ["web"], "dry_run": true}));
        assert_eq!((status, &answer["services"][0]["changed"]), (200, &json!(true)), "{verb}: {answer}");
        assert!(is_alive(web), "{verb}");
    }
    let document = json!({"document": {"spec": 1, "name": "new", "exec": ["/bin/true"]}});
    let (status, answer) = ask(&sandbox, "PUT /v1/services/new?dry_run=true", None, &document);
    assert_eq!((status, &answer["services"][0]["name"]), (200, &json!("new")), "{answer}");
    assert_eq!(ask(&sandbox, "GET /v1/services/new", None, &Value::Null).0, 404);
    assert_eq!(sandbox.pid("web"), web);
}

#[test]
fn a_source_keeps_its_comments_and_an_edit_of_it_is_pending_until_it_is_applied() {
    let sandbox = with_daemon();
    let text = "# why it is so\nspec: 1\nname: job\nexec: [/bin/true]\nautostart: false\n";
    let document = json!({"spec": 1, "name": "job", "exec": ["/bin/true"], "autostart": false});
    let install = json!({"document": document, "source": {"text": text, "format": "yaml"}});
    let (status, answer) = ask(&sandbox, "PUT /v1/services/job", None, &install);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(get(&sandbox, "/v1/services/job/source")["text"], text);
    assert_eq!(get(&sandbox, "/v1/pending")["steps"], json!([]));

    let file = sandbox.root().join("services/job.yaml");
    std::fs::write(&file, text.replace("/bin/true", "/bin/false")).expect("a file of ours");
    std::fs::write(sandbox.root().join("services/bad.yaml"), "spec: 1\nname: bad\nexce: x\n")
        .expect("a file of ours");
    let pending = get(&sandbox, "/v1/pending");
    assert_eq!(pending["steps"][0]["name"], "job", "{pending}");
    assert_eq!(pending["invalid"][0]["problems"][0]["line"], 3, "{pending}");

    let (status, would) = post(&sandbox, "/v1/apply", &json!({"pending": true, "dry_run": true}));
    assert_eq!(status, 200, "{would}");
    assert_eq!(get(&sandbox, "/v1/services/job")["revision"], 1);
    let (status, applied) = post(&sandbox, "/v1/apply", &json!({"pending": true}));
    assert_eq!((status, &applied["steps"]), (200, &would["steps"]), "{applied}");
    assert_eq!(get(&sandbox, "/v1/services/job")["revision"], 2);
    assert_eq!(get(&sandbox, "/v1/pending")["steps"], json!([]));
    let kept = std::fs::read_to_string(&file).expect("the file stays");
    assert!(kept.starts_with("# why it is so\n"), "{kept}");
}

#[test]
fn the_processes_of_a_service_are_shown_with_their_memory() {
    let sandbox = with_daemon();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let shown = get(&sandbox, "/v1/services/web/processes");
    assert_eq!(shown["processes"][0]["pid"], sandbox.pid("web"));
    assert_eq!(shown["processes"][0]["depth"], 0);
    assert!(shown["processes"][0]["memory_bytes"].as_u64() > Some(0), "{shown}");
}

#[test]
fn a_hold_stops_nothing_and_starts_nothing_until_it_is_taken_back() {
    let sandbox = with_daemon();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    let (status, answer) = post(&sandbox, "/v1/services/web/hold", &json!({"reason": "disk is full"}));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(get(&sandbox, "/v1/services/web")["held"]["reason"], "disk is full");
    let (status, answer) = post(&sandbox, "/v1/services/web/unhold", &Value::Null);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(get(&sandbox, "/v1/services/web")["held"], Value::Null);
}

#[test]
fn what_means_nothing_is_refused_and_nothing_is_done() {
    let sandbox = with_daemon();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    for (request, body) in [
        ("POST /v1/services/web/dance", Value::Null),
        ("POST /v1/services/web/stop", json!({"once": true})),
        ("POST /v1/services/web/stop", json!({"dryrun": true})),
        ("POST /v1/services/web/signal", json!({"signal": "NONSENSE"})),
        ("POST /v1/apply", json!({"pending": true, "names": ["web"], "prune": true})),
    ] {
        let (status, answer) = ask(&sandbox, request, None, &body);
        assert_eq!((status, &answer["kind"]), (400, &json!("usage")), "{request} {body}: {answer}");
    }
    assert!(is_alive(sandbox.pid("web")));
}

#[test]
fn a_followed_log_ends_and_every_answer_is_whole_when_the_daemon_stops() {
    let sandbox = with_daemon();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let mut followed = send(&sandbox, "GET /v1/services/web/logs?follow=true", None, &Value::Null);
    let (status, answer) = post(&sandbox, "/v1/daemon/stop", &Value::Null);
    assert_eq!(status, 200, "{answer}");
    let mut text = String::new();
    followed.read_to_string(&mut text).expect("the stream ends as a stream");
    // The last chunk of RFC 9112, section 7.1: the answer was ended, not cut off.
    assert!(text.ends_with("0\r\n\r\n"), "{text}");
    wait_until(SOON, "the daemon has ended", || sandbox.processes().is_empty().then_some(()));
}

#[test]
fn the_document_of_the_api_is_served_and_is_the_one_that_is_published() {
    let sandbox = with_daemon();
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/openapi.json");
    let published: Value =
        serde_json::from_str(&std::fs::read_to_string(published).expect("docs/api/openapi.json"))
            .expect("JSON");
    assert_eq!(get(&sandbox, "/v1/openapi.json"), published);
    assert_eq!(get(&sandbox, "/v1/schema")["type"], "object");
}
