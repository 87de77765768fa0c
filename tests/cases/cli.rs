//! The command line: what is said, and the exit codes that scripts rely on.
#![forbid(unsafe_code)]

use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use svcctl_tests::processes::{is_alive, signal};
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

#[test]
fn a_command_line_that_makes_no_sense_is_exit_2() {
    let sandbox = Sandbox::new();
    sandbox.svcctl(&["start", "--flag-that-is-not"]).code(2).says("--flag-that-is-not");
    sandbox.svcctl(&["begin"]).code(2);
    sandbox.svcctl(&["start"]).code(2);
    sandbox.svcctl(&["--help"]).code(0);
    assert!(!sandbox.root().exists(), "a refused command line makes nothing");
}

#[test]
fn installing_the_same_again_changes_nothing_and_something_else_is_a_conflict() {
    let sandbox = Sandbox::new();
    let stay = sandbox.fixture().stay();
    sandbox.install("web", &["--env", "A=1"], &stay);
    sandbox.install("web", &["--env", "A=1"], &stay);
    let other = |options: &[&str]| {
        let words = [&["install", "web"], options, &["--"]].concat().into_iter().map(str::to_owned);
        sandbox.svcctl(&words.chain(stay.clone()).collect::<Vec<_>>())
    };
    other(&["--env", "A=2"]).code(8).says("env.A").says("--update");
    assert_eq!(sandbox.status("web")["spec"]["env"]["A"], "1");
    other(&["--env", "A=2", "--update"]).code(0);
    assert_eq!(sandbox.status("web")["spec"]["env"]["A"], "2");
    sandbox.svcctl(&["install", "web", "--now", "--env", "A=2", "--", &stay[0], &stay[1]]).code(0);
    other(&["--env", "A=3"]).code(8).says("env.A");
    other(&["--env", "A=3", "--update"]).code(0);
    let status = sandbox.status("web");
    assert_eq!((&status["state"], &status["outdated"]), (&"RUNNING".into(), &true.into()), "{status}");
}

#[test]
fn installing_leaves_a_service_stopped_unless_now() {
    let sandbox = Sandbox::new();
    sandbox.install("later", &[], &sandbox.fixture().stay());
    sandbox.svcctl(&["status", "later"]).code(3);
    sandbox.install("at-once", &["--now"], &sandbox.fixture().stay());
    sandbox.svcctl(&["status", "at-once"]).code(0);
    sandbox.svcctl(&["status", "later"]).code(3);
}

#[test]
fn a_service_that_is_not_there_is_exit_4() {
    let sandbox = Sandbox::new();
    sandbox.install("redis", &[], &sandbox.fixture().stay());
    for verb in ["start", "stop", "restart", "status", "uninstall", "logs"] {
        sandbox.svcctl(&[verb, "rediss"]).code(4).says("rediss");
    }
    sandbox.svcctl(&["start", "redis"]).code(0);
    for verb in ["start", "stop", "restart", "status", "uninstall", "logs"] {
        sandbox.svcctl(&[verb, "rediss"]).code(4).says("rediss");
    }
    sandbox.svcctl(&["start", "redis", "rediss"]).code(4);
}

#[test]
fn starting_what_runs_and_stopping_what_is_stopped_is_fine() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    sandbox.svcctl(&["stop", "web"]).code(0);
    sandbox.svcctl(&["start", "web"]).code(0);
    let pid = sandbox.pid("web");
    sandbox.svcctl(&["start", "web"]).code(0);
    assert_eq!(sandbox.pid("web"), pid);
    sandbox.svcctl(&["restart", "web"]).code(0);
    assert_ne!(sandbox.pid("web"), pid);
    assert!(!is_alive(pid));
    sandbox.svcctl(&["stop", "web"]).code(0);
    sandbox.svcctl(&["stop", "web"]).code(0);
}

#[test]
fn a_program_that_cannot_be_started_is_told_exactly() {
    let sandbox = Sandbox::new();
    let (missing, forbidden) = (sandbox.file("missing"), sandbox.file("forbidden"));
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    sandbox.svcctl(&["install", "missing", "--", &text(&missing)]).code(9).says(&text(&missing));
    for program in [&missing, &forbidden] {
        std::fs::write(program, "#!/bin/sh\n").expect("room for a file");
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }
    let place = sandbox.make_directory("nowhere");
    sandbox.install("missing", &[], &[text(&missing)]);
    sandbox.install("forbidden", &[], &[text(&forbidden)]);
    sandbox.install("nowhere", &["--cwd", &text(&place)], &sandbox.fixture().stay());
    sandbox.install("stranger", &["--user", "svcctl-no-such-user"], &sandbox.fixture().stay());
    std::fs::remove_file(&missing).expect("a file of ours");
    std::fs::remove_dir(&place).expect("an empty directory of ours");
    std::fs::set_permissions(&forbidden, std::fs::Permissions::from_mode(0o644)).expect("a file of ours");
    for (name, sentence) in [
        ("missing", format!("{}: no such file", missing.display())),
        ("forbidden", format!("{}: permission denied", forbidden.display())),
        ("nowhere", format!("{}: no such ", place.display())),
        ("stranger", "user svcctl-no-such-user does not exist".to_owned()),
    ] {
        sandbox.svcctl(&["start", name]).code(1).says(&sentence);
        let error = sandbox.status(name)["last_spawn_error"].clone();
        assert!(error.as_str().is_some_and(|error| error.contains(&sentence)), "{name}: {error}");
    }
}

