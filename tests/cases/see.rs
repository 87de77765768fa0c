//! The verbs that show: what they say of services that run, wait, fail and are not there, and what they print for
//! programs.
#![forbid(unsafe_code)]

use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use svcctl_tests::processes::{kill, signal};
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// Three services: one runs, one was given up, one is stopped.
fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    let stay = sandbox.fixture().stay();
    sandbox.install("web-1", &["--now"], &stay);
    sandbox.install("web-2", &[], &stay);
    sandbox.install("broken", &["--restart", "never"], &sandbox.fixture().exit(4));
    sandbox.svcctl(&["start", "broken", "--no-wait"]).code(0);
    sandbox.wait_for("broken", "is given up", |status| status["state"] == "ERROR");
    sandbox
}

fn names_of(answer: &Value) -> Vec<&str> {
    let services = answer.get("services").unwrap_or(answer).as_array().map_or(&[][..], Vec::as_slice);
    services.iter().filter_map(|service| service["name"].as_str()).collect()
}

#[test]
fn a_list_is_chosen_by_patterns_and_says_why() {
    let sandbox = three();
    let text = sandbox.svcctl(&["list"]).code(0).stdout.clone();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("NAME    STATE    AGE "), "{text}");
    assert!(lines[1].starts_with("broken  ERROR ") && lines[1].contains("exit 4"), "{text}");
    assert!(lines[2].starts_with("web-1   RUNNING "), "{text}");
    assert_eq!(lines.len(), 4, "{text}");
    let chosen = sandbox.svcctl(&["list", "web-*", "--output", "json"]).code(0).json();
    assert_eq!(names_of(&chosen), ["web-1", "web-2"]);
    sandbox.svcctl(&["list", "db-*"]).code(4).says("no service matches db-*");
    sandbox.svcctl(&["list", "web-3"]).code(4).says("web-3");
    let jobs = sandbox.svcctl(&["list", "--jobs"]);
    assert_eq!(jobs.code(0).stdout, "", "no service has runs");
    jobs.says("no service has a schedule or a trigger");
}

#[test]
fn an_empty_place_says_how_to_begin() {
    let sandbox = Sandbox::new();
    let list = sandbox.svcctl(&["list"]);
    assert_eq!(list.code(0).stdout, "");
    assert_eq!(list.stderr, "svcctl: no services; install one with: svcctl install NAME -- PROGRAM\n");
    assert_eq!(names_of(&sandbox.svcctl(&["list", "--output", "json"]).code(0).json()), Vec::<&str>::new());
    let status = sandbox.svcctl(&["status"]);
    let said = &status.code(0).stdout;
    assert!(said.contains("no services; install one with:"), "{said}");
    assert!(said.contains("no daemon runs; start it with: svcctl daemon --background"), "{said}");
}

#[test]
fn the_summary_names_what_is_not_well_and_fails_then() {
    let sandbox = three();
    let summary = sandbox.svcctl(&["status"]);
    let said = &summary.code(1).stdout;
    assert!(said.starts_with("3 services: 1 RUNNING, 1 ERROR, 1 STOPPED\n"), "{said}");
    assert!(said.contains("the daemon runs as pid ") && said.contains("broken  ERROR  exit 4"), "{said}");
    let json = sandbox.svcctl(&["status", "--output", "json"]).code(1).json();
    assert_eq!((&json["total"], &json["states"]["ERROR"]), (&3.into(), &1.into()), "{json}");
    assert_eq!(json["not_well"][0]["name"], "broken", "{json}");
    assert!(json["daemon"]["pid"].is_u64(), "{json}");
    sandbox.svcctl(&["uninstall", "broken"]).code(0);
    let said = sandbox.svcctl(&["status"]).code(0).stdout.clone();
    assert!(said.starts_with("2 services: 1 RUNNING, 1 STOPPED\n"), "{said}");
    sandbox.stop_daemon();
    let said = sandbox.svcctl(&["status"]).code(0).stdout.clone();
    assert!(said.starts_with("2 services: 2 STOPPED\nno daemon runs;"), "{said}");
}

#[test]
fn a_screen_tells_of_a_crash() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let first = sandbox.pid("web");
    kill(first);
    sandbox.wait_for("web", "is restarted", |status| {
        status["state"] == "RUNNING" && status["pid"] != first && status["restarts"] == 1
    });
    let pid = sandbox.pid("web");
    let ran = sandbox.svcctl(&["status", "web"]);
    let said = &ran.code(0).stdout;
    for part in [
        "web\n      state: RUNNING since ".to_owned(),
        "\n     wanted: up, starts at boot\n".to_owned(),
        format!("\n        pid: {pid}, for "),
        "\n      ready: yes\n".to_owned(),
        "\n   restarts: 1; last exit: killed by SIGKILL, ".to_owned(),
        "svcctl | killed by SIGKILL".to_owned(),
    ] {
        assert!(said.contains(&part), "{part} is not in:\n{said}");
    }
    assert!(said.lines().count() <= 24, "{said}");
    let bare = sandbox.svcctl(&["status", "web", "--no-logs", "--no-events"]).code(0).stdout.clone();
    assert!(!bare.contains("svcctl | "), "{bare}");
    let one = sandbox.svcctl(&["status", "web", "-n", "1", "--no-events"]).code(0).stdout.clone();
    assert_eq!(one.matches(" svcctl | ").count() + one.matches(" stdout | ").count(), 1, "{one}");
}

