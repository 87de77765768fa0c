//! A tree that forks twice, changes its session and ignores TERM is gone after `stop`, within the deadline.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::time::Instant;
use svcctl_tests::processes::is_alive;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// How many times each way of killing a tree is tried.
const TIMES: usize = 50;

/// How many processes enter themselves, and how many of them stay.
const TREE_ENTERS: usize = 6;
const TREE_STAYS: usize = 4;

fn pids(file: &std::path::Path) -> BTreeSet<u32> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| line.parse().expect("a pid a line")).collect()
}

/// Starts and stops the tree `TIMES` times; each time all of it must be gone when `stop` answers.
fn trees_are_gone(sandbox: &Sandbox) {
    let file = sandbox.make_directory("tree").join("pids");
    sandbox.install("tree", &["--stop-timeout", "100ms"], &sandbox.fixture().tree(&file));
    for round in 1..=TIMES {
        let _ = std::fs::remove_file(&file);
        sandbox.svcctl(&["start", "tree"]).code(0);
        let all =
            wait_until(SOON, "the whole tree", || Some(pids(&file)).filter(|pids| pids.len() == TREE_ENTERS));
        let living = || all.iter().copied().filter(|pid| is_alive(*pid)).collect::<Vec<_>>();
        wait_until(SOON, "the tree as it stays", || (living().len() == TREE_STAYS).then_some(()));
        let began = Instant::now();
        sandbox.svcctl(&["stop", "tree"]).code(0);
        assert_eq!(living(), [] as [u32; 0], "round {round}: these live on after `stop`");
        assert!(began.elapsed() < SOON, "round {round}: stop took {:?}", began.elapsed());
    }
}

#[test]
fn trees_are_gone_by_cgroup() {
    trees_are_gone(&Sandbox::new());
}

#[test]
fn trees_are_gone_by_walking_the_descendants() {
    trees_are_gone(&Sandbox::new().with_variable("SVCCTL_FORCE", "no-cgroup"));
}

#[test]
fn a_program_that_ignores_term_is_killed_at_its_deadline() {
    let sandbox = Sandbox::new();
    sandbox.install("stubborn", &["--stop-timeout", "300ms"], &sandbox.fixture().ignore_term());
    sandbox.svcctl(&["start", "stubborn"]).code(0);
    let ready = || sandbox.messages("stubborn").contains(&"ready".to_owned());
    wait_until(SOON, "the program ignores TERM", || ready().then_some(()));
    let (pid, began) = (sandbox.pid("stubborn"), Instant::now());
    sandbox.svcctl(&["stop", "stubborn"]).code(0);
    assert!(!is_alive(pid));
    let took = began.elapsed();
    assert!(took.as_millis() >= 300, "the program had {took:?} to end by itself, of 300 ms");
    let status = sandbox.status("stubborn");
    assert_eq!(
        (&status["state"], &status["last_exit"]["signal"]),
        (&"STOPPED".into(), &9.into()),
        "{status}"
    );
}

/// A shell that is told to end just ends; what it had started must hear of the stop too, and may end in its own way.
fn what_a_shell_has_started_is_told(sandbox: &Sandbox) {
    let inner = r"trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let exec = ["/bin/sh", "-c", r#"/bin/sh -c "$1"; echo never"#, "sh", inner].map(str::to_owned);
    sandbox.install("wrapped", &["--now", "--stop-timeout", "50s"], &exec);
    let says = |word: &str| sandbox.messages("wrapped").contains(&word.to_owned());
    wait_until(SOON, "the inner program", || says("ready").then_some(()));
    let began = Instant::now();
    sandbox.svcctl(&["stop", "wrapped"]).code(0);
    assert!(says("told") && !says("never"), "{:?}", sandbox.messages("wrapped"));
    assert!(began.elapsed() < SOON, "the stop waited for its deadline: {:?}", began.elapsed());
}

#[test]
fn a_stop_reaches_what_a_shell_has_started() {
    what_a_shell_has_started_is_told(&Sandbox::new());
}

#[test]
fn a_stop_reaches_what_a_shell_has_started_without_cgroups() {
    what_a_shell_has_started_is_told(&Sandbox::new().with_variable("SVCCTL_FORCE", "no-cgroup"));
}
