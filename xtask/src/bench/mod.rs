//! `cargo xtask bench`: svcctl measured beside its peers, in one run on one machine.
//!
//! What is measured is what a user has: the release build as a static binary, its command line, real processes. The
//! figures go into `docs/BENCHMARKS.md` with the machine and the date; a peer that is not installed is said to be
//! missing, never guessed.

mod daemon;
mod engine_restart;
mod figures;
mod fleet;
mod guard;
mod load;
mod memory;
mod peers;
mod processes;
mod report;
mod restart;
mod start;
mod status;

mod table;

pub(crate) use guard::role as guard;

use crate::arguments::Arguments;
use crate::repo::Repo;
use crate::test::{SystemPackage, build_programs, install_missing};
use anyhow::{Result, bail};
use std::process::ExitCode;
use svcctl_tests::Programs;

/// One thing to measure.
struct Bench {
    name: &'static str,
    /// Measures, and gives the section for the report.
    run: fn(&Programs) -> Result<String>,
}

const BENCHES: &[Bench] = &[
    Bench { name: "restart", run: restart::run },
    Bench { name: "engine-restart", run: engine_restart::run },
    Bench { name: "start", run: start::run },
    Bench { name: "memory", run: memory::run },
    Bench { name: "status", run: status::run },
];

/// What is measured beside svcctl.
const PEERS: &[SystemPackage] = &[
    SystemPackage { name: "runit", program: "runsvdir", why: "a peer that is measured" },
    SystemPackage { name: "s6", program: "s6-svscan", why: "a peer that is measured" },
    SystemPackage { name: "supervisor", program: "supervisord", why: "a peer that is measured" },
];

/// The task.
///
/// # Errors
/// The arguments are not understood, the programs do not build, or a measurement cannot be made.
pub(crate) fn task(repo: &Repo, mut arguments: Arguments) -> Result<ExitCode> {
    let mut names = Vec::new();
    while let Some(name) = arguments.next_word() {
        names.push(name);
    }
    arguments.finish()?;
    if let Some(unknown) = names.iter().find(|name| BENCHES.iter().all(|bench| bench.name != **name)) {
        let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("there is no bench {unknown:?}; there are: {}", known.join(", "));
    }
    if let Err(error) = install_missing(repo, PEERS) {
        println!("{error:#}; without them their rows say that they are not installed");
    }
    let programs = programs(repo)?;
    let chosen =
        BENCHES.iter().filter(|bench| names.is_empty() || names.iter().any(|name| name == bench.name));
    for bench in chosen {
        println!("=== {}", bench.name);
        let section = (bench.run)(&programs)?;
        println!("{section}");
        report::write(repo, bench.name, &section)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The programs that `SVCCTL_BIN` and `SVCCTL_FIXTURE` name (to measure what was built elsewhere), else the release
/// build of this repository.
fn programs(repo: &Repo) -> Result<Programs> {
    if std::env::var_os("SVCCTL_BIN").is_some() {
        Ok(Programs::from_env())
    } else {
        build_programs(repo, "release")
    }
}