#[test]
fn several_have_a_few_lines_each_and_the_worst_decides() {
    let sandbox = three();
    let all = sandbox.svcctl(&["status", "--all"]);
    let said = &all.code(1).stdout;
    for begin in ["broken: ERROR since ", "web-1: RUNNING since ", "web-2: STOPPED since "] {
        assert!(said.lines().any(|line| line.starts_with(begin)), "{begin} is not in:\n{said}");
    }
    assert!(!said.contains(" svcctl | "), "{said}");
    sandbox.svcctl(&["status", "web-*"]).code(3);
    let several = sandbox.svcctl(&["status", "web-*", "--output", "json"]).code(3).json();
    assert_eq!(names_of(&several), ["web-1", "web-2"]);
    let one = sandbox.svcctl(&["status", "web-1", "--output", "json"]).code(0).json();
    assert_eq!(one["name"], "web-1");
}

#[test]
fn a_specification_is_shown_in_each_format_with_a_daemon_and_without() {
    let sandbox = Sandbox::new();
    let stay = sandbox.fixture().stay();
    sandbox.install("web", &["--env", "A=1"], &stay);
    let shown = |words: &[&str]| sandbox.svcctl(&[&["show", "web"], words].concat()).code(0).stdout.clone();
    let look = || {
        let yaml = shown(&[]);
        assert!(yaml.starts_with("spec: 1\nname: web\nexec:\n"), "{yaml}");
        let json: Value = serde_json::from_str(&shown(&["--output", "json"])).expect("JSON");
        assert_eq!((&json["name"], &json["env"]["A"]), (&"web".into(), &"1".into()), "{json}");
        assert_eq!(json.get("autostart"), None, "what equals a default is left out: {json}");
        let full: Value = serde_json::from_str(&shown(&["--all-keys", "--output", "json"])).expect("JSON");
        assert_eq!((&full["autostart"], &full["type"]), (&true.into(), &"simple".into()), "{full}");
        assert!(shown(&["--output", "toml"]).contains("[env]\nA = \"1\"\n"));
        // What is shown can be installed: it is the same.
        let file = sandbox.file("web.yaml");
        std::fs::write(&file, &yaml).expect("room for a file");
        sandbox.svcctl(&["install", "-f", &file.to_string_lossy()]).code(0);
        std::fs::write(&file, shown(&["--all-keys"])).expect("room for a file");
        sandbox.svcctl(&["install", "-f", &file.to_string_lossy()]).code(0);
    };
    look();
    sandbox.svcctl(&["start", "web"]).code(0);
    look();
    sandbox.install("db", &[], &stay);
    let both = sandbox.svcctl(&["show", "--all"]).code(0).stdout.clone();
    assert_eq!(both.matches("---\n").count(), 1, "{both}");
    sandbox.svcctl(&["show", "--all", "--output", "toml"]).code(2).says("one specification");
    sandbox.svcctl(&["show", "wbe"]).code(4).says("wbe");
}

#[test]
fn the_file_is_shown_as_it_stands() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    let path = sandbox.root().join("services/web.yaml");
    let text = format!("# by hand\n{}", std::fs::read_to_string(&path).expect("a file of services/"));
    std::fs::write(&path, &text).expect("a file of ours");
    assert_eq!(sandbox.svcctl(&["show", "web", "--file"]).code(0).stdout, text);
    sandbox.svcctl(&["start", "web"]).code(0);
    assert_eq!(sandbox.svcctl(&["show", "web", "--file"]).code(0).stdout, text);
}

#[test]
fn the_schema_is_one_and_a_specification_is_checked_by_it() {
    let sandbox = Sandbox::new();
    let schema = sandbox.svcctl(&["schema"]).code(0).json();
    assert!(schema["$schema"].is_string() && schema["properties"]["exec"].is_object(), "{schema}");
    let yaml = sandbox.svcctl(&["schema", "--output", "yaml"]).code(0).stdout.clone();
    assert!(yaml.contains("properties:\n"), "{yaml}");
    assert!(!sandbox.root().exists(), "a schema needs no place");
}

