//! The keeper on the real system. One binary is everything: without arguments of its own it is the tests; started with
//! them it is the keeper, its engine (which hands its socket to the test, so that a test speaks for it), the exec helper,
//! or a program in front of a background process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg_attr(not(target_os = "linux"), expect(unused, reason = "there is a keeper on Linux only"))]

#[cfg(target_os = "linux")]
mod background;
#[cfg(target_os = "linux")]
mod basics;
#[cfg(target_os = "linux")]
mod bed;
#[cfg(target_os = "linux")]
mod engines;
#[cfg(target_os = "linux")]
mod errors;
#[cfg(target_os = "linux")]
mod identity;
#[cfg(target_os = "linux")]
mod roles;
#[cfg(target_os = "linux")]
mod shutdown;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod trees;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;

type Test = (&'static str, fn());

/// How many tests run at the same time; they mostly wait.
const THREADS: usize = 4;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return match roles::role() {
        Some(code) => ExitCode::from(code),
        None => run_tests(
            &[
                basics::TESTS,
                errors::TESTS,
                identity::TESTS,
                trees::TESTS,
                engines::TESTS,
                streams::TESTS,
                shutdown::TESTS,
                background::TESTS,
            ]
            .concat(),
        ),
    };
    #[cfg(not(target_os = "linux"))]
    run_tests(&[])
}

/// Runs the tests whose names contain the first argument, as the standard harness does, and speaks like it.
fn run_tests(all: &[Test]) -> ExitCode {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let chosen: Vec<Test> = all.iter().copied().filter(|(name, _)| name.contains(&filter)).collect();
    if std::env::args().any(|argument| argument == "--list") {
        for (name, _) in &chosen {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let queue = Mutex::new(chosen.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((name, test)) = next else { break };
                    let passed = catch_unwind(test).is_ok();
                    println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
                    if !passed {
                        failed.lock().unwrap().push(*name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let (passed, word) = (chosen.len() - failed.len(), if failed.is_empty() { "ok" } else { "FAILED" });
    let filtered = all.len() - chosen.len();
    println!(
        "\ntest result: {word}. {passed} passed; {} failed; 0 ignored; 0 measured; {filtered} filtered out\n",
        failed.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
