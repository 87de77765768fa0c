//! The supervisor in a simulated world: processes, clock, disk, keeper and driver are models, everything is drawn
//! from a seed, and after every step the invariants of the core are checked against what the world itself knows.
//!
//! `SVCCTL_SIM_SEEDS` (10,000) is how many seeds are run, from `SVCCTL_SIM_START` (1); `SVCCTL_SIM_SEED` runs that one
//! and prints its trace. A seed that failed is kept in `seeds.txt` and is run first from then on.

mod around;
mod check;
mod driver;
mod engine;
mod keeper;
mod known;
mod model;
mod plan;
mod policy;
mod program;
mod settled;
mod world;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Report, World};

/// How many seeds are run when nothing is said.
const SEEDS_DEFAULT: u64 = 10_000;
/// How many seeds are run at the same time.
const THREADS: usize = 2;
/// Seeds that failed once.
const KEPT: &str = include_str!("seeds.txt");

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, and is {text:?}")))
}

fn kept_seeds() -> impl Iterator<Item = u64> {
    let lines = KEPT.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let first = line.split_whitespace().next().unwrap_or_default();
        first.parse().expect("a line of seeds.txt begins with a number")
    })
}

fn keep(seed: u64, why: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/seeds.txt");
    let first_line = why.lines().next().unwrap_or_default();
    if kept_seeds().any(|kept| kept == seed) || std::env::var_os("SVCCTL_SIM_KEEP_NOT").is_some() {
        return;
    }
    let file = OpenOptions::new().append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{seed} {first_line}"));
    written.expect("the failed seed is written to seeds.txt");
}

fn fail(seed: u64, why: &str, trace: &[String]) -> ! {
    eprintln!("{}", trace.join("\n"));
    eprintln!("seed {seed}: {why}");
    eprintln!("again: SVCCTL_SIM_SEED={seed} cargo test -p svcctl-core --test sim");
    panic!("the simulation failed with seed {seed}: {why}");
}

#[test]
fn the_invariants_hold_in_every_world() {
    if let Some(seed) = number("SVCCTL_SIM_SEED") {
        let (report, trace) = World::new(seed, true).run();
        match report {
            Ok(report) => println!("{}\nseed {seed} holds: {} steps", trace.join("\n"), report.steps),
            Err(why) => fail(seed, &why, &trace),
        }
        return;
    }
    let start = number("SVCCTL_SIM_START").unwrap_or(1);
    let count = number("SVCCTL_SIM_SEEDS").unwrap_or(SEEDS_DEFAULT);
    let seeds: Vec<u64> = kept_seeds().chain(start..start.saturating_add(count)).collect();
    let total = run_all(&seeds);
    println!("simulated {} seeds, {} steps, {} engine deaths", seeds.len(), total.steps, total.deaths);
}

/// Runs every seed; the first of the list that fails is told with its trace.
fn run_all(seeds: &[u64]) -> Report {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut total = Report::default();
        loop {
            let index = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("there are few seeds");
            let Some(&seed) = seeds.get(index) else { return Ok(total) };
            match World::new(seed, false).run().0 {
                Ok(report) => total = total.and(report),
                Err(why) => {
                    next.fetch_add(u64::from(u32::MAX), Ordering::Relaxed);
                    return Err((index, seed, why));
                }
            }
        }
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        handles.into_iter().map(|handle| handle.join().expect("a worker ends")).collect()
    });
    let first_failure = results.iter().filter_map(|result| result.as_ref().err()).min();
    if let Some((index, seed, why)) = first_failure {
        keep(*seed, why);
        eprintln!("failed after {} seeds", index + 1);
        fail(*seed, why, &World::new(*seed, true).run().1);
    }
    results.into_iter().flatten().fold(Report::default(), Report::and)
}
