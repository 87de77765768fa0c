//! Counting tests: what libtest prints, read line by line.

use std::fmt;

/// How many tests did what.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many passed.
    pub(super) passed: u64,
    /// How many failed.
    pub(super) failed: u64,
    /// How many were skipped.
    pub(super) skipped: u64,
    /// The names of those that failed, as far as they are known.
    pub(super) failures: Vec<String>,
    /// The names of those that were skipped, each with its reason.
    pub(super) skips: Vec<String>,
}

impl Tally {
    /// A check that holds.
    pub(super) fn one_passed() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// A check that does not hold, and why.
    pub(super) fn one_failed(why: String) -> Self {
        Self { failed: 1, failures: vec![why], ..Self::default() }
    }

    /// Takes in another's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
    }

    /// Reads one line of libtest's output: a test's result, or the counts at a suite's end.
    pub(super) fn read_line(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count_before(counts, " passed");
            self.failed += count_before(counts, " failed");
            self.skipped += count_before(counts, " ignored");
        } else if let Some((name, result)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            if result == "FAILED" {
                self.failures.push(name.to_owned());
            } else if result.starts_with("ignored") {
                let reason = result.strip_prefix("ignored, ").unwrap_or("no reason given");
                self.skips.push(format!("{name}: {reason}"));
            }
        }
    }

    /// Ends a suite: one that failed without counting a failure (it does not build, or ended early) counts as one,
    /// and so does one in which no test ran.
    pub(super) fn finish(mut self, suite: &str, success: bool) -> Self {
        if !success && self.failed == 0 {
            self.add(Self::one_failed(format!("{suite}: it did not build, or ended early")));
        } else if self.passed + self.failed == 0 {
            self.add(Self::one_failed(format!("{suite}: no test ran")));
        }
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

fn count_before(counts: &str, word: &str) -> u64 {
    let Some((before, _)) = counts.split_once(word) else { return 0 };
    before
        .rsplit(|character: char| !character.is_ascii_digit())
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test a::adds ... ok
test a::divides ... FAILED
test a::flies ... ignored, needs wings
test a::waits ... ignored
test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";

    fn read(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_line(line));
        tally
    }

    #[test]
    fn counts_and_names_are_read() {
        let tally = read(OUTPUT);
        assert_eq!(tally.to_string(), "13 passed, 1 failed, 2 skipped");
        assert_eq!(tally.failures, ["a::divides"]);
        assert_eq!(tally.skips, ["a::flies: needs wings", "a::waits: no reason given"]);
    }

    #[test]
    fn the_count_has_no_skips_when_there_are_none() {
        assert_eq!(Tally::one_passed().to_string(), "1 passed, 0 failed");
    }

    #[test]
    fn a_suite_that_says_nothing_is_a_failure() {
        assert_eq!(read("").finish("unit", false).failed, 1);
        assert_eq!(read("").finish("unit", true).failed, 1);
        assert_eq!(read(OUTPUT).finish("unit", false).failed, 1);
    }
}
