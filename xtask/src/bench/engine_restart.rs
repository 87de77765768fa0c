//! kill -9 of the engine until the services are supervised again: its command line is answered, and a service that
//! was killed in the same moment runs again.

use super::daemon::Daemon;
use super::load::Load;
use super::restart::{self, monotonic, next_start};
use super::table::Table;
use anyhow::Result;
use serde_json::Value;
use std::time::Duration;
use svcctl_tests::processes::kill;
use svcctl_tests::{Programs, Sandbox, wait_until};

/// How often the engine is killed.
const TIMES: usize = 60;

/// How long the engine lives before it is killed: longer than what makes the keeper hold back an engine that dies in
/// quick succession.
const LIVED: Duration = Duration::from_millis(1_500);

/// How long the next answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What is aimed at.
const GOAL: Duration = Duration::from_millis(200);

/// Measures.
pub(super) fn run(programs: &Programs) -> Result<String> {
    let svcctl = Daemon::start(programs)?;
    let sandbox = &svcctl.sandbox;
    let starts = sandbox.file("starts");
    restart::install(sandbox, &starts)?;
    let load = Load::watch();
    let (mut answered, mut restarted, mut both) = (Vec::new(), Vec::new(), Vec::new());
    let mut process = next_start(&starts, 0);
    for _ in 0..TIMES {
        // real delay: how long the engine has lived.
        std::thread::sleep(LIVED);
        let engine = sandbox.engine_pid();
        let killed = monotonic();
        kill(engine);
        kill(process.pid);
        let answer = Duration::from_nanos(answer_of_next_engine(sandbox).saturating_sub(killed));
        process = next_start(&starts, process.at);
        let restart = Duration::from_nanos(process.at.saturating_sub(killed));
        answered.push(answer);
        restarted.push(restart);
        both.push(answer.max(restart));
    }
    let over = both.iter().filter(|took| **took > GOAL).count();
    let mut table = Table::new("from the kill until", None);
    table.add("`svcctl status` is answered", Some(answered), load.clone());
    table.add("the killed service runs again", Some(restarted), load.clone());
    table.add("both: supervised again", Some(both), load);
    Ok(format!(
        "## Death of the engine\n\nThe engine and a service are killed with -9 in the same moment. The first row has the \
         start of the command `svcctl status` in it, tried until one is answered. Goal: supervised again within {} ms; \
         {over} of {TIMES} took longer.\n\n{}",
        GOAL.as_millis(),
        table.render()
    ))
}

/// When a status was answered by an engine.
fn answer_of_next_engine(sandbox: &Sandbox) -> u64 {
    wait_until(ANSWER_WITHIN, "a status from the next engine", || {
        let ran = sandbox.svcctl(&["status", "bench", "--output", "json"]);
        let answer: Value = serde_json::from_str(&ran.stdout).ok()?;
        let service = answer.get("services").map_or(&answer, |services| &services[0]);
        (!service["engine"].is_null()).then(monotonic)
    })
}