#[test]
fn logs_of_several_are_in_the_order_of_their_times() {
    let sandbox = Sandbox::new();
    let turn = |own: &str, other: &str| {
        let script = format!(
            "for n in 1 2 3; do until [ $(cat turn) = {own} ]; do :; done; echo $n; echo {other} > {own}.next; mv {own}.next turn; done"
        );
        ["/bin/sh".to_owned(), "-c".to_owned(), script]
    };
    let place = sandbox.make_directory("turns");
    std::fs::write(place.join("turn"), "a").expect("room for a file");
    let place = place.to_string_lossy().into_owned();
    for (own, other) in [("a", "bb"), ("bb", "a")] {
        let options = ["--cwd", &place, "--type", "oneshot"];
        sandbox.install(own, &options, &turn(own, other));
    }
    sandbox.svcctl(&["start", "--all", "--no-wait"]).code(0);
    for name in ["a", "bb"] {
        wait_until(SOON, "three lines", || (sandbox.messages(name).len() == 3).then_some(()));
    }
    let text = sandbox.svcctl(&["logs", "a", "bb"]).code(0).stdout.clone();
    let told: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" stdout | "))
        .filter_map(|line| line.split_once(' '))
        .map(|line| line.1)
        .collect();
    let expected = [
        "a  stdout | 1",
        "bb stdout | 1",
        "a  stdout | 2",
        "bb stdout | 2",
        "a  stdout | 3",
        "bb stdout | 3",
    ];
    assert_eq!(told, expected, "{text}");
    let raw = sandbox.svcctl(&["logs", "--all", "--output", "raw"]).code(0).stdout.clone();
    assert_eq!(raw, "1\n1\n2\n2\n3\n3\n");
    let yaml = sandbox.svcctl(&["logs", "a", "--output", "yaml", "-n", "1"]).code(0).stdout.clone();
    assert!(yaml.starts_with("---\n") && yaml.contains("service.name: a\n"), "{yaml}");
}

#[test]
fn events_are_read_without_a_daemon_and_followed_only_with_one() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.svcctl(&["events"]).code(0).stdout, "");
    sandbox.svcctl(&["events", "web"]).code(4).says("web");
    sandbox.svcctl(&["diff"]).code(0);
    sandbox.svcctl(&["hold", "web"]).code(4).says("web");
    assert!(!sandbox.root().exists(), "looking makes nothing");
    sandbox.svcctl(&["events", "--since", "soon"]).code(2).says("--since");
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    sandbox.install("db", &["--now"], &sandbox.fixture().stay());
    sandbox.stop_daemon();
    let all = sandbox.svcctl(&["events", "-n", "all", "--output", "json"]).code(0).stdout.clone();
    for service in ["\"service\":\"web\"", "\"service\":\"db\""] {
        assert!(all.contains(service), "{all}");
    }
    let web = sandbox.svcctl(&["events", "web", "-n", "2", "--output", "json"]).code(0).stdout.clone();
    assert!(web.lines().count() == 2 && !web.contains("\"service\":\"db\""), "{web}");
    assert_eq!(sandbox.svcctl(&["events", "--since", "2100-01-01"]).code(0).stdout, "");
    let follow = sandbox.svcctl(&["events", "web", "-f", "-n", "2", "--output", "json"]);
    assert_eq!(follow.code(10).says("svcctl daemon --background").stdout, web);
}

#[test]
fn events_are_shown_since_then_and_followed_over_the_death_of_the_engine() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &["--now"], &sandbox.fixture().stay());
    let events = sandbox.svcctl(&["events", "web", "--output", "json"]).code(0).stdout.clone();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(events.iter().any(|event| event["state"] == "RUNNING"), "{events:?}");
    assert!(events.iter().all(|event| event["service"] == "web"), "{events:?}");
    assert_eq!(sandbox.svcctl(&["events", "web", "-n", "1"]).code(0).stdout.lines().count(), 1);
    assert_eq!(sandbox.svcctl(&["events", "--since", "2100-01-01"]).code(0).stdout, "");
    let mut follow = sandbox.command(&["events", "web", "-f", "-n", "1", "--output", "json"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().expect("svcctl can be started");
    let mut lines =
        BufReader::new(follow.stdout.take().expect("a piped output")).lines().map_while(Result::ok);
    assert!(lines.next().is_some(), "it follows once it has told the last event");
    let first = sandbox.pid("web");
    kill(first);
    let running = |line: &String| line.contains("\"state\":\"RUNNING\"");
    assert!(lines.by_ref().any(|line| running(&line)), "the restart is told");
    sandbox.kill_engine();
    sandbox.svcctl(&["restart", "web"]).code(0);
    assert!(lines.any(|line| running(&line)), "the next engine's events are told");
    signal(follow.id(), Signal::INT);
    wait_until(SOON, "events -f ends", || follow.try_wait().expect("a child of ours"));
}
