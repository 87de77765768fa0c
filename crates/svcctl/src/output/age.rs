//! Times for people: how long ago, in how long, and when. One style everywhere: `4 s`, `2 m 5 s`, `3 h 10 m`, `12 d 4 h`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const SECONDS_OF_MINUTE: i64 = 60;
const SECONDS_OF_HOUR: i64 = 3_600;
const SECONDS_OF_DAY: i64 = 86_400;

/// How long it is from `then` (RFC 3339) to `now`, in its two largest units: `4 s`, `2 m 5 s`, `3 h 10 m`, `12 d 4 h`.
/// A text that is no time, or one in the future, gives `-`.
pub(crate) fn since(then: &str, now: Timestamp) -> String {
    passed(then, now).map_or_else(|| "-".to_owned(), length)
}

/// As [`since`], in the largest unit alone, for where it need not be exact: `3 m ago`; `just now` below a second.
pub(crate) fn ago(then: &str, now: Timestamp) -> String {
    match passed(then, now) {
        None => then.to_owned(),
        Some(0) => "just now".to_owned(),
        Some(seconds) => format!("{} ago", coarse(seconds)),
    }
}

/// How long it is from `now` to `then` (RFC 3339), in the largest unit, rounded: `in 5 h`; `now` where it is due.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> String {
    let left = then.duration_since(now);
    if left <= SignedDuration::ZERO { "now".to_owned() } else { format!("in {}", rounded(left.as_secs())) }
}

fn passed(then: &str, now: Timestamp) -> Option<i64> {
    let passed = now.duration_since(then.parse::<Timestamp>().ok()?);
    (passed >= SignedDuration::ZERO).then(|| passed.as_secs())
}

/// The two largest units of a length in seconds.
pub(crate) fn length(seconds: i64) -> String {
    let parts = |large: i64, unit: char, rest: i64, small: i64, small_unit: char| match rest / small {
        0 => format!("{large} {unit}"),
        count => format!("{large} {unit} {count} {small_unit}"),
    };
    if seconds < SECONDS_OF_MINUTE {
        format!("{seconds} s")
    } else if seconds < SECONDS_OF_HOUR {
        parts(seconds / SECONDS_OF_MINUTE, 'm', seconds % SECONDS_OF_MINUTE, 1, 's')
    } else if seconds < SECONDS_OF_DAY {
        parts(seconds / SECONDS_OF_HOUR, 'h', seconds % SECONDS_OF_HOUR, SECONDS_OF_MINUTE, 'm')
    } else {
        parts(seconds / SECONDS_OF_DAY, 'd', seconds % SECONDS_OF_DAY, SECONDS_OF_HOUR, 'h')
    }
}

/// The largest unit of a length in seconds.
fn coarse(seconds: i64) -> String {
    let unit = if seconds < SECONDS_OF_MINUTE {
        1
    } else if seconds < SECONDS_OF_HOUR {
        SECONDS_OF_MINUTE
    } else if seconds < SECONDS_OF_DAY {
        SECONDS_OF_HOUR
    } else {
        SECONDS_OF_DAY
    };
    length(seconds - seconds % unit)
}

/// As [`coarse`], to the nearest: 4 h 50 m are 5 h.
fn rounded(seconds: i64) -> String {
    let unit = if seconds < 2 * SECONDS_OF_MINUTE {
        1
    } else if seconds < 2 * SECONDS_OF_HOUR {
        SECONDS_OF_MINUTE
    } else if seconds < 2 * SECONDS_OF_DAY {
        SECONDS_OF_HOUR
    } else {
        SECONDS_OF_DAY
    };
    let count = (seconds + unit / 2) / unit;
    match unit {
        SECONDS_OF_DAY => format!("{count} d"),
        SECONDS_OF_HOUR => format!("{count} h"),
        SECONDS_OF_MINUTE => format!("{count} m"),
        _ => format!("{count} s"),
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

/// A time on the clock of a zone: that of the IANA name, else this machine's; UTC where the zone is not known.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    name: String,
}

impl Clock {
    /// The clock of the zone with this IANA name, or of this machine's zone.
    pub(crate) fn of(zone: Option<&str>) -> Self {
        let utc = || Self { zone: TimeZone::UTC, name: "UTC".to_owned() };
        let known = match zone {
            Some(name) => TimeZone::get(name).ok(),
            None => TimeZone::try_system().ok(),
        };
        let Some(found) = known else { return utc() };
        match zone.or_else(|| found.iana_name()).map(str::to_owned) {
            Some(name) => Self { zone: found, name },
            None => utc(),
        }
    }

    /// The time of day: `02:30`; with the date where that is not the day of `now`: `11-25 02:30`.
    pub(crate) fn short(&self, at: Timestamp, now: Timestamp) -> String {
        let (at, today) = (at.to_zoned(self.zone.clone()), now.to_zoned(self.zone.clone()).date());
        if at.date() == today {
            at.strftime("%H:%M").to_string()
        } else {
            at.strftime("%m-%d %H:%M").to_string()
        }
    }

    /// All of it: `2026-11-25 02:30 Europe/Prague`.
    pub(crate) fn long(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        let pattern = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        format!("{} {}", local.strftime(pattern), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T05:35:10.500Z".parse().unwrap()
    }

    #[test]
    fn ages_have_their_two_largest_units() {
        for (then, age) in [
            ("2026-11-23T05:35:10.400Z", "0 s"),
            ("2026-11-23T05:34:30Z", "40 s"),
            ("2026-11-23T05:33:10Z", "2 m"),
            ("2026-11-23T05:33:05Z", "2 m 5 s"),
            ("2026-11-23T02:25:09Z", "3 h 10 m"),
            ("2026-11-11T01:20:00Z", "12 d 4 h"),
            ("2026-11-23T05:35:11Z", "-"),
            ("unknown", "-"),
        ] {
            assert_eq!(since(then, now()), age, "{then}");
        }
    }

    #[test]
    fn what_was_and_what_comes_is_told_in_one_unit() {
        for (then, text) in [
            ("2026-11-23T05:35:10.400Z", "just now"),
            ("2026-11-23T05:32:05Z", "3 m ago"),
            ("2026-11-20T02:25:09Z", "3 d ago"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(ago(then, now()), text, "{then}");
        }
        for (then, text) in [
            ("2026-11-23T05:35:14.500Z", "in 4 s"),
            ("2026-11-23T05:36:50Z", "in 99 s"),
            ("2026-11-23T10:25:00Z", "in 5 h"),
            ("2026-11-25T05:35:11Z", "in 2 d"),
            ("2026-11-23T05:35:10Z", "now"),
        ] {
            assert_eq!(until(then.parse().unwrap(), now()), text, "{then}");
        }
    }

    #[test]
    fn a_moment_is_told_to_the_second() {
        assert_eq!(moment("2026-11-23T05:35:10.999Z"), "2026-11-23 05:35:10Z");
        assert_eq!(moment("unknown"), "unknown");
    }

    #[test]
    fn a_clock_shows_the_time_of_its_zone() {
        let at: Timestamp = "2026-11-24T01:30:00Z".parse().unwrap();
        let prague = Clock::of(Some("Europe/Prague"));
        assert_eq!(prague.long(at), "2026-11-24 02:30 Europe/Prague");
        assert_eq!(prague.short(at, now()), "11-24 02:30");
        assert_eq!(prague.short(at, at), "02:30");
        assert_eq!(Clock::of(Some("Nowhere/Land")).long(at), "2026-11-24 01:30 UTC");
    }
}
