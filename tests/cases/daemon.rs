//! The daemon: how it begins and ends, who may have a second one, where it may live.
#![forbid(unsafe_code)]

use std::process::Stdio;
use svcctl_tests::processes::{is_alive, kill};
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// A user without rights and without an account.
const UNPRIVILEGED: u32 = 54_321;

fn daemon_pid(sandbox: &Sandbox) -> u32 {
    let daemon = sandbox.daemon();
    daemon["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a daemon has a pid")
}

#[test]
fn without_a_daemon_there_is_nothing_to_stop() {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["daemon", "status"]).code(10);
    sandbox.svcctl(&["daemon", "stop"]).code(10);
    sandbox.install("web", &[], &sandbox.fixture().stay());
    sandbox.svcctl(&["status", "web"]).code(3);
    sandbox.svcctl(&["list"]).code(0);
    sandbox.svcctl(&["stop", "web"]).code(0);
    sandbox.svcctl(&["daemon", "status"]).code(10);
    sandbox.svcctl(&["uninstall", "web"]).code(0);
    sandbox.svcctl(&["status", "web"]).code(4);
    assert!(sandbox.processes().is_empty(), "{:?}", sandbox.processes());
}

#[test]
fn the_daemon_goes_into_the_background_and_ends_with_its_services() {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    let daemon = daemon_pid(&sandbox);
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let web = sandbox.pid("web");
    sandbox.svcctl(&["daemon", "stop"]).code(0);
    assert!(!is_alive(web));
    wait_until(SOON, "the daemon is gone", || (!is_alive(daemon)).then_some(()));
    sandbox.svcctl(&["daemon", "status"]).code(10);
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    sandbox.wait_for("web", "is started with the next daemon", |status| status["state"] == "RUNNING");
}

#[test]
fn a_second_daemon_is_refused_and_the_first_one_named() {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    let pid = daemon_pid(&sandbox);
    sandbox.svcctl(&["daemon"]).code(8).says(&pid.to_string());
    sandbox.svcctl(&["daemon", "--background"]).code(8).says(&pid.to_string());
    assert_eq!(daemon_pid(&sandbox), pid);
}

#[test]
fn the_daemon_in_the_foreground_ends_with_term() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["daemon"]);
    let mut daemon =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("svcctl can be started");
    wait_until(SOON, "it serves", || (sandbox.svcctl(&["daemon", "status"]).code == Some(0)).then_some(()));
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let web = sandbox.pid("web");
    svcctl_tests::processes::signal(daemon.id(), rustix::process::Signal::TERM);
    let status = wait_until(SOON, "it ends", || daemon.try_wait().expect("a child of ours"));
    assert_eq!(status.code(), Some(0));
    assert!(!is_alive(web));
}

#[test]
fn services_stay_for_the_next_daemon_when_asked_to() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let web = sandbox.pid("web");
    sandbox.svcctl(&["daemon", "stop", "--keep-services"]).code(0);
    assert!(is_alive(web));
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    assert_eq!(sandbox.pid("web"), web);
    kill(web);
    sandbox.wait_for("web", "is kept alive", |status| status["state"] == "RUNNING" && status["pid"] != web);
}

#[test]
fn what_was_wanted_outlives_the_daemon() {
    let sandbox = Sandbox::new();
    sandbox.install("up", &["--now"], &sandbox.fixture().stay());
    sandbox.install("down", &["--now"], &sandbox.fixture().stay());
    sandbox.svcctl(&["stop", "down"]).code(0);
    sandbox.svcctl(&["daemon", "stop"]).code(0);
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    sandbox.wait_for("up", "runs again", |status| status["state"] == "RUNNING");
    assert_eq!(sandbox.status("down")["state"], "STOPPED");
}

#[test]
fn a_long_root_is_no_obstacle() {
    let sandbox = Sandbox::new().with_root(&"a-rather-long-name-of-a-directory/".repeat(5));
    assert!(sandbox.root().as_os_str().len() > 150, "longer than a socket's path may be");
    std::fs::create_dir_all(sandbox.root()).expect("room for directories");
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    sandbox.svcctl(&["status", "web"]).code(0);
    let web = sandbox.pid("web");
    sandbox.kill_engine();
    assert_eq!(sandbox.pid("web"), web);
}

#[test]
fn a_user_without_rights_has_services_too() {
    let sandbox = Sandbox::new().as_user(UNPRIVILEGED);
    let counts = sandbox.make_directory("counts");
    sandbox.install("writer", &["--now"], &sandbox.fixture().lines(&counts, 1000));
    let pid = sandbox.pid("writer");
    let uid = svcctl_tests::processes::status_field(pid, "Uid");
    assert_eq!(uid, Some(UNPRIVILEGED.to_string()));
    wait_until(SOON, "its lines", || (sandbox.messages("writer").len() > 5).then_some(()));
    kill(pid);
    sandbox.wait_for("writer", "is back", |status| status["state"] == "RUNNING" && status["pid"] != pid);
    sandbox.install("other", &["--user", "nobody"], &sandbox.fixture().stay());
    sandbox.svcctl(&["start", "other"]).code(1);
    sandbox.svcctl(&["uninstall", "other"]).code(0);
}

#[test]
fn two_roots_do_not_disturb_each_other() {
    let (one, two) = (Sandbox::new(), Sandbox::new());
    one.install("web", &["--now"], &one.fixture().stay());
    two.install("web", &["--now"], &two.fixture().stay());
    let pids = (one.pid("web"), two.pid("web"));
    one.svcctl(&["daemon", "stop"]).code(0);
    assert!(!is_alive(pids.0));
    assert_eq!(two.pid("web"), pids.1);
    assert!(is_alive(pids.1));
}