#[test]
fn a_specification_that_is_wrong_is_exit_9_with_all_problems() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("web.yaml");
    let text =
        "spec: 1\nname: web\nexec: []\nrestart: {policy: sometimes}\nstop: {timeout: soon}\nreddy: {}\n";
    std::fs::write(&file, text).expect("room for a file");
    let ran = sandbox.svcctl(&["install", "-f", &file.to_string_lossy()]);
    ran.code(9).says("exec").says("restart.policy").says("stop.timeout").says("reddy").says("ready");
    sandbox.svcctl(&["install", "a b", "--", "/bin/true"]).code(9);
    sandbox.svcctl(&["status", "web"]).code(4);
}

#[test]
fn an_unknown_dependency_and_a_circle_are_refused() {
    let sandbox = Sandbox::new();
    let stay = sandbox.fixture().stay();
    let install = |name: &str, on: &str, update: bool| {
        let mut words = vec!["install", name, "--depends-on", on, "--", &stay[0], &stay[1]];
        if update {
            words.insert(2, "--update");
        }
        sandbox.svcctl(&words)
    };
    install("web", "nothing", false).code(9).says("nothing");
    sandbox.install("db", &[], &stay);
    install("web", "db", false).code(0);
    install("db", "web", true).code(9).says("web");
}

#[test]
fn a_needed_service_is_not_stopped_by_the_way() {
    let sandbox = Sandbox::new();
    sandbox.install("db", &[], &sandbox.fixture().stay());
    sandbox.install("web", &["--depends-on", "db"], &sandbox.fixture().stay());
    sandbox.install("shop", &["--depends-on", "web"], &sandbox.fixture().stay());
    sandbox.svcctl(&["start", "shop"]).code(0);
    sandbox.svcctl(&["stop", "db"]).code(8).says("web").says("--with-dependants").says("--force");
    assert_eq!(sandbox.status("db")["state"], "RUNNING");
    sandbox.svcctl(&["stop", "db", "--force"]).code(0);
    assert_eq!(sandbox.status("web")["state"], "RUNNING");
    sandbox.svcctl(&["start", "db"]).code(0);
    sandbox.svcctl(&["stop", "db", "--with-dependants"]).code(0);
    for name in ["db", "web", "shop"] {
        assert_eq!(sandbox.status(name)["state"], "STOPPED");
    }
}

#[test]
fn what_fails_for_good_is_shown_and_reset() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("failing.yaml");
    let fixture = sandbox.fixture().program().display().to_string();
    let text = format!(
        "spec: 1\nname: failing\nexec: [{fixture}, exit, \"3\"]\nrestart: {{delay: 1ms, limit: {{count: 2, within: 1h}}}}\n"
    );
    std::fs::write(&file, text).expect("room for a file");
    sandbox.svcctl(&["install", "-f", &file.to_string_lossy()]).code(0);
    sandbox.svcctl(&["start", "failing", "--no-wait"]).code(0);
    let status = sandbox.wait_for("failing", "is given up", |status| status["state"] == "ERROR");
    assert_eq!((&status["restarts"], &status["last_exit"]["code"]), (&2.into(), &3.into()), "{status}");
    sandbox.svcctl(&["status", "failing"]).code(1);
    sandbox.svcctl(&["reset", "failing"]).code(0);
    sandbox.svcctl(&["uninstall", "failing"]).code(0);
}

#[test]
fn a_oneshot_completes() {
    let sandbox = Sandbox::new();
    sandbox.install("good", &["--type", "oneshot"], &sandbox.fixture().exit(0));
    sandbox.svcctl(&["start", "good"]).code(0);
    assert_eq!(sandbox.status("good")["state"], "COMPLETED");
    sandbox.svcctl(&["status", "good"]).code(0);
    sandbox.install("bad", &["--type", "oneshot", "--restart", "never"], &sandbox.fixture().exit(4));
    sandbox.svcctl(&["start", "bad"]).code(1).says("code 4");
}

