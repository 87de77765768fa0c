//! Programs that are run around a service: before and after it, to reload and to stop it; and what makes one run.
#![forbid(unsafe_code)]

#[path = "shared/client.rs"]
mod client;

use client::{install, sh, text};
use serde_json::{Value, json};
use svcctl_tests::processes::is_alive;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// The messages of hooks in a service's log, each after its hook's name.
fn of_hooks(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let records = sandbox.records(name).into_iter();
    let told = records.filter_map(|record| {
        let hook = record["labels"]["hook"].as_str().or_else(|| record["hook"].as_str())?.to_owned();
        Some(format!("{hook} {}", record["message"].as_str()?))
    });
    told.collect()
}

#[test]
fn hooks_run_in_their_order_and_know_what_they_are_for() {
    let sandbox = Sandbox::new();
    let say = "echo $$SVCCTL_SERVICE $$SVCCTL_HOOK pid $${SVCCTL_PID:+known} code $${SVCCTL_EXIT_CODE:-none} signal $${SVCCTL_EXIT_SIGNAL:-none} $$COLOUR";
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(), "env": {"COLOUR": "blue"},
            "hooks": {
                "before_start": [{"exec": sh(say)}, {"exec": sh("echo second; echo loud >&2")}],
                "after_start": [{"exec": sh(say)}], "before_stop": [{"exec": sh(say)}], "after_exit": [{"exec": sh(say)}],
            },
        }),
    );
    sandbox.svcctl(&["start", "web"]).code(0);
    wait_until(SOON, "the hook after the start", || {
        of_hooks(&sandbox, "web").iter().any(|line| line.starts_with("after_start")).then_some(())
    });
    sandbox.svcctl(&["stop", "web"]).code(0);
    let mut lines = of_hooks(&sandbox, "web");
    // The two streams of one program have no order.
    lines[1..3].sort_unstable();
    assert_eq!(
        lines,
        [
            "before_start web before_start pid code none signal none blue",
            "before_start loud",
            "before_start second",
            "after_start web after_start pid known code none signal none blue",
            "before_stop web before_stop pid known code none signal none blue",
            "after_exit web after_exit pid code none signal SIGTERM blue",
        ]
    );
}

#[test]
fn a_hook_that_fails_before_the_start_is_a_failed_start_with_its_last_words() {
    let sandbox = Sandbox::new();
    let failing = json!({
        "spec": 1, "name": "web", "exec": sandbox.fixture().stay(), "restart": {"policy": "never"},
        "hooks": {"before_start": [{"exec": sh("echo migrating; echo no database at all; exit 7")}]},
    });
    install(&sandbox, &failing);
    let refused = sandbox.svcctl(&["start", "web"]).code(1).stderr.clone();
    assert!(
        refused.contains("before_start hook exited with code 7; it said: no database at all"),
        "{refused}"
    );
    assert!(
        sandbox.processes().iter().all(|process| !process.command.contains("fixture")),
        "the service was started"
    );
}

#[test]
fn a_hook_that_takes_too_long_is_killed_with_all_that_it_started() {
    let sandbox = Sandbox::new();
    let pids = sandbox.make_directory("place").join("pids");
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(), "restart": {"policy": "never"},
            "hooks": {"before_start": [{"exec": sandbox.fixture().tree(&pids), "timeout": "500ms"}]},
        }),
    );
    let refused = sandbox.svcctl(&["start", "web"]).code(1).stderr.clone();
    assert!(refused.contains("before_start hook took longer than 500 ms"), "{refused}");
    all_gone(&std::fs::read_to_string(&pids).expect("the tree's file"));
}

fn all_gone(pids: &str) {
    for pid in pids.lines().filter_map(|line| line.trim().parse().ok()) {
        wait_until(SOON, "the hook's processes are gone", || (!is_alive(pid)).then_some(()));
    }
}

#[test]
fn what_a_hook_leaves_in_the_background_does_not_outlive_it() {
    let sandbox = Sandbox::new();
    let pid_file = sandbox.make_directory("place").join("pid");
    let script = format!("sleep 1000 & echo $! > {}", text(&pid_file));
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(),
            "hooks": {"before_start": [{"exec": sh(&script)}]},
        }),
    );
    sandbox.svcctl(&["start", "web"]).code(0);
    all_gone(&std::fs::read_to_string(&pid_file).expect("the hook's file"));
    sandbox.svcctl(&["stop", "web"]).code(0);
}

