//! Questions about services, and what a program gets from files, with real programs under a real keeper.
#![forbid(unsafe_code)]

#[path = "shared/client.rs"]
mod client;

use client::{install, sh, text};
use serde_json::json;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

#[test]
fn readiness_by_a_program_waits_for_it_and_says_what_it_said() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let flag = place.join("ready");
    let probe = format!(
        "test -e {} || {{ echo not there yet; echo asked $SVCCTL_PROBE of $SVCCTL_SERVICE >&2; exit 3; }}",
        text(&flag)
    );
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(),
            "ready": {"exec": sh(&probe), "interval": "20ms", "timeout": "5s"},
        }),
    );
    sandbox.svcctl(&["start", "web", "--no-wait"]).code(0);
    let status =
        sandbox.wait_for("web", "tells why it is not ready", |status| !status["last_probe_error"].is_null());
    let why = status["last_probe_error"].as_str().expect("a text").to_owned();
    assert!(why.starts_with("/bin/sh exited with code 3; it said: "), "{why}");
    assert!(why.ends_with("not there yet") || why.ends_with("asked ready of web"), "{why}");
    std::fs::write(&flag, "").expect("room for a file");
    sandbox.wait_for("web", "is ready", |status| status["state"] == "RUNNING");
    assert!(sandbox.messages("web").iter().all(|line| !line.contains("asked")), "a probe writes to the log");
}

#[test]
fn a_probe_that_hangs_is_killed_with_all_that_it_started_and_so_is_what_a_dead_engine_left() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let pids = place.join("pids");
    // The fixture's tree ignores TERM and begins sessions of its own.
    let mut probe = sandbox.fixture().tree(&pids);
    let probing = |timeout: &str, probe: &[String]| {
        json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(), "start": {"timeout": "1h"},
            "ready": {"exec": probe, "interval": "1h", "timeout": timeout},
        })
    };
    install(&sandbox, &probing("300ms", &probe));
    sandbox.svcctl(&["start", "web", "--no-wait"]).code(0);
    let status = sandbox.wait_for("web", "tells of the time", |status| !status["last_probe_error"].is_null());
    let why = status["last_probe_error"].as_str().expect("a text");
    assert!(why.contains(" took longer than 300 ms"), "{why}");
    let main = sandbox.pid("web");
    let others = || {
        let all = sandbox.processes().into_iter();
        all.filter(|process| {
            process.pid != main
                && std::fs::read_to_string(format!("/proc/{}/cmdline", process.pid))
                    .is_ok_and(|line| line.contains("tree") || line.contains("stay\0"))
        })
        .filter(|process| process.pid != main)
        .collect::<Vec<_>>()
    };
    wait_until(SOON, "nothing of the probe is left", || others().is_empty().then_some(()));
    sandbox.svcctl(&["stop", "web"]).code(0);
    // The same, with the engine dying in the middle of it.
    std::fs::remove_file(&pids).expect("the tree's file");
    let again = place.join("again");
    probe = sandbox.fixture().tree(&again);
    install(&sandbox, &probing("1h", &probe));
    sandbox.svcctl(&["start", "web", "--no-wait"]).code(0);
    wait_until(SOON, "the tree is whole", || {
        let entered = std::fs::read_to_string(&again).unwrap_or_default();
        (entered.lines().count() >= 6).then_some(())
    });
    let main = sandbox.pid("web");
    let old: Vec<u32> = std::fs::read_to_string(&again)
        .expect("the tree's file")
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    sandbox.kill_engine();
    assert_eq!(sandbox.pid("web"), main, "the service itself goes on");
    wait_until(SOON, "the old probe's processes are gone", || {
        old.iter().all(|pid| !svcctl_tests::processes::is_alive(*pid)).then_some(())
    });
    sandbox.svcctl(&["stop", "web"]).code(0);
}

#[test]
fn readiness_by_a_line_outlives_the_engine() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let go = place.join("go");
    let script = format!(
        "echo listening on port 80; while ! test -e {}; do sleep 0.05; done; echo now >&2; exec sleep 1000",
        text(&go)
    );
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "early", "exec": sh("echo listening on port 80; exec sleep 1000"),
            "ready": {"log": "^listening on port \\d+$"},
        }),
    );
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "late", "exec": sh(&script), "start": {"timeout": "1h"},
            "ready": {"log": "^now$"},
        }),
    );
    sandbox.svcctl(&["start", "early"]).code(0);
    sandbox.svcctl(&["start", "late", "--no-wait"]).code(0);
    let status =
        sandbox.wait_for("late", "says what is missing", |status| !status["last_probe_error"].is_null());
    assert_eq!(status["last_probe_error"], "no line of its output has matched ^now$ so far");
    sandbox.kill_engine();
    assert_eq!(sandbox.status("late")["state"], "STARTING");
    std::fs::write(&go, "").expect("room for a file");
    sandbox.wait_for("late", "is ready", |status| status["state"] == "RUNNING");
    sandbox.svcctl(&["stop", "early", "late"]).code(0);
}

#[test]
fn a_program_gets_what_files_and_placeholders_say_with_its_umask_and_limits() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let (env_file, secret) = (place.join("web.env"), place.join("token"));
    std::fs::write(&secret, "t0p\n").expect("room for a file");
    let script = "echo $GREETING from $PWD with $TOKEN and $0; umask; ulimit -n";
    let document = json!({
        "spec": 1, "name": "web", "exec": ["/bin/sh", "-c", script.replace('$', "$$"), "${NAME:-nobody}"],
        "env_file": [text(&env_file)], "env": {"TOKEN": format!("<${{file:{}}}>", text(&secret))},
        "cwd": text(&place), "umask": "0027", "limits": {"open_files": 77}, "type": "oneshot",
        "restart": {"policy": "never"},
    });
    install(&sandbox, &document);
    let refused = sandbox.svcctl(&["start", "web"]).code(1).stderr.clone();
    let said = format!("env_file {} does not exist; create it, or mark it as optional", text(&env_file));
    assert!(refused.contains(&said), "{refused}");
    assert!(!refused.contains("t0p"), "{refused}");
    std::fs::write(&env_file, "# for the shop\nexport GREETING='good day'\nNAME=\"ann\"\n")
        .expect("room for a file");
    sandbox.svcctl(&["start", "web"]).code(0);
    let lines = sandbox.messages("web");
    assert_eq!(
        lines,
        [format!("good day from {} with <t0p> and ann", text(&place)), "0027".into(), "77".into()]
    );
    assert!(!sandbox.svcctl(&["status", "web", "--output", "json"]).stdout.contains("t0p"));
    // What is no file is refused at once, and one service's trouble is nobody else's.
    std::fs::remove_file(&env_file).expect("the file");
    rustix::fs::mknodat(rustix::fs::CWD, &env_file, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("a pipe");
    let refused = sandbox.svcctl(&["restart", "web"]).code(1).stderr.clone();
    assert!(refused.contains("cannot be read: it is no regular file"), "{refused}");
}
