//! The suites of the test command: unit tests, the simulation, the black-box tests.

use super::provide;
use super::tally::Tally;
use crate::command::Run;
use crate::repo::Repo;
use crate::sim::{self, Seeds};
use anyhow::Result;
use svcctl_tests::Programs;

/// The package of the black-box tests.
const BLACKBOX: &str = "svcctl-tests";

/// The profile of the binary under test.
const PROFILE: &str = "blackbox";

/// The tests of every crate but the black-box ones. The simulation runs a few seeds here; [`sim()`] runs them all.
pub(super) fn unit(repo: &Repo) -> Result<Tally> {
    let run =
        Run::cargo(&repo.root).words("test --locked --no-fail-fast --workspace --exclude").argument(BLACKBOX);
    count("unit", run.variable(sim::SEEDS_VARIABLE, sim::SEEDS_IN_UNIT.to_string()))
}

/// The simulation with all seeds of the test command.
pub(super) fn sim(repo: &Repo) -> Result<Tally> {
    count("sim", sim::command(repo, &Seeds::Range { count: sim::SEEDS_IN_TEST, start: 1 }))
}

/// The black-box tests against the static binary.
pub(super) fn blackbox(repo: &Repo) -> Result<Tally> {
    let programs = build_programs(repo, PROFILE)?;
    let run = Run::cargo(&repo.root).words("test --locked --no-fail-fast --package").argument(BLACKBOX);
    let run = run.variable("SVCCTL_BIN", programs.svcctl).variable("SVCCTL_FIXTURE", programs.fixture);
    let run = match provide::python_program(repo) {
        Ok(python) => run.variable("SVCCTL_TEST_PYTHON", python),
        // The tests that need it fail, and say why.
        Err(_) => run,
    };
    count("blackbox", run)
}

/// Builds svcctl and the fixture as static binaries by this profile.
///
/// # Errors
/// They do not build.
pub(crate) fn build_programs(repo: &Repo, profile: &str) -> Result<Programs> {
    let triple = Repo::static_triple();
    let build = Run::cargo(&repo.root).words("build --locked --quiet --profile").argument(profile);
    let build = build.argument("--target").argument(&triple);
    build.words("--package svcctl --package").argument(BLACKBOX).words("--bin svcctl --bin fixture").run()?;
    let place = repo.target.join(triple).join(profile);
    Ok(Programs { svcctl: place.join("svcctl"), fixture: place.join("fixture") })
}

fn count(suite: &str, run: Run) -> Result<Tally> {
    let mut tally = Tally::default();
    let success = run.lines(|line| tally.read_line(line))?;
    Ok(tally.finish(suite, success))
}
