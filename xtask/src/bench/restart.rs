//! kill -9 of a service until the first instruction of its next process.
//!
//! The program notes the monotonic clock as the first thing it does, so that looking for its note costs nothing that is
//! measured. Some supervisors hold back a program that ran for less than a second; both cases are measured.

use super::figures::Figures;
use super::peers::{BareLoop, PEERS};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use svcctl_tests::processes::kill;
use svcctl_tests::{Programs, Sandbox, wait_until};

/// How often svcctl's service is killed soon after its start.
const TIMES: usize = 200;

/// How often the others' are, and everybody's that ran for a while: some take seconds each.
const TIMES_SLOW: usize = 50;

/// How long a process lives before it is killed.
const SOON: Duration = Duration::from_millis(20);
const AFTER_A_WHILE: Duration = Duration::from_millis(1_200);

/// How long the next process may take to come.
const NEXT_WITHIN: Duration = Duration::from_secs(20);

/// Measures svcctl and its peers.
pub(super) fn run(programs: &Programs) -> Result<String> {
    let sandbox = Sandbox::of(programs);
    let starts = sandbox.file("starts");
    install(&sandbox, &starts)?;
    let mut rows = String::new();
    row(
        &mut rows,
        "svcctl",
        Some((measure(&starts, TIMES, SOON)?, measure(&starts, TIMES_SLOW, AFTER_A_WHILE)?)),
    );
    sandbox.stop_daemon();
    row(&mut rows, "*a bare loop*", Some(bare_loop(&sandbox)?));
    for peer in PEERS {
        let starts = sandbox.file(peer.package);
        let place = sandbox.file(&format!("{}.d", peer.package));
        let running = peer.start(&place, &sandbox.fixture().note_start(&starts))?;
        let measured = running.as_ref().map(|_| both(&starts, TIMES_SLOW)).transpose()?;
        row(&mut rows, &format!("{} ({})", peer.program, peer.package), measured);
    }
    Ok(format!(
        "## Restart after a crash\n\nFrom kill -9 of a service's process to the first instruction of the next, without \
         a pause between. A process was killed {} ms or {} ms after its start. A bare loop starts the program, waits for \
         its end and starts it again: the floor, as far as the noise of the machine shows it. svcctl and supervisord capture the program's output, the \
         others do not.\n\n\
         | supervisor | killed after | n | min | median | p99 | max |\n|---|---|---|---|---|---|---|\n{rows}",
        SOON.as_millis(),
        AFTER_A_WHILE.as_millis()
    ))
}

fn bare_loop(sandbox: &Sandbox) -> Result<(Figures, Figures)> {
    let starts = sandbox.file("bare-loop");
    let _running = BareLoop::start(&sandbox.fixture().note_start(&starts));
    both(&starts, TIMES)
}

/// Measures processes that are killed soon, `times`, and those that have lived for a while.
fn both(starts: &Path, times: usize) -> Result<(Figures, Figures)> {
    Ok((measure(starts, times, SOON)?, measure(starts, TIMES_SLOW, AFTER_A_WHILE)?))
}

/// Installs and starts a service that is restarted at once, however often it ends: having run for a millisecond, its
/// next end counts as the first again.
pub(super) fn install(sandbox: &Sandbox, starts: &Path) -> Result<()> {
    let exec = serde_json::json!(sandbox.fixture().note_start(starts));
    let restart = "{backoff: {initial: 1ms, max: 1ms, reset_after: 1ms}}";
    let text = format!("spec: 1\nname: bench\nexec: {exec}\nrestart: {restart}\n");
    let file = sandbox.file("bench.yaml");
    std::fs::write(&file, text).context("failed to write a specification")?;
    sandbox.svcctl(&["install", "--now", "-f", &file.to_string_lossy()]).code(0);
    Ok(())
}

fn row(rows: &mut String, name: &str, measured: Option<(Figures, Figures)>) {
    let Some((soon, late)) = measured else {
        let _ = writeln!(rows, "| {name} | not installed | | | | | |");
        return;
    };
    for (figures, lived) in [(soon, SOON), (late, AFTER_A_WHILE)] {
        let _ = writeln!(rows, "| {name} | {} ms | {} |", lived.as_millis(), figures.row());
    }
}

/// Kills the program whose starts are noted in `starts`, each time `lived` after it began.
fn measure(starts: &Path, times: usize, lived: Duration) -> Result<Figures> {
    let mut process = next_start(starts, 0);
    let mut series = Vec::new();
    for _ in 0..times {
        // real delay: how long the process has lived is what the two rows differ in.
        std::thread::sleep(lived);
        let killed = monotonic();
        kill(process.pid);
        process = next_start(starts, process.at);
        series.push(Duration::from_nanos(process.at.saturating_sub(killed)));
    }
    Figures::of(series).context("nothing was measured")
}

/// A start as the program noted it.
pub(super) struct Start {
    /// The monotonic clock, in nanoseconds.
    pub(super) at: u64,
    /// The process.
    pub(super) pid: u32,
}

/// Waits for the last start in the file to be a later one than `after`.
pub(super) fn next_start(starts: &Path, after: u64) -> Start {
    wait_until(NEXT_WITHIN, "the next process", || {
        let text = std::fs::read_to_string(starts).ok()?;
        let (at, pid) = text.strip_suffix('\n')?.lines().last()?.split_once(' ')?;
        let start = Start { at: at.parse().ok()?, pid: pid.parse().ok()? };
        (start.at > after).then_some(start)
    })
}

/// The monotonic clock, in nanoseconds.
pub(super) fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
