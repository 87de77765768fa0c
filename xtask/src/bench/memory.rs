//! What a supervisor takes for itself with 1,000 services that run: the services' own memory is not counted.

use super::daemon::Daemon;
use super::fleet::{self, SERVICES, SUPERVISORS, Supervisor};
use super::load::{self, Load};
use super::processes::{pss_kib, words};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use svcctl_tests::{Fixture, Programs, Sandbox};

/// How often it is read, and how long between.
const TIMES: usize = 5;
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is aimed at.
const GOAL_KIB: u64 = 10 * 1024;

/// One row.
struct Memory {
    name: String,
    captures: bool,
    /// Processes and their PSS in KiB, the median of all readings; none if the peer is not installed.
    taken: Option<(usize, u64)>,
    load: Load,
}

/// Measures svcctl and its peers.
pub(super) fn run(programs: &Programs) -> Result<String> {
    let mut rows = of_svcctl(programs)?;
    let goal = rows.first().and_then(|row| row.taken).map_or(0, |(_, kib)| kib);
    let verdict = if goal <= GOAL_KIB { "reached" } else { "missed" };
    let sandbox = Sandbox::of(programs);
    for supervisor in SUPERVISORS {
        rows.push(of_peer(supervisor, &sandbox.file("peer"), sandbox.fixture())?);
    }
    let loads: Vec<Load> = rows.iter().map(|row| row.load.clone()).collect();
    Ok(format!(
        "## Memory for {SERVICES} services\n\nThe proportional set size (`Pss` of `/proc/PID/smaps_rollup`) of all of a \
         supervisor's processes, without those of the services, each of which has written one line and waits. Capturing \
         output costs runit and s6 a supervised logger for each service; both are measured with and without. The kernel's \
         memory for pipes, descriptors and processes is not in it. The median of {TIMES} readings, {} s apart. Goal: svcctl \
         with capture at most {}, {verdict}.\n\n{}\n{}",
        AGAIN_AFTER.as_secs(),
        mib(GOAL_KIB),
        table(&rows),
        load::remark(&loads)
    ))
}

fn table(rows: &[Memory]) -> String {
    let mut text = "| supervisor | captures output | processes | PSS | a service | × svcctl | load |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    let base = rows.first().and_then(|row| row.taken);
    for Memory { name, captures, taken, load } in rows {
        let captures = if *captures { "yes" } else { "no" };
        let _ = match (taken, base) {
            (Some((processes, kib)), Some((_, base))) => {
                let each = tenths(*kib * 10 / u64::try_from(SERVICES).unwrap_or(u64::MAX));
                let ratio = tenths(*kib * 10 / base.max(1));
                writeln!(
                    text,
                    "| {name} | {captures} | {processes} | {} | {each} KiB | {ratio} | {load} |",
                    mib(*kib)
                )
            }
            _ => writeln!(text, "| {name} | {captures} | not installed | | | | |"),
        };
    }
    text
}

fn mib(kib: u64) -> String {
    format!("{} MiB", tenths(kib * 10 / 1024))
}

fn tenths(number: u64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// All of svcctl, then its keeper and its engine alone.
fn of_svcctl(programs: &Programs) -> Result<Vec<Memory>> {
    let svcctl = Daemon::start(programs)?;
    let load = Load::watch();
    svcctl.start_fleet()?;
    let row = |name: &str, taken| Memory { name: name.to_owned(), captures: true, taken, load: load.clone() };
    let own = || svcctl.processes().1;
    let engine = svcctl.sandbox.engine_pid();
    let some = |wanted: &dyn Fn(u32) -> bool| {
        let chosen = || own().into_iter().filter(|pid| wanted(*pid)).collect();
        settled(chosen).map(Some)
    };
    for pid in own() {
        println!("pid {pid}: {} KiB, {}", pss_kib(pid).unwrap_or(0), words(pid).join(" "));
    }
    Ok(vec![
        row("svcctl", some(&|_| true)?),
        row("svcctl: the keeper alone", some(&|pid| pid != engine)?),
        row("svcctl: the engine alone", some(&|pid| pid == engine)?),
    ])
}

fn of_peer(supervisor: &Supervisor, place: &Path, fixture: &Fixture) -> Result<Memory> {
    let load = Load::watch();
    let row = |taken| Memory { name: supervisor.name.to_owned(), captures: supervisor.captures, taken, load };
    let Some(running) = supervisor.start(place, &fleet::says_hello(fixture))? else { return Ok(row(None)) };
    fleet::all_there(|| running.processes(fixture.program()).0.len());
    let taken = settled(|| running.processes(fixture.program()).1)?;
    println!("{}: {} processes, {}", supervisor.name, taken.0, mib(taken.1));
    Ok(row(Some(taken)))
}

/// How many processes `chosen` gives and their PSS, once their number stays as it is; the median of the readings.
fn settled(chosen: impl Fn() -> Vec<u32>) -> Result<(usize, u64)> {
    let mut readings = Vec::new();
    while readings.len() < TIMES {
        // real delay: the readings are this far apart.
        std::thread::sleep(AGAIN_AFTER);
        let pids = chosen();
        let kib = pids.iter().filter_map(|pid| pss_kib(*pid)).sum::<u64>();
        if readings.first().is_some_and(|(count, _)| *count != pids.len()) {
            // Loggers, and shells that become them, were still being started.
            readings.clear();
        }
        readings.push((pids.len(), kib));
    }
    readings.sort_unstable();
    readings.get(TIMES / 2).copied().context("nothing was read")
}
