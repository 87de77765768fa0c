//! What people see of services, word for word.

use super::{Details, Look, Service, Style, Summary, Timestamp, block, brief, jobs, list, screen};
use serde_json::{Value, json};

fn now() -> Timestamp {
    "2026-11-23T05:35:10Z".parse().unwrap()
}

fn plain() -> Look {
    Look { now: now(), style: Style::Plain, room: None }
}

/// A running service, with `changes`.
pub(crate) fn sample(changes: &Value) -> Service {
    let mut base = json!({"name": "web", "state": "RUNNING", "phase": "running", "why": "it is ready", "desired": "up",
        "ready": true, "since": "2026-11-23T05:33:05Z", "pid": 123, "started": "2026-11-23T05:33:04Z", "restarts": 2,
        "last_exit": {"text": "killed by SIGKILL", "code": null, "signal": 9, "at": "2026-11-23T05:33:04Z"},
        "last_spawn_error": null, "last_probe_error": null, "next_attempt_ms": null, "waiting_for": [], "stuck": [],
        "manager": "embedded", "engine": "daemon", "revision": 1, "outdated": false, "pending": false,
        "autostart": true, "health": "unknown", "health_error": null, "held": null, "job": null,
        "spec": {"exec": ["/opt/web/server", "--port", "8080"], "description": "Serves the shop"}});
    for (key, value) in changes.as_object().unwrap() {
        base[key] = value.clone();
    }
    serde_json::from_value(base).unwrap()
}

fn backoff() -> Service {
    sample(
        &json!({"name": "a-worker", "state": "STARTING", "phase": "backoff", "ready": false, "pid": null, "started": null,
        "why": "exited with code 1; restart 3 in 4 s", "next_attempt_ms": 3900, "restarts": 3,
        "last_exit": {"text": "exited with code 1", "code": 1, "signal": null, "at": "2026-11-23T05:35:08Z"}}),
    )
}

fn waiting() -> Service {
    sample(&json!({"name": "api", "state": "STARTING", "phase": "waiting", "pid": null, "started": null,
        "why": "waits for db, which is not ready", "waiting_for": ["db is not ready"], "restarts": 0,
        "last_exit": null, "ready": false}))
}

fn failed() -> Service {
    sample(
        &json!({"name": "importer", "state": "ERROR", "phase": "failed", "pid": null, "started": null, "restarts": 0,
        "why": "exited with code 78, which is never restarted", "ready": false, "since": "2026-11-23T05:30:00Z",
        "last_exit": {"text": "exited with code 78", "code": 78, "signal": null, "at": "2026-11-23T05:30:00Z"}}),
    )
}

fn scheduled() -> Service {
    sample(
        &json!({"name": "backup", "state": "SCHEDULED", "phase": "scheduled", "pid": null, "started": null,
        "why": "exited with code 0", "restarts": 0, "ready": false, "since": "2026-11-23T01:31:00Z",
        "last_exit": {"text": "exited with code 0", "code": 0, "signal": null, "at": "2026-11-23T01:31:00Z"},
        "job": {"when": "30 2 * * * (Europe/Prague)", "next": "2026-11-24T01:30:00Z", "runs": 12, "failures": 1,
            "skipped": 0, "missed": 2, "queued": false, "last": {"cause": "schedule", "started": "2026-11-23T01:30:00Z",
            "ended": "2026-11-23T01:31:00Z", "succeeded": true, "result": "exited with code 0"}},
        "spec": {"exec": ["/bin/backup"], "schedule": {"cron": "30 2 * * *", "timezone": "Europe/Prague"}}}),
    )
}

fn held() -> Service {
    sample(
        &json!({"name": "shop", "state": "STOPPED", "phase": "stopped", "pid": null, "started": null, "restarts": 0,
        "why": "stopped by command", "last_exit": null, "ready": false,
        "held": {"reason": "the disk is being replaced", "since": "2026-11-23T05:33:05Z"}}),
    )
}

