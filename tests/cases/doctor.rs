//! `svcctl doctor`: what it finds on a sound machine, after crashes, and where nothing is allowed.
#![forbid(unsafe_code)]

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use svcctl_tests::processes::{is_alive, kill};
use svcctl_tests::wait::SOON;
use svcctl_tests::{Ran, Sandbox, wait_until};

/// A user without rights and without an account.
const UNPRIVILEGED: u32 = 54_321;

fn report(sandbox: &Sandbox) -> (Ran, Value) {
    let ran = sandbox.svcctl(&["doctor", "--output", "json"]);
    let report = ran.json();
    (ran, report)
}

/// The checks of this id, and of this subject where one is given.
fn checks(report: &Value, id: &str) -> Vec<Value> {
    let all = report["checks"].as_array().expect("a list of checks");
    all.iter().filter(|check| check["id"] == id).cloned().collect()
}

fn verdict(report: &Value, id: &str) -> Value {
    checks(report, id).first().map(|check| check["verdict"].clone()).unwrap_or_default()
}

#[test]
fn nothing_is_installed_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    let (ran, found) = report(&sandbox);
    ran.code(0);
    assert_eq!((&found["problems"], verdict(&found, "services.list")), (&0.into(), "ok".into()), "{found}");
    assert!(!sandbox.root().exists(), "a look makes nothing");
    let text = sandbox.svcctl(&["doctor"]).code(0).stdout.clone();
    assert!(text.lines().last().is_some_and(|line| line.contains("no problem")), "{text}");
    assert!(sandbox.svcctl(&["doctor", "--output", "yaml"]).code(0).stdout.contains("id: limits.open_files"));
}

#[test]
fn every_problem_has_a_remedy() {
    let sandbox = Sandbox::new();
    let program = sandbox.file("program");
    std::fs::copy("/bin/true", &program).expect("room for a file");
    sandbox.install("broken", &[], &[program.to_string_lossy().into_owned()]);
    sandbox.install("stranger", &["--user", "svcctl-no-such-user"], &sandbox.fixture().stay());
    sandbox.install("edited", &[], &sandbox.fixture().stay());
    std::fs::remove_file(&program).expect("a file of ours");
    let services = sandbox.root().join("services");
    std::fs::write(services.join("wrong.yaml"), "spec: 1\nname: wrong\n").expect("room for a file");
    let path = services.join("edited.yaml");
    let text = std::fs::read_to_string(&path).expect("a specification");
    std::fs::write(&path, format!("{text}description: changed\n")).expect("room for a file");
    std::fs::write(sandbox.root().join("state/svcctl.redb.damaged-1"), "").expect("room for a file");
    std::fs::set_permissions(&services, std::fs::Permissions::from_mode(0o777)).expect("a directory of ours");
    let (ran, found) = report(&sandbox);
    ran.code(1);
    for (id, subject, wanted) in [
        ("services.program", Some("broken"), "problem"),
        ("services.user", Some("stranger"), "problem"),
        ("services.pending", Some("edited"), "warning"),
        ("leftovers.database", None, "warning"),
        ("rights.services", None, "problem"),
    ] {
        let one = checks(&found, id);
        assert_eq!((one.len(), &one[0]["verdict"]), (1, &wanted.into()), "{id}: {one:?}");
        assert_eq!(one[0]["subject"].as_str(), subject, "{id}");
    }
    let file = checks(&found, "services.file");
    assert!(file[0]["subject"].as_str().is_some_and(|path| path.ends_with("wrong.yaml")), "{file:?}");
    let all = found["checks"].as_array().expect("a list of checks");
    for check in all.iter().filter(|check| check["verdict"] != "ok") {
        assert!(check["remedy"].is_string(), "{check}");
    }
}

#[test]
fn a_killed_daemon_and_what_it_left_is_found() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let pid = sandbox.pid("web");
    let (ran, found) = report(&sandbox);
    ran.code(0);
    assert_eq!(
        (verdict(&found, "daemon.answers"), verdict(&found, "daemon.version")),
        ("ok".into(), "ok".into())
    );
    let keeper = sandbox.daemon()["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a pid");
    let engine = sandbox.engine_pid();
    kill(keeper);
    wait_until(SOON, "keeper and engine are gone", || (!is_alive(keeper) && !is_alive(engine)).then_some(()));
    let (ran, found) = report(&sandbox);
    ran.code(1);
    assert_eq!(verdict(&found, "leftovers.lock"), "warning", "{found}");
    let left = checks(&found, "leftovers.processes");
    assert_eq!(left[0]["verdict"], "problem", "{left:?}");
    assert!(left[0]["remedy"].as_str().is_some_and(|remedy| remedy.contains(&pid.to_string())), "{left:?}");
    if verdict(&found, "kernel.cgroup") == "ok" {
        let groups = checks(&found, "leftovers.groups");
        assert!(
            groups[0]["text"].as_str().is_some_and(|text| text.contains(&format!("web ({pid})"))),
            "{groups:?}"
        );
    }
    kill(pid);
    wait_until(SOON, "the orphan is gone", || (!is_alive(pid)).then_some(()));
    let (_, found) = report(&sandbox);
    assert_eq!(verdict(&found, "leftovers.processes"), "ok", "{found}");
}

#[test]
fn without_rights_it_says_what_is_missing() {
    let sandbox = Sandbox::new().as_user(UNPRIVILEGED);
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    report(&sandbox).0.code(0);
    sandbox.svcctl(&["daemon", "stop"]).code(0);
    let state = sandbox.root().join("state");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o500)).expect("root may");
    std::fs::remove_file(sandbox.fixture().program()).expect("a file of ours");
    let (ran, found) = report(&sandbox);
    ran.code(1);
    assert_eq!(verdict(&found, "rights.state"), "problem", "{found}");
    assert_eq!(verdict(&found, "services.program"), "problem", "{found}");
    let other = Sandbox::new();
    other.install("web", &[], &other.fixture().stay());
    let mut stranger = std::process::Command::new("setpriv");
    stranger.args([&format!("--reuid={UNPRIVILEGED}"), &format!("--regid={UNPRIVILEGED}"), "--clear-groups"]);
    stranger.arg(other.path().join("bin/svcctl")).arg("--root").arg(other.root());
    stranger.args(["doctor", "--output", "json"]);
    let ran = other.run(stranger);
    assert_eq!(verdict(&ran.code(1).json(), "rights.services"), "problem", "{ran:?}");
}

#[test]
fn the_daemons_errors_are_shown() {
    let sandbox = Sandbox::new();
    let logs = sandbox.root().join("logs");
    std::fs::create_dir_all(&logs).expect("room for a directory");
    let mut date = std::process::Command::new("date");
    date.args(["--utc", "+%Y-%m-%dT%H:%M:%S.000Z"]);
    let now = sandbox.run(date).code(0).stdout.trim().to_owned();
    std::fs::write(logs.join("svcctl.log"), format!("{now} svcctl error: failed to write the log of web\n"))
        .expect("room for a file");
    let (_, found) = report(&sandbox);
    let log = checks(&found, "daemon.log");
    assert_eq!(log[0]["verdict"], "warning");
    assert!(
        log[0]["text"].as_str().is_some_and(|text| text.contains("failed to write the log of web")),
        "{log:?}"
    );
}
