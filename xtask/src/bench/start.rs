//! From the order to start until the last of 1,000 services runs.
//!
//! The program notes the monotonic clock as the first thing it does, so the end is exact for every supervisor, and
//! nothing has to watch processes meanwhile.

use super::daemon::Daemon;
use super::fleet::{self, SERVICES, SUPERVISORS, Supervisor};
use super::load::Load;
use super::restart::monotonic;
use super::table::{Table, verdict};
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use svcctl_tests::{Fixture, Programs, Sandbox};

/// How often svcctl's start is measured.
const TIMES: usize = 5;

/// What is aimed at.
const GOAL: Duration = Duration::from_secs(1);

const ALL: &str = "`svcctl start --all`: the last service runs";
const ANSWER: &str = "`svcctl start --all`: the command ends";
const BOOT: &str = "`svcctl daemon`: the last service runs";

/// Measures svcctl and its peers.
pub(super) fn run(programs: &Programs) -> Result<String> {
    let mut table = Table::new("from the start of", Some("`start --all`"));
    svcctl(programs, &mut table)?;
    let sandbox = Sandbox::of(programs);
    for supervisor in SUPERVISORS {
        let name = format!("{}: the last service runs", supervisor.name);
        table.measure(&name, || peer(supervisor, sandbox.path(), sandbox.fixture()))?;
    }
    Ok(format!(
        "## Start of {SERVICES} services\n\nFrom the start of the command, or of the supervisor, until the last of \
         {SERVICES} services is at its first instruction (each notes the monotonic clock there). svcctl and supervisord \
         capture the services' output in all rows; runit and s6 do so with a second process for each service, in rows of \
         their own. Their `run` is a shell script that becomes the program, as their manuals have it. `svcctl daemon` \
         starts the same services as after a boot. Goal: `svcctl start --all` within {} ms, {}.\n\n{}",
        GOAL.as_millis(),
        verdict(table.median(ALL), GOAL),
        table.render()
    ))
}

fn svcctl(programs: &Programs, table: &mut Table) -> Result<()> {
    let mut svcctl = Daemon::start(programs)?;
    let starts = svcctl.sandbox.file("starts");
    svcctl.install(&fleet::names(), &svcctl.sandbox.fixture().note_start(&starts))?;
    let load = Load::watch();
    let (mut all, mut answer) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = monotonic();
        let status = svcctl.sandbox.command(&["start", "--all"]).stdout(Stdio::null()).status()?;
        answer.push(Duration::from_nanos(monotonic() - began));
        ensure!(status.success(), "svcctl start --all: {status}");
        all.push(fleet::all_started(&starts, began));
        ensure!(svcctl.processes().0.len() == SERVICES, "not every service has a process");
        svcctl.sandbox.svcctl(&["stop", "--all"]).code(0);
    }
    table.add(ALL, Some(all), load.clone());
    table.add(ANSWER, Some(answer), load);
    svcctl.sandbox.svcctl(&["start", "--all"]).code(0);
    table.measure(BOOT, || {
        let mut boots = Vec::new();
        for _ in 0..TIMES {
            svcctl.stop_daemon();
            let began = svcctl.start_daemon()?;
            boots.push(fleet::all_started(&starts, began));
        }
        Ok(Some(boots))
    })
}

fn peer(supervisor: &Supervisor, place: &Path, fixture: &Fixture) -> Result<Option<Vec<Duration>>> {
    let place = place.join("peer");
    let starts = place.join("starts");
    let exec = fixture.note_start(&starts);
    let mut series = Vec::new();
    for _ in 0..supervisor.starts {
        let Some(running) = supervisor.start(&place, &exec)? else { return Ok(None) };
        series.push(fleet::all_started(&starts, running.began()));
        let there = running.processes(fixture.program()).0.len();
        ensure!(there == SERVICES, "{} has {there} processes of services", supervisor.name);
    }
    Ok(Some(series))
}