#[test]
fn a_list_says_why_and_what_comes_next() {
    let services = [
        backoff(),
        waiting(),
        scheduled(),
        failed(),
        held(),
        sample(&json!({})),
        sample(
            &json!({"name": "web-2", "restarts": 0, "last_exit": null, "outdated": true, "pending": true}),
        ),
        sample(&json!({"name": "web-3", "health": "unhealthy", "health_error": "HTTP status \u{1b}500"})),
        sample(&json!({"name": "web-4", "state": "STARTING", "phase": "starting", "ready": false,
            "last_probe_error": "connection refused"})),
        sample(&json!({"name": "web-5", "state": "STOPPING", "phase": "stopping", "stuck": [7, 8]})),
    ];
    assert_eq!(
        list(&services, plain()),
        "NAME      STATE      AGE       PID  RESTARTS  WHY/NEXT\n\
         a-worker  STARTING   2 m 5 s   -    3         restart in 3.9 s, attempt 3; exit 1, 2 s ago\n\
         api       STARTING   2 m 5 s   -    0         waits for db, which is not ready\n\
         backup    SCHEDULED  4 h 4 m   -    0         next run in 20 h (11-24 02:30)\n\
         importer  ERROR      5 m 10 s  -    0         exit 78, never restarted\n\
         shop      STOPPED    2 m 5 s   -    0         held: the disk is being replaced\n\
         web       RUNNING    2 m 5 s   123  2         killed by SIGKILL 2 m ago\n\
         web-2     RUNNING    2 m 5 s   123  0         [outdated, pending] it is ready\n\
         web-3     RUNNING    2 m 5 s   123  2         [unhealthy] HTTP status \\u{1b}500\n\
         web-4     STARTING   2 m 5 s   123  2         not ready: connection refused\n\
         web-5     STOPPING   2 m 5 s   123  2         processes that cannot be ended: 7, 8\n"
    );
}

