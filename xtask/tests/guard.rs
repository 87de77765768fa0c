//! The guard of the benches: whatever happens to the bench, nothing that it started lives on.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use svcctl_tests::processes::{is_alive, kill};
use svcctl_tests::wait_until;

const SOON: Duration = Duration::from_secs(20);

/// What a guard gives to its program: it makes a process in a session of its own whose parent then ends, says that
/// one's pid on standard error, and stays.
const LEAVES_AN_ORPHAN: &str = "(setsid sh -c 'echo $$ >&2; exec sleep 1000' &) ; exec sleep 1000";

fn guard(mode: &str, script: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["guard", mode, "sh", "-c", script]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The program's pid, as the guard says it.
fn program(guard: &mut Child) -> u32 {
    let mut line = String::new();
    BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn said(guard: &mut Child) -> u32 {
    let mut line = String::new();
    BufReader::new(guard.stderr.take().unwrap()).read_line(&mut line).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn orphans_in_other_sessions_end_when_the_bench_lets_go() {
    let mut guard = guard("once", LEAVES_AN_ORPHAN);
    let (program, orphan) = (program(&mut guard), said(&mut guard));
    assert!(is_alive(program) && is_alive(orphan));
    drop(guard.stdin.take());
    assert!(guard.wait().unwrap().success());
    assert!(!is_alive(program) && !is_alive(orphan));
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let mut guard = guard("once", LEAVES_AN_ORPHAN);
    let (program, orphan) = (program(&mut guard), said(&mut guard));
    kill(program);
    assert!(guard.wait().unwrap().success());
    assert!(!is_alive(orphan));
}

#[test]
fn a_loop_starts_again_until_the_bench_lets_go() {
    let mut guard = guard("loop", "echo $$ >&2; exec sleep 1000");
    let first = program(&mut guard);
    let mut pids = BufReader::new(guard.stderr.take().unwrap()).lines();
    let mut next = || pids.next().unwrap().unwrap().parse::<u32>().unwrap();
    assert_eq!(next(), first);
    kill(first);
    let second = next();
    assert_ne!(second, first);
    drop(guard.stdin.take());
    assert!(guard.wait().unwrap().success());
    assert!(!is_alive(second));
}

#[test]
fn a_killed_bench_leaves_nothing() {
    // A shell in the bench's place holds the other end of the guard's standard input.
    let script = format!(
        "exec 3>&1; sleep 1000 | \"$0\" guard once sh -c \"{}\" 2>&3 >/dev/null",
        LEAVES_AN_ORPHAN.replace('$', "\\$")
    );
    let mut bench = Command::new("setsid");
    bench.args(["sh", "-c", &script, env!("CARGO_BIN_EXE_xtask")]);
    let mut bench = bench.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(bench.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let orphan: u32 = line.trim().parse().unwrap();
    assert!(is_alive(orphan));
    let group = rustix::process::Pid::from_raw(i32::try_from(bench.id()).unwrap()).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    bench.wait().unwrap();
    wait_until(SOON, "the orphan has ended", || (!is_alive(orphan)).then_some(()));
}
