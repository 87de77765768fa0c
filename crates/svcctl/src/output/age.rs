//! Times for people: how long ago, and when.

use jiff::{SignedDuration, Timestamp};

const SECONDS_OF_MINUTE: i64 = 60;
const SECONDS_OF_HOUR: i64 = 3_600;
const SECONDS_OF_DAY: i64 = 86_400;

/// How long it is from `then` (RFC 3339) to `now`, in its two largest units: `4s`, `2m 5s`, `3h 10m`, `12d 4h`.
/// A text that is no time, or one in the future, gives `-`.
pub(crate) fn since(then: &str, now: Timestamp) -> String {
    let Ok(then) = then.parse::<Timestamp>() else { return "-".to_owned() };
    let passed = now.duration_since(then);
    if passed < SignedDuration::ZERO { "-".to_owned() } else { length(passed.as_secs()) }
}

fn length(seconds: i64) -> String {
    let parts = |large: i64, unit: char, rest: i64, small: i64, small_unit: char| match rest / small {
        0 => format!("{large}{unit}"),
        count => format!("{large}{unit} {count}{small_unit}"),
    };
    if seconds < SECONDS_OF_MINUTE {
        format!("{seconds}s")
    } else if seconds < SECONDS_OF_HOUR {
        parts(seconds / SECONDS_OF_MINUTE, 'm', seconds % SECONDS_OF_MINUTE, 1, 's')
    } else if seconds < SECONDS_OF_DAY {
        parts(seconds / SECONDS_OF_HOUR, 'h', seconds % SECONDS_OF_HOUR, SECONDS_OF_MINUTE, 'm')
    } else {
        parts(seconds / SECONDS_OF_DAY, 'd', seconds % SECONDS_OF_DAY, SECONDS_OF_HOUR, 'h')
    }
}

/// A time (RFC 3339) to the second, in UTC: `2026-11-23 05:35:10Z`. A text that is no time stays as it is.
pub(crate) fn moment(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(at) => {
            format!("{:.0}", Timestamp::from_second(at.as_second()).unwrap_or(at)).replacen('T', " ", 1)
        }
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_their_two_largest_units() {
        let now: Timestamp = "2026-11-23T05:35:10.500Z".parse().unwrap();
        for (then, age) in [
            ("2026-11-23T05:35:10.400Z", "0s"),
            ("2026-11-23T05:34:30Z", "40s"),
            ("2026-11-23T05:33:10Z", "2m"),
            ("2026-11-23T05:33:05Z", "2m 5s"),
            ("2026-11-23T02:25:09Z", "3h 10m"),
            ("2026-11-11T01:20:00Z", "12d 4h"),
            ("2026-11-23T05:35:11Z", "-"),
            ("unknown", "-"),
        ] {
            assert_eq!(since(then, now), age, "{then}");
        }
    }

    #[test]
    fn a_moment_is_told_to_the_second() {
        assert_eq!(moment("2026-11-23T05:35:10.999Z"), "2026-11-23 05:35:10Z");
        assert_eq!(moment("unknown"), "unknown");
    }
}