#[test]
fn a_list_fits_the_terminal() {
    let text = list(&[backoff(), waiting()], Look { room: Some(60), ..plain() });
    assert_eq!(
        text,
        "NAME      STATE     AGE      PID  RESTARTS  WHY/NEXT\n\
         a-worker  STARTING  2 m 5 s  -    3         restart in 3.9 …\n\
         api       STARTING  2 m 5 s  -    0         waits for db, w…\n"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
}

#[test]
fn jobs_are_listed_with_their_runs() {
    let failing = sample(&json!({"name": "mail", "state": "RUNNING",
        "job": {"when": "every 5m", "next": null, "runs": 3, "failures": 3, "skipped": 1, "missed": 0, "queued": true,
            "last": {"cause": "command", "started": "2026-11-23T05:35:00Z", "ended": null, "succeeded": null,
            "result": ""}}}));
    let fresh = sample(
        &json!({"name": "new", "job": {"when": "create in /in", "next": null, "runs": 0, "failures": 0,
        "skipped": 0, "missed": 0, "queued": false, "last": null}}),
    );
    assert_eq!(
        jobs(&[scheduled(), failing.clone(), fresh, sample(&json!({}))], plain()),
        "NAME    WHEN                        NEXT                   LAST      RESULT              RUNS  FAILED  SKIPPED  MISSED\n\
         backup  30 2 * * * (Europe/Prague)  in 20 h (11-24 02:30)  4 h ago   exited with code 0  12    1       0        2\n\
         mail    every 5m                    -                      10 s ago  under way           3     3       1        0\n\
         new     create in /in               -                      -         -                   0     0       0        0\n"
    );
    assert!(list(&[failing], plain()).contains("runs for 10 s (command)"));
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

fn process(pid: u32, depth: u32, command: &str) -> Value {
    json!({"pid": pid, "parent": 1, "depth": depth, "command": command, "memory_bytes": 12_582_912, "cpu_ms": 1250})
}

fn details(processes: &[Value]) -> Details {
    Details {
        processes: processes.iter().map(|one| serde_json::from_value(one.clone()).unwrap()).collect(),
        events: vec![
            serde_json::from_value(json!({"time": "2026-11-23T05:33:05.000Z", "service": "web",
            "kind": "state", "level": "info", "message": "it is ready", "state": "RUNNING"}))
            .unwrap(),
        ],
        log: vec!["05:33:05 stdout listening".to_owned()],
    }
}

#[test]
fn a_screen_says_all() {
    let text = screen(&sample(&json!({})), &details(&[process(123, 0, "/opt/web/server")]), plain());
    assert_eq!(
        text,
        "web - Serves the shop
      state: RUNNING since 2026-11-23 05:33:05Z (2 m 5 s)
        why: it is ready
     wanted: up, starts at boot
        pid: 123, for 2 m 6 s, 12 MiB, 1.2 s of cpu
      ready: yes
   restarts: 2; last exit: killed by SIGKILL, 2 m ago
    program: /opt/web/server --port 8080

2026-11-23T05:33:05.000Z web info  | it is ready

05:33:05 stdout listening
"
    );
}

#[test]
fn several_processes_are_a_tree_and_too_many_are_counted() {
    let tree = [process(123, 0, "/opt/web/server"), process(1240, 1, "worker \u{7}one")];
    let text =
        screen(&sample(&json!({})), &Details { events: vec![], log: vec![], ..details(&tree) }, plain());
    let expected = "        pid: 123, for 2 m 6 s
  processes:  123    12 MiB     1.2 s  /opt/web/server
             1240    12 MiB     1.2 s    worker \\u{7}one
      ready: yes
";
    assert!(text.contains(expected), "{text}");
    let many: Vec<Value> = (0..13).map(|index| process(123 + index, index.min(1), "worker")).collect();
    let text = screen(&sample(&json!({})), &details(&many), plain());
    assert_eq!(text.matches("  worker\n").count(), 10, "{text}");
    assert!(text.contains("\n             and 3 more\n"), "{text}");
    let narrow = screen(&sample(&json!({})), &details(&tree), Look { room: Some(40), ..plain() });
    assert!(narrow.contains("1240    12 MiB     1.2 s  …\n"), "{narrow}");
}

#[test]
fn a_screen_says_what_is_wrong_and_what_to_do() {
    let troubled = sample(
        &json!({"held": {"reason": "disk", "since": "2026-11-23T05:33:05Z"}, "outdated": true,
        "pending": true, "health": "unhealthy", "health_error": "HTTP status 500", "revision": 3, "autostart": false,
        "engine": "run-web", "stuck": [9]}),
    );
    assert_eq!(
        screen(&troubled, &Details::default(), plain()),
        "web - Serves the shop
      state: RUNNING since 2026-11-23 05:33:05Z (2 m 5 s)
        why: it is ready
     wanted: up, not started at boot
       held: disk; since 2 m ago; let it go with: svcctl unhold web
        pid: 123, for 2 m 6 s
      stuck: processes that cannot be ended: 9
      ready: yes
     health: unhealthy: HTTP status 500
   restarts: 2; last exit: killed by SIGKILL, 2 m ago
    program: /opt/web/server --port 8080
   outdated: the process runs an older specification than revision 3; take it up with: svcctl restart web
    pending: its file in services/ differs from what was accepted; see: svcctl diff; take it with: svcctl apply --pending
     engine: run-web
"
    );
}

#[test]
fn a_screen_says_what_comes_next() {
    let lines = |service: &Service| {
        let text = screen(service, &Details::default(), plain());
        let wanted = |line: &&str| {
            ["next:", "waits for:", "restarts:", "when:", "runs:"]
                .iter()
                .any(|label| line.trim().starts_with(label))
        };
        text.lines().filter(wanted).map(str::trim).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        lines(&backoff()),
        "next: restart in 3.9 s, attempt 3\nrestarts: 3; last exit: exited with code 1, 2 s ago"
    );
    assert_eq!(lines(&waiting()), "waits for: db, which is not ready\nrestarts: 0");
    assert_eq!(
        lines(&failed()),
        "next: nothing, it was given up; try it again with: svcctl reset importer\n\
         restarts: 0; last exit: exited with code 78, never restarted, 5 m ago"
    );
    assert_eq!(
        lines(&scheduled()),
        "next: next run 2026-11-24 02:30 Europe/Prague (in 20 h)\nrestarts: 0; last exit: exited with code 0, 4 h ago\n\
         when: 30 2 * * * (Europe/Prague)\nruns: 12, 1 failed, 2 missed; last: exited with code 0, 4 h ago (schedule)"
    );
}

#[test]
fn a_screen_without_an_engine_promises_nothing() {
    let stored =
        sample(&json!({"state": "STOPPED", "phase": "stopped", "why": "", "pid": null, "started": null,
        "engine": null, "last_exit": null, "restarts": 0, "since": "1970-01-01T00:00:00Z"}));
    let text = screen(&stored, &Details::default(), plain());
    assert!(text.contains("state: STOPPED\n     wanted: up, starts at boot\n"), "{text}");
    assert!(
        text.contains("engine: none runs; start the daemon with: svcctl daemon --background\n"),
        "{text}"
    );
    assert!(list(&[stored], plain()).contains("web   STOPPED  -    -"));
}

#[test]
fn one_of_several_is_a_few_lines() {
    assert_eq!(
        block(&failed(), &Details::default(), plain()),
        "importer: ERROR since 2026-11-23 05:30:00Z (5 m 10 s)\n  exit 78, never restarted\n"
    );
    assert_eq!(
        block(&sample(&json!({"outdated": true})), &details(&[]), plain()),
        "web: RUNNING since 2026-11-23 05:33:05Z (2 m 5 s), pid 123\n  killed by SIGKILL 2 m ago\n  outdated\n\n\
         2026-11-23T05:33:05.000Z web info  | it is ready\n\n05:33:05 stdout listening\n"
    );
}

#[test]
fn a_summary_counts_and_names_what_is_not_well() {
    let daemon = serde_json::from_value(json!({"version": "0.1.0", "api": [1], "engine": "daemon", "pid": 10,
        "engine_pid": 11, "engine_number": 2, "since": "2026-11-23T05:33:05Z", "recovery": false, "services": 5}))
    .unwrap();
    let unhealthy = sample(&json!({"name": "db", "health": "unhealthy", "health_error": "timeout"}));
    let all = vec![failed(), scheduled(), waiting(), unhealthy, sample(&json!({}))];
    let summary = Summary::of(all, Some(daemon));
    assert_eq!(
        summary.text(plain()),
        "5 services: 2 RUNNING, 1 STARTING, 1 ERROR, 1 SCHEDULED\n\
         the daemon runs as pid 10, its engine since 2026-11-23 05:33:05Z (2 m 5 s)\n\n\
         importer  ERROR     exit 78, never restarted\n\
         api       STARTING  waits for db, which is not ready\n\
         db        RUNNING   unhealthy: timeout\n"
    );
    assert!(summary.is_alarming());
    assert!(Summary::of(vec![sample(&json!({"health": "unhealthy"}))], None).is_alarming());
    let well = Summary::of(vec![sample(&json!({}))], None);
    assert_eq!(
        well.text(plain()),
        "1 service: 1 RUNNING\nno daemon runs; start it with: svcctl daemon --background\n"
    );
    assert!(!well.is_alarming());
    assert!(!Summary::of(vec![waiting()], None).is_alarming());
    let none = Summary::of(Vec::new(), None).text(plain());
    assert!(none.starts_with("no services; install one with: svcctl install NAME -- PROGRAM\n"), "{none}");
}

#[test]
fn colours_are_for_terminals() {
    let text = list(&[sample(&json!({}))], Look { style: Style::Coloured, ..plain() });
    assert!(text.contains("\u{1b}[32mRUNNING\u{1b}[0m  2 m 5 s"), "{text}");
}