#[test]
fn an_engine_that_dies_during_a_hook_leaves_nothing_of_it_and_the_next_one_goes_on() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let (runs, go) = (place.join("runs"), place.join("go"));
    let script = format!("echo $$$$ >> {}; while ! test -e {}; do sleep 0.05; done", text(&runs), text(&go));
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(), "start": {"timeout": "1h"},
            "hooks": {"before_start": [{"exec": sh(&script), "timeout": "1h"}]},
        }),
    );
    sandbox.svcctl(&["start", "web", "--no-wait"]).code(0);
    let pids = |count| {
        wait_until(SOON, "the hook runs", || {
            let text = std::fs::read_to_string(&runs).unwrap_or_default();
            (text.lines().count() >= count && text.ends_with('\n')).then_some(text)
        })
    };
    let first = pids(1);
    sandbox.kill_engine();
    let both = pids(2);
    all_gone(&first);
    std::fs::write(&go, "").expect("room for a file");
    sandbox.wait_for("web", "runs", |status| status["state"] == "RUNNING");
    assert_eq!(both.lines().count(), 2);
    sandbox.svcctl(&["stop", "web"]).code(0);
}

#[test]
fn a_changed_file_reloads_by_a_command_that_knows_the_process() {
    let sandbox = Sandbox::new();
    let conf = sandbox.make_directory("place").join("web.conf");
    std::fs::write(&conf, "1").expect("room for a file");
    let script = "trap 'echo reloaded' HUP; echo ready; while :; do sleep 0.05; done";
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sh(script), "ready": {"log": "^ready$"},
            "reload": {"command": ["kill", "-HUP", "${SVCCTL_PID}"], "watch": [text(&conf)]},
        }),
    );
    sandbox.svcctl(&["start", "web"]).code(0);
    let pid = sandbox.pid("web");
    let mut content = 1;
    wait_until(SOON, "the program has reloaded", || {
        content += 1;
        std::fs::write(&conf, content.to_string()).expect("room for a file");
        sandbox.messages("web").contains(&"reloaded".to_owned()).then_some(())
    });
    assert_eq!(sandbox.pid("web"), pid);
    sandbox.svcctl(&["stop", "web"]).code(0);
}

#[test]
fn a_service_is_stopped_by_its_command() {
    let sandbox = Sandbox::new();
    let flag = sandbox.make_directory("place").join("end");
    let script =
        format!("trap '' TERM; while ! test -e {}; do sleep 0.02; done; echo told to end", text(&flag));
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sh(&script),
            "stop": {"timeout": "20s", "steps": [{"command": ["touch", text(&flag)]}, {"kill": "tree"}]},
        }),
    );
    sandbox.svcctl(&["start", "web"]).code(0);
    sandbox.svcctl(&["stop", "web"]).code(0);
    assert_eq!(sandbox.messages("web"), ["told to end"]);
}

#[test]
fn failing_liveness_restarts_and_conditions_hold_back_a_start() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let (sick, go) = (place.join("sick"), place.join("go"));
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "web", "exec": sandbox.fixture().stay(),
            "start": {"when": [{"exists": text(&go), "interval": "50ms"}]},
            "health": {"liveness": {"exec": sh(&format!("! test -e {}", text(&sick))), "interval": "50ms", "fail_after": 2}},
        }),
    );
    sandbox.svcctl(&["start", "web", "--no-wait"]).code(0);
    sandbox.wait_for("web", "waits for its condition", |status| status["phase"] == "waiting");
    std::fs::write(&go, "").expect("room for a file");
    let status = sandbox.wait_for("web", "runs", |status| status["state"] == "RUNNING");
    let pid = status["pid"].clone();
    std::fs::write(&sick, "").expect("room for a file");
    let another =
        |status: &Value| status["state"] == "RUNNING" && status["pid"].is_u64() && status["pid"] != pid;
    sandbox.wait_for("web", "was restarted", another);
    sandbox.svcctl(&["stop", "web"]).code(0);
}

#[test]
fn a_new_file_and_a_condition_make_jobs_run() {
    let sandbox = Sandbox::new();
    let place = sandbox.make_directory("place");
    let inbox = sandbox.make_directory("in");
    let flag = place.join("flag");
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "by-file", "exec": sh("echo ran"), "type": "oneshot",
            "trigger": {"path": text(&inbox), "on": ["create"]},
        }),
    );
    let run_on = format!("test -e {} && rm {}", text(&flag), text(&flag));
    install(
        &sandbox,
        &json!({
            "spec": 1, "name": "by-question", "exec": sh("echo ran"), "type": "oneshot",
            "trigger": {"condition": {"exec": sh(&run_on)}, "every": "1s"},
        }),
    );
    sandbox.svcctl(&["start", "by-file", "by-question", "--no-wait"]).code(0);
    std::fs::write(&flag, "").expect("room for a file");
    let mut number = 0;
    wait_until(SOON, "a file makes the job run", || {
        number += 1;
        std::fs::write(inbox.join(number.to_string()), "").expect("room for a file");
        (!sandbox.messages("by-file").is_empty()).then_some(())
    });
    wait_until(SOON, "the answer makes the job run", || {
        (!sandbox.messages("by-question").is_empty()).then_some(())
    });
    assert_eq!(sandbox.messages("by-question"), ["ran"]);
}
