//! What a program sees of the world when svcctl starts it, and what becomes of what it writes.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use svcctl_tests::processes::{is_alive, kill};
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// A user who has no rights and no entry of its own in the tests' files.
const NOBODY: &str = "nobody";

/// Starts the `show` program with these options and gives what it printed.
fn shown(sandbox: &Sandbox, options: &[&str]) -> BTreeSet<String> {
    sandbox.install("show", options, &sandbox.fixture().show());
    sandbox.svcctl(&["start", "show"]).code(0);
    let all = || Some(sandbox.messages("show")).filter(|lines| lines.contains(&"that is all".to_owned()));
    wait_until(SOON, "the program has told all", all).into_iter().collect()
}

#[track_caller]
fn has(lines: &BTreeSet<String>, line: &str) {
    assert!(lines.contains(line), "{line:?} is not in {lines:#?}");
}

#[test]
fn a_program_gets_its_directory_and_variables_and_nothing_else() {
    let sandbox = Sandbox::new().with_variable("OF_THE_CALLER", "1");
    let place = sandbox.make_directory("place");
    let lines =
        shown(&sandbox, &["--cwd", &place.to_string_lossy(), "--env", "COLOUR=deep blue", "--env", "EMPTY="]);
    has(&lines, &format!("cwd {}", place.display()));
    has(&lines, "env COLOUR=deep blue");
    has(&lines, "env EMPTY=");
    has(&lines, "leads its session true");
    has(&lines, "stdin /dev/null");
    has(&lines, "other descriptors 0");
    assert!(lines.iter().any(|line| line.starts_with("env PATH=")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("env OF_THE_CALLER")), "{lines:#?}");
}

#[test]
fn a_program_runs_as_its_user() {
    let sandbox = Sandbox::new();
    let lines = shown(&sandbox, &["--user", NOBODY]);
    let id = |flag: &str| {
        let output = std::process::Command::new("id").arg(flag).arg(NOBODY).output().expect("id(1) is there");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    has(&lines, &format!("uid {}", id("-u")));
    has(&lines, &format!("gid {}", id("-g")));
    has(&lines, &format!("groups [{}]", id("-G").replace(' ', ", ")));
}

#[test]
fn bytes_that_are_not_utf_8_are_kept_and_marked() {
    let sandbox = Sandbox::new();
    sandbox.install("bytes", &[], &sandbox.fixture().invalid_bytes());
    sandbox.svcctl(&["start", "bytes"]).code(0);
    let messages =
        || Some(sandbox.messages("bytes")).filter(|messages| messages.contains(&"after".to_owned()));
    let messages = wait_until(SOON, "all lines", messages);
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert!(messages[1].starts_with("broken ") && messages[1].ends_with(" here"), "{messages:?}");
    for byte in ["ff", "fe"] {
        assert!(messages[1].to_lowercase().contains(byte), "the byte {byte} is lost: {messages:?}");
    }
}

#[test]
fn a_held_stdout_does_not_hold_up_the_end() {
    let sandbox = Sandbox::new();
    let pids = sandbox.make_directory("holder").join("pids");
    sandbox.install("holder", &["--restart", "never"], &sandbox.fixture().hold_stdout(&pids));
    sandbox.svcctl(&["start", "holder", "--no-wait"]).code(0);
    let holder = || std::fs::read_to_string(&pids).ok()?.trim().parse().ok();
    let holder: u32 = wait_until(SOON, "the process that holds", holder);
    let messages = || sandbox.messages("holder").contains(&"gone, and my output is still held".to_owned());
    wait_until(SOON, "the line before the end", || messages().then_some(()));
    sandbox.wait_for("holder", "has come to its end", |status| {
        status["pid"].is_null() && status["phase"] != "stopping"
    });
    assert!(!is_alive(holder), "what was left behind lives on");
}

#[test]
fn a_crash_that_leaves_processes_behind_is_one_restart() {
    for variables in [&[][..], &[("SVCCTL_FORCE", "no-cgroup")]] {
        let mut sandbox = Sandbox::new();
        for (name, value) in variables {
            sandbox = sandbox.with_variable(name, value);
        }
        let pids = sandbox.make_directory("tree").join("pids");
        let options = ["--restart-delay", "1ms", "--stop-timeout", "100ms", "--now"];
        sandbox.install("tree", &options, &sandbox.fixture().tree(&pids));
        for restarts in 1..=10 {
            let pid = sandbox.pid("tree");
            let entered = || std::fs::read_to_string(&pids).is_ok_and(|text| text.lines().count() == 6);
            wait_until(SOON, "the whole tree", || entered().then_some(()));
            std::fs::remove_file(&pids).expect("a file of ours");
            kill(pid);
            let back = |status: &serde_json::Value| status["state"] == "RUNNING" && status["pid"] != pid;
            let status = sandbox.wait_for("tree", "is back", back);
            assert_eq!(status["restarts"], restarts, "{status}");
        }
    }
}

#[test]
fn a_dependant_waits_until_its_dependency_is_ready() {
    let sandbox = Sandbox::new();
    let address = svcctl_tests::net::free_address();
    sandbox.install("db", &["--ready-tcp", &address.to_string()], &sandbox.fixture().serve(address, 500));
    sandbox.install("web", &["--depends-on", "db:ready"], &sandbox.fixture().stay());
    sandbox.svcctl(&["start", "web", "--no-wait"]).code(0);
    let waiting = sandbox.wait_for("web", "waits", |status| status["phase"] == "waiting");
    assert_eq!(
        (&waiting["state"], &waiting["pid"]),
        (&"STARTING".into(), &serde_json::Value::Null),
        "{waiting}"
    );
    assert!(waiting["waiting_for"].to_string().contains("db"), "{waiting}");
    let db = sandbox.wait_for("db", "is ready", |status| status["ready"] == true);
    let web = sandbox.wait_for("web", "runs", |status| status["state"] == "RUNNING");
    assert!(
        db["since"].as_str() <= web["started"].as_str(),
        "web was started before db was ready: {db} {web}"
    );
    let (web_pid, db_pid) = (sandbox.pid("web"), sandbox.pid("db"));
    svcctl_tests::net::ask(address, "crash\n", "never");
    sandbox.wait_for("db", "is back", |status| status["ready"] == true && status["pid"] != db_pid);
    assert_eq!(sandbox.pid("web"), web_pid, "a dependency's crash leaves its dependants alone");
    assert_eq!(sandbox.status("db")["last_exit"]["code"], 9);
}
