//! `cargo xtask sim`: the simulation of the supervisor with any number of seeds.
//!
//! The simulation itself is the test `sim` of svcctl-core; it takes its seeds from these variables.

use crate::arguments::Arguments;
use crate::command::Run;
use crate::repo::Repo;
use anyhow::Result;
use std::process::ExitCode;

/// How many seeds the test command runs.
pub(crate) const SEEDS_IN_TEST: u64 = 10_000;

/// How many it runs among the unit tests, where the build is a slow one.
pub(crate) const SEEDS_IN_UNIT: u64 = 200;

/// The variable that says how many seeds are run.
pub(crate) const SEEDS_VARIABLE: &str = "SVCCTL_SIM_SEEDS";

/// Which seeds to run.
pub(crate) enum Seeds {
    /// So many, from this one on.
    Range {
        /// How many.
        count: u64,
        /// The first.
        start: u64,
    },
    /// This one alone, with its trace.
    One(u64),
}

/// The command that runs the simulation.
pub(crate) fn command(repo: &Repo, seeds: &Seeds) -> Run {
    let run = Run::cargo(&repo.root).words("test --locked --release -p svcctl-core --test sim");
    match seeds {
        Seeds::Range { count, start } => {
            run.variable(SEEDS_VARIABLE, count.to_string()).variable("SVCCTL_SIM_START", start.to_string())
        }
        Seeds::One(seed) => run.variable("SVCCTL_SIM_SEED", seed.to_string()).words("-- --nocapture"),
    }
}

/// The task.
///
/// # Errors
/// The arguments are not understood, or the simulation cannot be run or found a fault.
pub(crate) fn task(repo: &Repo, mut arguments: Arguments) -> Result<ExitCode> {
    let count = arguments.option("--seeds")?.unwrap_or(SEEDS_IN_TEST);
    let start = arguments.option("--start")?.unwrap_or(1);
    let seeds = arguments.option("--seed")?.map_or(Seeds::Range { count, start }, Seeds::One);
    arguments.finish()?;
    command(repo, &seeds).run()?;
    Ok(ExitCode::SUCCESS)
}
