//! Durations as people write them: `30s`, `1m30s`, `500ms`, `2h`, `1d`.
//!
//! Whole numbers with units only, from the largest unit to the smallest. Fractions and bare numbers are refused,
//! because a reader cannot know which unit was meant.

use std::fmt::Write as _;
use std::time::Duration;

/// The longest duration that a specification may hold: ten years of 365 days.
pub const LONGEST: Duration = Duration::from_hours(3_650 * 24);

/// The units, from the largest to the smallest, each with its length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing was given.
    #[error("is empty; a duration is written like \"30s\", \"1m30s\" or \"500ms\"")]
    Empty,
    /// A number without a unit.
    #[error("has no unit; write \"{0}s\" for seconds, \"{0}ms\" for milliseconds")]
    NoUnit(u64),
    /// A unit that does not exist.
    #[error("has the unknown unit {0:?}; the units are d, h, m, s and ms")]
    UnknownUnit(String),
    /// A smaller unit before a larger one, or the same twice.
    #[error("has its units out of order; the largest comes first, each once, as in \"1h30m\"")]
    Order,
    /// Something that is no number where one must stand.
    #[error("is not a duration; write whole numbers with units, as in \"30s\", \"1m30s\" or \"500ms\"")]
    NotANumber,
    /// More than [`LONGEST`].
    #[error("is longer than 3650d, the longest that is allowed")]
    TooLong,
}

/// Reads a duration.
///
/// # Errors
/// [`DurationError`] says what is wrong and how it is written.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total_ms: u64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, unit, after) = split_part(rest)?;
        let at = UNITS.iter().position(|(name, _)| *name == unit);
        let at = at.ok_or_else(|| DurationError::UnknownUnit(unit.to_owned()))?;
        if at < next_unit {
            return Err(DurationError::Order);
        }
        next_unit = at + 1;
        let part = number.checked_mul(UNITS[at].1).ok_or(DurationError::TooLong)?;
        total_ms = total_ms.checked_add(part).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    let total = Duration::from_millis(total_ms);
    if total > LONGEST { Err(DurationError::TooLong) } else { Ok(total) }
}

/// Takes one number with its unit from the front of `text`.
fn split_part(text: &str) -> Result<(u64, &str, &str), DurationError> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if digits == 0 {
        return Err(DurationError::NotANumber);
    }
    let number: u64 = text[..digits].parse().map_err(|_| DurationError::TooLong)?;
    let tail = &text[digits..];
    let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
    if letters == 0 {
        return Err(if tail.is_empty() { DurationError::NoUnit(number) } else { DurationError::NotANumber });
    }
    Ok((number, &tail[..letters], &tail[letters..]))
}

/// Writes a duration so that [`parse`] reads the same again: `1m30s`. What is below a millisecond is left out.
pub fn format(duration: Duration) -> String {
    parts(duration, "", "")
}

/// Writes a duration for a sentence, rounded to what a reader wants to know: `4 s`, `3.9 s`, `1 m 30 s`, `200 ms`.
pub fn for_people(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms < 1_000 {
        return format!("{ms} ms");
    }
    if ms < 10_000 {
        let tenths = ms.saturating_add(50) / 100;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        return if tenth == 0 { format!("{whole} s") } else { format!("{whole}.{tenth} s") };
    }
    let whole_seconds = ms.saturating_add(500) / 1_000;
    parts(Duration::from_secs(whole_seconds), " ", " ")
}

fn parts(duration: Duration, before_unit: &str, between: &str) -> String {
    let mut rest_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest_ms == 0 {
        return format!("0{before_unit}s");
    }
    let mut text = String::new();
    for (unit, length_ms) in UNITS {
        let count = rest_ms / length_ms;
        rest_ms %= length_ms;
        if count > 0 {
            let gap = if text.is_empty() { "" } else { between };
            // Writing into a String cannot fail.
            let _ = write!(text, "{gap}{count}{before_unit}{unit}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, ms) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_by_its_reason() {
        assert_eq!(parse(""), Err(DurationError::Empty));
        assert_eq!(parse("30"), Err(DurationError::NoUnit(30)));
        assert_eq!(parse("30 s"), Err(DurationError::NotANumber));
        assert_eq!(parse("1.5s"), Err(DurationError::NotANumber));
        assert_eq!(parse("-5s"), Err(DurationError::NotANumber));
        assert_eq!(parse("5w"), Err(DurationError::UnknownUnit("w".into())));
        assert_eq!(parse("30s1m"), Err(DurationError::Order));
        assert_eq!(parse("1s2s"), Err(DurationError::Order));
        assert_eq!(parse("3651d"), Err(DurationError::TooLong));
        assert_eq!(parse("99999999999999999999s"), Err(DurationError::TooLong));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut rng = crate::rng::Rng::new(7);
        for _ in 0..1_000 {
            let bits = rng.below(40);
            let duration = Duration::from_millis(rng.below(1 << bits).min(300_000_000_000));
            assert_eq!(parse(&format(duration)), Ok(duration));
        }
    }

    #[test]
    fn people_read_rounded_durations() {
        for (ms, text) in [
            (0, "0 ms"),
            (200, "200 ms"),
            (4_000, "4 s"),
            (3_870, "3.9 s"),
            (9_990, "10 s"),
            (59_600, "1 m"),
            (90_000, "1 m 30 s"),
            (600_000, "10 m"),
        ] {
            assert_eq!(for_people(Duration::from_millis(ms)), text);
        }
    }
}
