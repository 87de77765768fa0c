//! `cargo xtask test`: the one test command.
//!
//! It runs every step, also after one has failed, so that all failures are seen at once. A check counts as one test; a
//! suite counts its tests. The last line is the count; the exit code is 1 if anything failed.

mod checks;
mod provide;
mod suites;
mod tally;

pub(crate) use provide::{SystemPackage, find_program, install_missing};
pub(crate) use suites::build_programs;

use crate::arguments::Arguments;
use crate::repo::Repo;
use anyhow::{Result, bail};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tally::Tally;

/// One part of the test command.
struct Step {
    name: &'static str,
    about: &'static str,
    work: Work,
}

/// What a step does.
enum Work {
    /// It holds or it does not.
    Check(fn(&Repo) -> Result<()>),
    /// It has tests of its own.
    Suite(fn(&Repo) -> Result<Tally>),
}

const STEPS: &[Step] = &[
    Step {
        name: "packages",
        about: "system packages that the tests run",
        work: Work::Check(provide::packages),
    },
    Step {
        name: "toolchain",
        about: "compiler targets and cargo-deny",
        work: Work::Check(provide::toolchain),
    },
    Step {
        name: "python",
        about: "validators of the API that others made",
        work: Work::Check(provide::python),
    },
    Step { name: "format", about: "rustfmt changes nothing", work: Work::Check(checks::format) },
    Step { name: "tidy", about: "the house rules", work: Work::Check(crate::tidy::check) },
    Step {
        name: "docs",
        about: "the reference is what the schema says",
        work: Work::Check(crate::docs::check),
    },
    Step { name: "clippy", about: "no warning in any target", work: Work::Check(checks::clippy) },
    Step {
        name: "deny",
        about: "licences, bans and sources of dependencies",
        work: Work::Check(checks::deny),
    },
    Step {
        name: "targets",
        about: "the core on wasm32, the crates on Windows and macOS",
        work: Work::Check(checks::targets),
    },
    Step { name: "unit", about: "the tests of every crate", work: Work::Suite(suites::unit) },
    Step { name: "sim", about: "the supervisor in a simulated world", work: Work::Suite(suites::sim) },
    Step {
        name: "blackbox",
        about: "the static binary as its users have it",
        work: Work::Suite(suites::blackbox),
    },
];

/// The task.
///
/// # Errors
/// The arguments are not understood.
pub(crate) fn task(repo: &Repo, mut arguments: Arguments) -> Result<ExitCode> {
    let list = arguments.flag("--list");
    let mut only = Vec::new();
    while let Some(name) = arguments.option::<String>("--only")? {
        only.push(name);
    }
    arguments.finish()?;
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("there is no step {unknown:?}; `cargo xtask test --list` shows them");
    }
    if list {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    Ok(run(repo, chosen))
}

fn run<'a>(repo: &Repo, steps: impl Iterator<Item = &'a Step>) -> ExitCode {
    let began = Instant::now();
    let mut total = Tally::default();
    let mut lines = Vec::new();
    for step in steps {
        println!("\n=== {}: {}", step.name, step.about);
        let began = Instant::now();
        let tally = run_step(repo, step);
        let line = format!("{:<10} {:>8}  {tally}", step.name, seconds(began.elapsed()));
        println!("--- {line}");
        lines.push(line);
        total.add(tally);
    }
    println!("\n=== summary, {}", seconds(began.elapsed()));
    let failures = total.failures.iter().map(|failure| format!("failed: {failure}"));
    let skips = total.skips.iter().map(|skip| format!("skipped: {skip}"));
    for line in lines.into_iter().chain(failures).chain(skips) {
        println!("{line}");
    }
    println!("{total}");
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_step(repo: &Repo, step: &Step) -> Tally {
    let result = match step.work {
        Work::Check(check) => check(repo).map(|()| Tally::one_passed()),
        Work::Suite(suite) => suite(repo),
    };
    result.unwrap_or_else(|error| {
        println!("{}: {error:#}", step.name);
        Tally::one_failed(format!("{}: {error:#}", step.name))
    })
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
