//! A program that writes its last words and dies at once: all of them are in the log, once.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use svcctl_tests::{Sandbox, wait_until};

const RUNS: u32 = 200;
const LINES: u32 = 20;

/// How long all the runs may take. They take seconds; a machine that is busy gets more.
const ALL_RUNS_WITHIN: Duration = Duration::from_mins(2);

const OPTIONS: &[&str] = &["--restart", "always", "--restart-delay", "1ms"];

fn runs_so_far(runs: &Path) -> u64 {
    std::fs::metadata(runs).map_or(0, |metadata| metadata.len())
}

/// Every line of every run stands in the log once, in its order, and nothing else does.
fn check_log(messages: &[String]) {
    let mut count = BTreeMap::new();
    for message in messages {
        *count.entry(message.clone()).or_insert(0) += 1;
    }
    let expected: Vec<String> =
        (0..RUNS).flat_map(|run| (0..LINES).map(move |line| format!("{run}.{line}"))).collect();
    let missing: Vec<_> = expected.iter().filter(|line| !count.contains_key(*line)).collect();
    let doubled: Vec<_> = count.iter().filter(|(_, times)| **times > 1).collect();
    assert!(missing.is_empty(), "{} lines are missing: {missing:?}", missing.len());
    assert!(doubled.is_empty(), "{} lines are doubled: {doubled:?}", doubled.len());
    assert_eq!(messages, expected, "the lines are not in their order, or there are others");
}

#[test]
fn last_words_are_in_the_log_once() {
    let sandbox = Sandbox::new();
    let runs = sandbox.file("runs");
    sandbox.install("dying", OPTIONS, &sandbox.fixture().last_words(&runs, LINES, RUNS));
    sandbox.svcctl(&["start", "dying", "--no-wait"]).code(0);
    wait_until(ALL_RUNS_WITHIN, "all runs", || (runs_so_far(&runs) > u64::from(RUNS)).then_some(()));
    let status = sandbox.wait_for("dying", "stays", |status| status["restarts"] == RUNS);
    assert_eq!(status["last_exit"]["code"], 7, "{status}");
    check_log(&sandbox.messages("dying"));
}

#[test]
fn last_words_are_in_the_log_once_though_the_engine_is_killed_in_between() {
    let sandbox = Sandbox::new();
    let runs = sandbox.file("runs");
    sandbox.install("dying", OPTIONS, &sandbox.fixture().last_words(&runs, LINES, RUNS));
    sandbox.svcctl(&["start", "dying", "--no-wait"]).code(0);
    for kill in 1..=4 {
        let until = u64::from(RUNS) * kill / 5;
        wait_until(ALL_RUNS_WITHIN, "the next fifth of the runs", || {
            (runs_so_far(&runs) > until).then_some(())
        });
        sandbox.kill_engine();
    }
    wait_until(ALL_RUNS_WITHIN, "all runs", || (runs_so_far(&runs) > u64::from(RUNS)).then_some(()));
    sandbox.wait_for("dying", "stays", |status| status["restarts"] == RUNS);
    check_log(&sandbox.messages("dying"));
}
