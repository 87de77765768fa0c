//! What the daemon complained of lately.

use super::check::{Check, counted};
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// How much of the end of the log is read.
const TAIL_BYTES: u64 = 64 * 1024;
/// What is older was dealt with, or did not matter.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// What an error's line has behind its time.
const ERROR: &str = " error: ";

pub(super) fn check(path: &Path, now: Timestamp) -> Option<Check> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    Some(judge(&String::from_utf8_lossy(&bytes), path, now))
}

fn judge(text: &str, path: &Path, now: Timestamp) -> Check {
    const ID: &str = "daemon.log";
    let recent = |line: &&str| {
        let at = line.split(' ').next().and_then(|word| word.parse::<Timestamp>().ok());
        at.is_some_and(|at| now.duration_since(at) < RECENT)
    };
    let errors: Vec<&str> = text.lines().filter(|line| line.contains(ERROR)).filter(recent).collect();
    match errors.last().and_then(|line| line.split_once(ERROR)) {
        None => Check::ok(ID, "no error within a day"),
        Some((_, last)) => Check::warning(
            ID,
            format!("{} within a day, at last: {last}", counted(errors.len(), "error")),
            format!("read {}", path.display()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn errors_of_the_last_day_are_told() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let old = "2026-11-22T12:00:00.000Z svcctl error: failed to write\n";
        let warning = "2026-11-24T11:00:00.000Z svcctl warning: slow\nnot a line of ours\n";
        let judged = |text: &str| judge(text, Path::new("/l/svcctl.log"), now);
        assert_eq!(judged(&format!("{old}{warning}")).verdict, Verdict::Ok);
        let new = "2026-11-24T11:00:00.000Z svcctl error: failed to write the log\n";
        let found = judged(&format!("{old}{new}{warning}"));
        assert_eq!(found.text, "1 error within a day, at last: failed to write the log");
        assert_eq!(check(Path::new("/nowhere/svcctl.log"), now), None);
    }
}
