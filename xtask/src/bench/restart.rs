//! kill -9 of a service until the first instruction of its next process.
//!
//! The program notes the monotonic clock as the first thing it does, so that looking for its note costs nothing that is
//! measured. Some supervisors hold back a program that ran for less than a second; both cases are measured.

use super::daemon::Daemon;
use super::guard::{Guarded, Times};
use super::load::{self, Load};
use super::peers::PEERS;
use super::table::{Table, ratio};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;
use svcctl_tests::processes::kill;
use svcctl_tests::{Programs, Sandbox, wait_until};

/// How often svcctl's service and the bare loop's program are killed soon after their start: in blocks by turns, so
/// that a noisy moment is noisy for both.
const BLOCKS: usize = 15;
const TIMES_BLOCK: usize = 20;

/// How often both are killed after a while, and the peers' programs in both cases: most take a second or two each.
const TIMES_SLOW: usize = 20;

/// How long a process lives before it is killed.
const SOON: Duration = Duration::from_millis(20);
const AFTER_A_WHILE: Duration = Duration::from_millis(1_100);

/// How long the next process may take to come.
const NEXT_WITHIN: Duration = Duration::from_secs(20);

/// The median that is aimed at, as a multiple of the bare loop's.
const GOAL: f64 = 1.5;

const SVCCTL: &str = "svcctl";
const BARE: &str = "*a bare loop*";

/// Measures svcctl and its peers.
pub(super) fn run(programs: &Programs) -> Result<String> {
    let base = Some("a bare loop");
    let mut tables = Tables { soon: Table::new("supervisor", base), late: Table::new("supervisor", base) };
    svcctl_and_bare_loop(programs, &mut tables)?;
    let sandbox = Sandbox::of(programs);
    for peer in PEERS {
        let starts = sandbox.file(peer.package);
        let place = sandbox.file(&format!("{}.d", peer.package));
        let running = peer.start(&place, &sandbox.fixture().note_start(&starts))?;
        let name = format!("{} ({})", peer.program, peer.package);
        let measure = |lived| running.as_ref().map(|_| measure(&starts, TIMES_SLOW, lived));
        tables.soon.measure(&name, || Ok(measure(SOON)))?;
        tables.late.measure(&name, || Ok(measure(AFTER_A_WHILE)))?;
    }
    Ok(tables.render())
}

/// One for processes that are killed soon, one for those that have lived for a while.
struct Tables {
    soon: Table,
    late: Table,
}

impl Tables {
    fn render(&self) -> String {
        let medians = self.soon.median(SVCCTL).zip(self.soon.median(BARE));
        let verdict = medians.map_or_else(String::new, |(svcctl, bare)| {
            let reached = svcctl.as_secs_f64() <= GOAL * bare.as_secs_f64();
            format!("{} ({})", if reached { "reached" } else { "missed" }, ratio(svcctl, bare))
        });
        let loads = [self.soon.loads(), self.late.loads()].concat();
        format!(
            "## Restart after a crash\n\nFrom kill -9 of a service's process to the first instruction of the next, \
             without a pause between. A bare loop starts the program, waits for its end and starts it again: the floor, \
             as far as the noise of the machine shows it. svcctl and the bare loop are measured by turns. svcctl and \
             supervisord capture the program's output, the others do not. Goal: svcctl's median at most {GOAL} × the bare \
             loop's, {verdict}.\n\nA process killed {} ms after its start:\n\n{}\nA process killed {} ms after its \
             start:\n\n{}\n{}",
            SOON.as_millis(),
            self.soon.rows(),
            AFTER_A_WHILE.as_millis(),
            self.late.rows(),
            load::remark(&loads)
        )
    }
}

fn svcctl_and_bare_loop(programs: &Programs, tables: &mut Tables) -> Result<()> {
    let svcctl = Daemon::start(programs)?;
    let (ours, bare) = (svcctl.sandbox.file("starts"), svcctl.sandbox.file("bare-loop"));
    install(&svcctl.sandbox, &ours)?;
    let place = svcctl.sandbox.make_directory("bare-loop.d");
    let _running = Guarded::start(Times::Again, &svcctl.sandbox.fixture().note_start(&bare), &place)?;
    let load = Load::watch();
    let (mut of_svcctl, mut of_bare) = (Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        of_svcctl.extend(measure(&ours, TIMES_BLOCK, SOON));
        of_bare.extend(measure(&bare, TIMES_BLOCK, SOON));
    }
    tables.soon.add(SVCCTL, Some(of_svcctl), load.clone());
    tables.soon.add(BARE, Some(of_bare), load);
    let load = Load::watch();
    let [of_svcctl, of_bare] = by_turns(&[ours, bare]);
    tables.late.add(SVCCTL, Some(of_svcctl), load.clone());
    tables.late.add(BARE, Some(of_bare), load);
    Ok(())
}

/// Kills two programs by turns, so that each has lived for [`AFTER_A_WHILE`] when its turn comes.
fn by_turns(starts: &[PathBuf; 2]) -> [Vec<Duration>; 2] {
    let mut processes = [0, 1].map(|one: usize| next_start(&starts[one], 0));
    let mut series = [Vec::new(), Vec::new()];
    for _ in 0..TIMES_SLOW {
        for one in [0, 1] {
            // real delay: half of how long each lives; the other half passes at the other's turn.
            std::thread::sleep(AFTER_A_WHILE / 2);
            let (took, next) = kill_and_see(&starts[one], &processes[one]);
            series[one].push(took);
            processes[one] = next;
        }
    }
    series
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

/// Kills the program whose starts are noted in `starts`, each time `lived` after it began.
fn measure(starts: &Path, times: usize, lived: Duration) -> Vec<Duration> {
    let mut process = next_start(starts, 0);
    let mut series = Vec::new();
    for _ in 0..times {
        // real delay: how long the process has lived is what the two tables differ in.
        std::thread::sleep(lived);
        let (took, next) = kill_and_see(starts, &process);
        series.push(took);
        process = next;
    }
    series
}

/// Kills a process, and sees how long its next one takes.
fn kill_and_see(starts: &Path, process: &Start) -> (Duration, Start) {
    let killed = monotonic();
    kill(process.pid);
    let next = next_start(starts, process.at);
    (Duration::from_nanos(next.at.saturating_sub(killed)), next)
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
