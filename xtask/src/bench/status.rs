//! The state of one service among 1,000 that run: the whole command, and what is asked of the engine alone.

use super::daemon::{self, Daemon};
use super::fleet::{self, SERVICES, SUPERVISORS, Supervisor};
use super::table::{Table, verdict};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use svcctl_tests::{Fixture, Programs, Sandbox};

/// How often svcctl is asked.
const TIMES: usize = 500;

/// What is aimed at.
const GOAL: Duration = Duration::from_millis(4);

const STATUS: &str = "`svcctl status NAME`";

/// Measures svcctl and its peers.
pub(super) fn run(programs: &Programs) -> Result<String> {
    let mut table = Table::new("command", Some(STATUS));
    of_svcctl(programs, &mut table)?;
    let sandbox = Sandbox::of(programs);
    for supervisor in SUPERVISORS {
        of_peer(supervisor, &mut table, &sandbox.file("peer"), sandbox.fixture())?;
    }
    Ok(format!(
        "## Status of one among {SERVICES}\n\nFrom the start of the command until its end, each time about another of \
         {SERVICES} running services. `svcctl status` shows a service with its last log lines, which it asks for with \
         a second request; as JSON it is the service alone. What a process costs by itself is seen from `svcctl --version`, \
         which asks nobody, and a program that ends at once. The rows of the API are one request over a connection of its \
         own, without a process. Goal: the median of `svcctl status NAME` within {} ms, {}.\n\n{}",
        GOAL.as_millis(),
        verdict(table.median(STATUS), GOAL),
        table.render()
    ))
}

fn of_svcctl(programs: &Programs, table: &mut Table) -> Result<()> {
    let svcctl = Daemon::start(programs)?;
    let fixture = svcctl.sandbox.fixture();
    svcctl.start_fleet()?;
    let program = svcctl.sandbox.path().join("bin/svcctl").to_string_lossy().into_owned();
    let root = svcctl.sandbox.root().to_string_lossy().into_owned();
    let ask = |words: &[&str]| -> Vec<String> {
        [&[program.as_str(), "--root", &root], words].concat().into_iter().map(str::to_owned).collect()
    };
    table.measure(STATUS, || commands(TIMES, |name| ask(&["status", name])))?;
    table.measure("`svcctl status NAME --output json`", || {
        commands(TIMES, |name| ask(&["status", name, "--output", "json"]))
    })?;
    table.measure("`svcctl --version`", || {
        commands(TIMES, |_| vec![program.clone(), "--version".to_owned()])
    })?;
    table.measure("a program that ends at once", || commands(TIMES, |_| fixture.exit(0)))?;
    let socket = svcctl.socket();
    table.measure("`GET /v1/services/NAME`", || requests(&socket, |name| format!("/v1/services/{name}")))?;
    table.measure("`GET /v1/services/NAME/logs?lines=5`", || {
        requests(&socket, |name| format!("/v1/services/{name}/logs?lines=5"))
    })
}

fn of_peer(supervisor: &Supervisor, table: &mut Table, place: &Path, fixture: &Fixture) -> Result<()> {
    let Some(status) = &supervisor.status else { return Ok(()) };
    let running = supervisor.start(place, &fleet::says_hello(fixture))?;
    if let Some(running) = &running {
        fleet::all_there(|| running.processes(fixture.program()).0.len());
    }
    table.measure(status.shown, || match running {
        None => Ok(None),
        Some(_) => commands(status.times, |name| status.command(place, name)),
    })
}

/// Runs a command `times`, each time about another service.
fn commands(times: usize, words: impl Fn(&str) -> Vec<String>) -> Result<Option<Vec<Duration>>> {
    let mut series = Vec::new();
    for name in some_names(times) {
        let words = words(&name);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let ended = command.status().with_context(|| format!("failed to start {}", words[0]))?;
        series.push(began.elapsed());
        ensure!(ended.success(), "{}: {ended}", words.join(" "));
    }
    Ok(Some(series))
}

/// Asks the API [`TIMES`], each time about another service.
fn requests(socket: &Path, path: impl Fn(&str) -> String) -> Result<Option<Vec<Duration>>> {
    let mut series = Vec::new();
    for name in some_names(TIMES) {
        let path = path(&name);
        let began = Instant::now();
        let answer = daemon::get(socket, &path)?;
        series.push(began.elapsed());
        ensure!(answer.contains(&name), "{path}: {answer}");
    }
    Ok(Some(series))
}

/// So many names of services, spread over all of them.
fn some_names(count: usize) -> impl Iterator<Item = String> {
    // 7 and SERVICES have no common factor: every service has its turn before one comes again.
    fleet::names().into_iter().cycle().step_by(7).take(count)
}
