//! The engine is killed again and again under load: no service ends for it, and every line stands in the log once.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// How many times the engine is killed.
const KILLS: u64 = 50;

/// How many services write lines, and how many crash all the time.
const WRITERS: usize = 6;
const CRASHERS: usize = 4;

/// How many lines a crasher writes before it dies.
const LINES: u32 = 3;

/// How many lines the writers' processes say that they have written, by pid.
fn written(directory: &Path) -> BTreeMap<u32, u64> {
    let entries = std::fs::read_dir(directory).expect("the directory of counts").flatten();
    let counts = entries.map(|entry| {
        let bytes = std::fs::read(entry.path()).expect("a count");
        let count = bytes.try_into().map_or(0, u64::from_le_bytes);
        (entry.file_name().to_string_lossy().parse().expect("a pid as the file's name"), count)
    });
    counts.collect()
}

/// All lines of one process: each from the first to the last that it noted, once and in order. One more may be there:
/// the process was ended between writing it and noting that.
fn check_lines(service: &str, pid: u32, written: u64, messages: &[String]) {
    let prefix = format!("{pid}.");
    let numbers = messages.iter().filter_map(|message| message.strip_prefix(&prefix)?.parse::<u64>().ok());
    let numbers: Vec<u64> = numbers.collect();
    let first_wrong = numbers.iter().zip(0..).find(|(number, expected)| *number != expected);
    assert_eq!(first_wrong, None, "{service}: a line is missing, doubled or out of its order");
    let count = u64::try_from(numbers.len()).expect("a count of lines fits");
    assert!(
        count == written || count == written + 1,
        "{service}: {written} lines written, {count} in the log"
    );
}

/// How long an engine lives before it is killed: a second, after which its start counts as a good one and the next
/// follows at once, and then a time that differs, so that it dies at different moments of its work.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(1_000 + kill * 37 % 97)
}

#[test]
fn no_service_ends_and_no_line_is_lost_when_the_engine_dies() {
    let sandbox = Sandbox::new();
    let counts = sandbox.make_directory("counts");
    let writers: Vec<String> = (0..WRITERS).map(|number| format!("writer-{number}")).collect();
    let crashers: Vec<String> = (0..CRASHERS).map(|number| format!("crasher-{number}")).collect();
    for writer in &writers {
        sandbox.install(writer, &[], &sandbox.fixture().lines(&counts, 500));
    }
    let endless = u32::MAX;
    for crasher in &crashers {
        let program = sandbox.fixture().last_words(&sandbox.file(crasher), LINES, endless);
        sandbox.install(crasher, &["--restart", "always", "--restart-delay", "20ms"], &program);
    }
    sandbox.svcctl(&["start", "--all", "--no-wait"]).code(0);
    for writer in &writers {
        sandbox.wait_for(writer, "runs", |status| status["state"] == "RUNNING");
    }
    let pids: Vec<u32> = writers.iter().map(|writer| sandbox.pid(writer)).collect();

    for kill in 0..KILLS {
        sandbox.kill_engine();
        // real delay: the moment of the next kill is the test's own choice.
        std::thread::sleep(moment(kill));
    }

    let after: Vec<u32> = writers.iter().map(|writer| sandbox.pid(writer)).collect();
    assert_eq!(after, pids, "writers were ended");
    let runs_before = run_sizes(&sandbox, &crashers);
    wait_until(SOON, "crashers go on", || {
        let now = run_sizes(&sandbox, &crashers);
        now.iter().zip(&runs_before).all(|(now, before)| now > before).then_some(())
    });
    leave_recovery(&sandbox);
    assert_eq!(
        writers.iter().map(|writer| sandbox.pid(writer)).collect::<Vec<_>>(),
        pids,
        "writers were ended"
    );
    sandbox.svcctl(&["stop", "--all"]).code(0);
    for (writer, pid) in writers.iter().zip(pids) {
        let written = written(&counts)[&pid];
        assert!(written > KILLS, "{writer} wrote only {written} lines");
        check_lines(writer, pid, written, &sandbox.messages(writer));
    }
    for crasher in &crashers {
        check_crasher(&sandbox, crasher);
    }
}

/// After so many deaths the engine takes no changes for a while and says so; a planned new one does.
fn leave_recovery(sandbox: &Sandbox) {
    assert_eq!(sandbox.daemon()["recovery"], true);
    sandbox.svcctl(&["restart", "--all"]).code(10).says("try again in a minute");
    sandbox.svcctl(&["daemon", "stop", "--keep-services"]).code(0);
    sandbox.svcctl(&["daemon", "--background"]).code(0);
    assert_eq!(sandbox.daemon()["recovery"], false);
}

fn run_sizes(sandbox: &Sandbox, crashers: &[String]) -> Vec<u64> {
    crashers
        .iter()
        .map(|name| std::fs::metadata(sandbox.file(name)).map_or(0, |metadata| metadata.len()))
        .collect()
}

/// Each run of a crasher has all its lines in the log once; the last run may have been ended before it wrote.
fn check_crasher(sandbox: &Sandbox, crasher: &str) {
    let runs = run_sizes(sandbox, &[crasher.to_owned()])[0];
    let messages = sandbox.messages(crasher);
    let unique: BTreeSet<&String> = messages.iter().collect();
    assert_eq!(unique.len(), messages.len(), "{crasher}: lines are doubled");
    let complete = runs - 1;
    let expected = (0..complete).flat_map(|run| (0..LINES).map(move |line| format!("{run}.{line}")));
    let missing: Vec<String> = expected.filter(|line| !unique.contains(line)).collect();
    assert!(missing.is_empty(), "{crasher}: {} lines of {runs} runs are missing: {missing:?}", missing.len());
}
