//! What others make of the API's document and of what is printed for programs: a validator and a generator of clients,
//! and a validator of JSON Schema. They are Python's, in the environment that `cargo xtask test` makes.
#![forbid(unsafe_code)]

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use svcctl_tests::Sandbox;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The Python that has the validators.
fn python() -> Command {
    let program = std::env::var_os("SVCCTL_TEST_PYTHON").unwrap_or_else(|| {
        panic!(
            "SVCCTL_TEST_PYTHON is not set: it names the Python that has the validators; \
             `cargo xtask test --only python --only blackbox` makes it and runs this"
        )
    });
    let mut command = Command::new(program);
    // Nothing of the user's own Python, and nothing written beside the scripts.
    command.arg("-I").arg("-B");
    command
}

/// Runs it to its end with `input`, checks that it went well, and gives what it wrote.
#[track_caller]
fn finished(command: &mut Command, input: &str) -> String {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("SVCCTL_TEST_PYTHON is a program");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads all of it");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out
}

fn docs(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(path)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/shared").join(name)
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn socket(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("run/engines/daemon.sock")
}

/// What the daemon answers, as text.
fn ask(sandbox: &Sandbox, request: &str, body: &Value) -> String {
    let mut stream = UnixStream::connect(socket(sandbox)).expect("the daemon listens");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a time");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    // Of HTTP/1.0, so that nothing comes in chunks.
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

fn ask_json(sandbox: &Sandbox, request: &str, body: &Value) -> Value {
    let text = ask(sandbox, request, body);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{request} ({error}): {text}"))
}

/// Values with the schemas that they are to fit.
#[derive(Default)]
struct Cases(Vec<Value>);

impl Cases {
    fn add(&mut self, what: &str, schema: &Value, value: &Value) {
        self.0.push(json!({"what": what, "schema": schema, "value": value}));
    }

    /// What svcctl prints for these words, by a published schema.
    #[track_caller]
    fn printed(&mut self, sandbox: &Sandbox, schema: &str, code: i32, words: &[&str]) -> Value {
        let options = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let ran = sandbox.svcctl(&[&words[..options], &["--output", "json"], &words[options..]].concat());
        let value = ran.code(code).json();
        self.published(&words.join(" "), schema, &value);
        value
    }

    fn published(&mut self, what: &str, schema: &str, value: &Value) {
        self.add(what, &read(&docs(&format!("schema/{schema}.schema.json"))), value);
    }

    /// An answer of the API, by a part of its document.
    fn answered(&mut self, what: &str, component: &str, value: &Value) {
        let mut schema = json!({"$ref": format!("#/components/schemas/{component}")});
        schema["components"] = read(&docs("api/openapi.json"))["components"].clone();
        self.add(what, &schema, value);
    }

    #[track_caller]
    fn hold(self) {
        finished(python().arg(script("validate.py")), &Value::Array(self.0).to_string());
    }
}

/// A service that runs, one that was given up, and a job.
fn several() -> Sandbox {
    let sandbox = Sandbox::new().with_variable("SVCCTL_EDITOR", "true");
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    sandbox.install("broken", &["--restart", "never"], &sandbox.fixture().exit(4));
    sandbox.svcctl(&["start", "broken", "--no-wait"]).code(0);
    sandbox.wait_for("broken", "is given up", |status| status["state"] == "ERROR");
    let job = json!({"spec": 1, "name": "job", "exec": ["/bin/true"], "schedule": {"cron": "30 2 * * *"}});
    let answer = ask_json(&sandbox, "PUT /v1/services/job", &job);
    assert_eq!(answer["services"][0]["changed"], true, "{answer}");
    sandbox
}

#[test]
fn a_validator_accepts_the_document_that_a_daemon_serves() {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    let served = ask(&sandbox, "GET /v1/openapi.json", &Value::Null);
    let file = sandbox.file("served.json");
    std::fs::write(&file, served).expect("a file of ours");
    let published = docs("api/openapi.json");
    assert_eq!(read(&file), read(&published));
    for document in [&file, &published] {
        finished(python().args(["-m", "openapi_spec_validator", "--schema", "3.1"]).arg(document), "");
    }
}

#[test]
fn a_generator_makes_a_client_of_the_document_that_asks_a_daemon() {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let config = sandbox.file("generator.json");
    // How it is formatted is not looked at.
    std::fs::write(&config, json!({"post_hooks": []}).to_string()).expect("a file of ours");
    let place = sandbox.make_directory("client");
    let mut generate = python();
    generate.args([
        "-m",
        "openapi_python_client",
        "generate",
        "--meta",
        "none",
        "--fail-on-warning",
        "--path",
    ]);
    generate.arg(docs("api/openapi.json")).arg("--config").arg(&config);
    finished(generate.arg("--output-path").arg(place.join("generated")), "");
    let parts = finished(python().arg(script("client_of_document.py")).arg(&place).arg(socket(&sandbox)), "");
    assert!(parts.trim().parse::<u32>().is_ok_and(|parts| parts > 40), "{parts}");
}

#[test]
fn what_is_printed_for_programs_is_as_its_schema_says() {
    let sandbox = several();
    let mut cases = Cases::default();
    let list = cases.printed(&sandbox, "services", 0, &["list"]);
    assert_eq!(list["services"].as_array().map(Vec::len), Some(3), "{list}");
    let jobs = cases.printed(&sandbox, "services", 0, &["list", "--jobs"]);
    assert!(jobs["services"][0]["job"].is_object(), "{jobs}");
    for (name, code) in [("web", 0), ("broken", 1), ("job", 3)] {
        cases.printed(&sandbox, "service-state", code, &["status", name]);
    }
    cases.printed(&sandbox, "summary", 1, &["status"]);
    cases.printed(&sandbox, "program", 0, &["version"]);
    cases.printed(&sandbox, "version", 0, &["daemon", "status"]);
    for words in [&["start", "web"][..], &["restart", "web"], &["stop", "web", "--dry-run"], &["hold", "web"]]
    {
        cases.printed(&sandbox, "order", 0, words);
    }
    cases.printed(&sandbox, "outcome", 0, &["install", "one", "--", "/bin/true"]);
    cases.printed(&sandbox, "edit", 0, &["edit", "one"]);
    cases.printed(&sandbox, "service", 0, &["install", "two", "--dry-run", "--", "/bin/true"]);
    let events = sandbox.svcctl(&["events", "--output", "json"]);
    let events: Vec<&str> = events.code(0).stdout.lines().collect();
    assert!(events.len() > 3, "{events:?}");
    for event in events {
        cases.published("events", "event", &serde_json::from_str(event).expect("a line of JSON"));
    }
    let doctor = sandbox.svcctl(&["doctor", "--output", "json"]).json();
    cases.published("doctor", "doctor", &doctor);
    cases.printed(&sandbox, "daemon-stop", 0, &["daemon", "stop"]);
    cases.hold();
}

#[test]
fn what_files_would_change_and_what_is_wrong_is_printed_as_its_schema_says() {
    let sandbox = several();
    let mut cases = Cases::default();
    let file = sandbox.file("new.yaml");
    let file = file.to_str().expect("a plain name");
    std::fs::write(file, "spec: 1\nname: new\nexec: [/bin/true]\n").expect("a file of ours");
    let would = cases.printed(&sandbox, "applied", 0, &["apply", "--file", file, "--dry-run"]);
    assert_eq!(would["steps"][2], json!({"name": "new", "action": "start"}), "{would}");
    cases.printed(&sandbox, "applied", 1, &["diff", "--file", file]);
    cases.printed(&sandbox, "problems", 0, &["validate", file]);
    std::fs::write(file, "spec: 1\nnaem: new\nexec: [/bin/true]\n").expect("a file of ours");
    let wrong = sandbox.svcctl(&["validate", file, "--output", "json"]).json();
    assert_eq!(wrong[1]["line"], 2, "{wrong}");
    cases.published("validate", "problems", &wrong);
    let failed = sandbox.svcctl(&["status", "none", "--output", "json"]);
    let failed: Value = serde_json::from_str(&failed.code(4).stderr).expect("a failure as JSON");
    cases.published("status none", "failure", &failed);
    cases.hold();
}

#[test]
fn what_the_api_answers_is_as_its_document_says() {
    let sandbox = several();
    let mut cases = Cases::default();
    for (path, component) in [
        ("/v1/version", "Version"),
        ("/v1/services", "Services"),
        ("/v1/services/web", "Service"),
        ("/v1/services/broken", "Service"),
        ("/v1/services/job", "Service"),
        ("/v1/services/none", "Failure"),
        ("/v1/events?nonsense=1", "Failure"),
        ("/v1/services/web/logs?lines=many", "Failure"),
        ("/v1/services/web/processes", "Processes"),
        ("/v1/services/job/source", "Document"),
    ] {
        cases.answered(path, component, &ask_json(&sandbox, &format!("GET {path}"), &Value::Null));
    }
    std::fs::write(sandbox.root().join("services/bad.yaml"), "spec: 1\nname: bad\nexce: x\n")
        .expect("a file");
    std::fs::write(sandbox.root().join("services/new.yaml"), "spec: 1\nname: new\nexec: x\n")
        .expect("a file");
    let pending = ask_json(&sandbox, "GET /v1/pending", &Value::Null);
    assert!(pending["invalid"][0].is_object() && pending["steps"][0].is_object(), "{pending}");
    cases.answered("pending", "Pending", &pending);
    for (request, component, body) in [
        ("POST /v1/services/web/restart", "Outcome", Value::Null),
        ("POST /v1/services/web/dance", "Failure", Value::Null),
        ("PUT /v1/services/web?update=true", "Failure", json!({"spec": 1, "name": "web", "exec": []})),
        ("POST /v1/actions/stop", "Outcome", json!({"all": true, "dry_run": true})),
        ("POST /v1/apply", "Applied", json!({"pending": true, "dry_run": true})),
        ("DELETE /v1/services/broken", "Outcome", Value::Null),
    ] {
        cases.answered(request, component, &ask_json(&sandbox, request, &body));
    }
    let events = ask(&sandbox, "GET /v1/events?lines=50", &Value::Null);
    assert!(events.lines().count() > 3, "{events}");
    for event in events.lines() {
        cases.answered("events", "Event", &serde_json::from_str(event).expect("a line of JSON"));
    }
    cases.hold();
}

#[test]
fn a_value_that_does_not_fit_is_found() {
    let failed = std::panic::catch_unwind(|| {
        let mut cases = Cases::default();
        cases.published("version", "program", &json!({"version": 7}));
        cases.published("version", "program", &json!({"version": "1", "undescribed": true}));
        cases.hold();
    });
    let said = failed.expect_err("neither fits");
    let said = said.downcast_ref::<String>().expect("a message");
    assert!(said.contains("$.version: 7 is not") && said.contains("'undescribed' was unexpected"), "{said}");
}
