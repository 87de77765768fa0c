//! Clocks, boots and time zones.

use super::check::Check;
use jiff::Timestamp;
use std::path::Path;
use svcctl_core::time::Now;
use svcctl_os::clock;

/// Nobody had this version earlier (2026-11-01, in milliseconds): a clock before that is wrong.
const WRITTEN_AT_MS: i64 = 1_793_491_200_000;
/// Where the time zones are (tzfile(5)).
const ZONES: &str = "/usr/share/zoneinfo";

pub(super) fn check() -> Vec<Check> {
    let now = clock::now();
    vec![
        wall(now.wall.0),
        monotonic(now),
        boot(clock::boot_id().as_deref()),
        zones(Path::new(ZONES).is_dir()),
    ]
}

fn wall(ms: i64) -> Check {
    const ID: &str = "clock.wall";
    let shown =
        Timestamp::from_millisecond(ms).map_or_else(|_| "unknown".to_owned(), |now| format!("{now:.0}"));
    if ms < WRITTEN_AT_MS {
        let text = format!("it is {shown} by this clock, which is before svcctl was written");
        Check::problem(ID, text, "set the clock, or let NTP do it: schedules and logs go by it")
    } else {
        Check::ok(ID, shown)
    }
}

fn monotonic(now: Now) -> Check {
    const ID: &str = "clock.monotonic";
    if now.mono.0 > 0 {
        Check::ok(ID, "runs")
    } else {
        Check::problem(ID, "CLOCK_MONOTONIC stands at 0", "svcctl cannot measure pauses on this system")
    }
}

fn boot(id: Option<&str>) -> Check {
    const ID: &str = "clock.boot_id";
    match id {
        Some(_) => Check::ok(ID, "tells one boot from another"),
        None => Check::warning(
            ID,
            "the system does not tell one boot from another, so autostart has no effect after a boot",
            "mount /proc (/proc/sys/kernel/random/boot_id)",
        ),
    }
}

fn zones(there: bool) -> Check {
    const ID: &str = "clock.zones";
    if there {
        Check::ok(ID, format!("time zones are in {ZONES}"))
    } else {
        let text = format!("there are no time zones in {ZONES}; UTC is the only one");
        Check::warning(ID, text, "install tzdata, where schedules name a time zone")
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_seen() {
        assert_eq!(wall(0).verdict, Verdict::Problem);
        assert_eq!(wall(WRITTEN_AT_MS).text, "2026-11-01T00:00:00Z");
        assert_eq!(boot(None).verdict, Verdict::Warning);
        assert_eq!(zones(false).verdict, Verdict::Warning);
    }
}