#[test]
fn a_start_that_takes_too_long_is_exit_6() {
    let sandbox = Sandbox::new();
    let nobody_listens = svcctl_tests::net::free_address().to_string();
    sandbox.install("slow", &["--ready-tcp", &nobody_listens], &sandbox.fixture().stay());
    sandbox.svcctl(&["start", "slow", "--timeout", "300ms"]).code(6).says("slow");
    let status = sandbox.status("slow");
    assert_eq!((&status["phase"], &status["ready"]), (&"starting".into(), &false.into()), "{status}");
}

#[test]
fn run_ends_with_the_code_of_its_program() {
    let sandbox = Sandbox::new();
    let ran = sandbox.svcctl(&["run", "--restart", "never", "--", "sh", "-c", "echo hi; exit 3"]);
    assert!(ran.code(3).stdout.contains("hi"), "{ran:?}");
    let ran = sandbox.svcctl(&["run", "--restart", "on-failure", "--", "sh", "-c", "echo done"]);
    assert!(ran.code(0).stdout.contains("done"), "{ran:?}");
}

#[test]
fn run_stops_its_program_on_ctrl_c() {
    let sandbox = Sandbox::new();
    let fixture = sandbox.fixture().show();
    let mut command = sandbox.command(&["run", "--", &fixture[0], &fixture[1]]);
    let mut run =
        command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("svcctl can be started");
    let mut lines = BufReader::new(run.stdout.take().expect("a piped output")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("that is all")), "the program's output is ours");
    signal(run.id(), Signal::INT);
    let status = wait_until(SOON, "run ends", || run.try_wait().expect("a child of ours"));
    assert_eq!(sandbox.processes().len(), 0, "{:?} after run ended with {status}", sandbox.processes());
}

#[test]
fn logs_are_shown_and_followed() {
    let sandbox = Sandbox::new();
    let counts = sandbox.make_directory("counts");
    sandbox.install("writer", &["--now"], &sandbox.fixture().lines(&counts, 1000));
    let pid = sandbox.pid("writer");
    wait_until(SOON, "some lines", || (sandbox.messages("writer").len() > 10).then_some(()));
    let raw = sandbox.svcctl(&["logs", "writer", "-n", "5", "--output", "raw"]);
    assert_eq!(raw.code(0).stdout.lines().count(), 5, "{raw:?}");
    assert!(raw.stdout.lines().all(|line| line.starts_with(&format!("{pid}."))), "{raw:?}");
    let mut follow = sandbox.command(&["logs", "writer", "-f", "-n", "1", "--output", "raw"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().expect("svcctl can be started");
    let lines = BufReader::new(follow.stdout.take().expect("a piped output")).lines().map_while(Result::ok);
    let numbers =
        lines.filter_map(|line| line.rsplit_once('.').and_then(|(_, number)| number.parse::<u64>().ok()));
    let numbers: Vec<u64> = numbers.take(50).collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "lines are lost in following: {numbers:?}"
    );
    signal(follow.id(), Signal::INT);
    wait_until(SOON, "logs -f ends", || follow.try_wait().expect("a child of ours"));
}

#[test]
fn records_say_who_wrote_them_and_when() {
    let sandbox = Sandbox::new();
    sandbox.install(
        "speaker",
        &["--now"],
        &["/bin/sh", "-c", "echo out; echo err >&2; exec sleep 1000"].map(str::to_owned),
    );
    let pid = sandbox.pid("speaker");
    let all = || {
        Some(sandbox.records("speaker"))
            .filter(|records| records.iter().any(|record| record["message"] == "err"))
    };
    let records = wait_until(SOON, "both lines", all);
    let of = |message: &str| {
        records.iter().find(|record| record["message"] == message).cloned().unwrap_or_default()
    };
    for (message, dataset) in [("out", "stdout"), ("err", "stderr")] {
        let record = of(message);
        assert_eq!(record["service.name"], "speaker", "{record}");
        assert_eq!(record["event.dataset"], dataset, "{record}");
        assert_eq!(record["process.pid"], pid, "{record}");
        assert!(record["@timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{record}");
        assert!(record["ecs.version"].is_string(), "{record}");
    }
}

#[test]
fn list_shows_all_services() {
    let sandbox = Sandbox::new();
    sandbox.install("b", &[], &sandbox.fixture().stay());
    sandbox.install("a", &["--now"], &sandbox.fixture().stay());
    let list: Value = sandbox.svcctl(&["list", "--output", "json"]).code(0).json();
    let services = list.get("services").unwrap_or(&list).as_array().cloned().unwrap_or_default();
    let seen: Vec<_> = services.iter().map(|service| (&service["name"], &service["state"])).collect();
    assert_eq!(seen, [(&"a".into(), &"RUNNING".into()), (&"b".into(), &"STOPPED".into())]);
}
