//! When a schedule is due next, over every change of summer time.
//!
//! A cron expression is read in the local time of a zone. Where that time jumps, it does what cron and systemd users
//! expect:
//!
//! - **Times of the day** (`30 2 * * *`: neither minute nor hour begins with `*`) are for once a day. One that the
//!   clock skips in spring is due at the first moment after the gap, and all that are skipped together are due once.
//!   One that the clock passes twice in autumn is due the first time only.
//! - **Real time** (`*/10 * * * *`, `0 * * * *`, `0 */2 * * *`: minute or hour begins with `*`) goes on evenly: both of
//!   the doubled hours have their due times, and those of a skipped hour do not exist.
//!
//! The same holds for other jumps (a country that changes its zone, a day that is left out) of whatever length.

use super::Timing;
use super::cron::Cron;
use crate::time::Wall;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The most changes of a zone's offset, and the most doubled minutes, that a search goes over: forty years of two
/// changes each, and a doubled day, are less.
const STEPS_MAX: usize = 4_096;

impl Cron {
    /// The first time strictly after `after` at which it is due in `zone`; always a whole minute of local time. `None`
    /// if there is none within forty years, or the calendar ends before.
    pub fn next_after(&self, after: Wall, zone: &TimeZone) -> Option<Wall> {
        let after = Timestamp::from_millisecond(after.0).ok()?;
        let due =
            if self.floats() { self.next_of_real_time(after, zone) } else { self.next_of_day(after, zone) }?;
        Some(Wall(due.as_millisecond()))
    }

    /// Goes from one change of the offset to the next: between two of them, local time is even.
    fn next_of_real_time(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = after.checked_add(SignedDuration::from_nanos(1)).ok()?;
        for _ in 0..STEPS_MAX {
            let offset = zone.to_offset(from);
            let found = offset.to_timestamp(self.next_match(minute_from(offset.to_datetime(from))?)?).ok()?;
            match zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if change <= found => from = change,
                Some(_) | None => return Some(found),
            }
        }
        None
    }

    /// Goes from one match in the calendar to the next; their due times never go backwards.
    fn next_of_day(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = minute_of(zone.to_datetime(after));
        for _ in 0..STEPS_MAX {
            let found = self.next_match(from)?;
            let due = due_at(found, zone)?;
            if due > after {
                return Some(due);
            }
            from = found.checked_add(SignedDuration::from_mins(1)).ok()?;
        }
        None
    }
}

/// When a time of the calendar is due: at its first passing, or where it is skipped, at the end of the gap.
fn due_at(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { before, after } => {
            // The change lies after what the later offset makes of the time, and not after what the earlier one does.
            let (earliest, latest) = (after.to_timestamp(local).ok()?, before.to_timestamp(local).ok()?);
            let end = zone.following(earliest).find(|change| change.offset() == after);
            end.map(|change| change.timestamp()).filter(|end| *end <= latest).or(Some(latest))
        }
    }
}

/// The minute that a time is in.
fn minute_of(time: DateTime) -> DateTime {
    time.date().at(time.hour(), time.minute(), 0, 0)
}

/// The first minute that begins at a time or after it.
fn minute_from(time: DateTime) -> Option<DateTime> {
    let minute = minute_of(time);
    if minute == time { Some(minute) } else { minute.checked_add(SignedDuration::from_mins(1)).ok() }
}

/// The first time strictly after `after` that `timing` is due in `zone`: for an interval, `after` itself is the last
/// due time. `None` if there is none.
pub fn next_due(timing: &Timing, after: Wall, zone: &TimeZone) -> Option<Wall> {
    match timing {
        Timing::Cron(cron) => cron.next_after(after, zone),
        Timing::Every(interval) => after.0.checked_add(interval_ms(*interval)).map(Wall),
    }
}

/// How many times `timing` was due in `(from, until]`, at most `most`; and the last of all those times (also where
/// more than `most` were). For an interval, `from` itself is the last due time before. None if `until` is not after `from`.
pub fn count_due(
    timing: &Timing,
    from: Wall,
    until: Wall,
    zone: &TimeZone,
    most: u64,
) -> (u64, Option<Wall>) {
    if until <= from {
        return (0, None);
    }
    match timing {
        Timing::Every(interval) => {
            let span = u64::try_from(i128::from(until.0) - i128::from(from.0)).unwrap_or(u64::MAX);
            let (interval, span) = (interval_ms(*interval), i64::try_from(span).unwrap_or(i64::MAX));
            let count = span / interval;
            let last = from.0.checked_add(count.saturating_mul(interval));
            (count.unsigned_abs().min(most), last.filter(|_| count > 0).map(Wall))
        }
        Timing::Cron(cron) => {
            let due_by = |after: Wall| cron.next_after(after, zone).filter(|due| *due <= until);
            let (mut count, mut last) = (0, None);
            while count < most
                && let Some(due) = due_by(last.unwrap_or(from))
            {
                (count, last) = (count + 1, Some(due));
            }
            (count, last_due(last.unwrap_or(from), until, due_by).or(last))
        }
    }
}

/// The last of the due times after `from`, found by halving: the later one asks, the later is the answer.
fn last_due(from: Wall, until: Wall, due_by: impl Fn(Wall) -> Option<Wall>) -> Option<Wall> {
    let mut found = due_by(from)?;
    let mut none_after = until;
    while found < none_after {
        let middle = Wall(found.0 + (none_after.0 - found.0) / 2);
        match due_by(middle) {
            Some(due) => found = due,
            None => none_after = middle,
        }
    }
    Some(found)
}

/// An interval in milliseconds; at least one, so that nothing is due without end at one moment.
fn interval_ms(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("the zone is in the tests' database")
    }

    /// Every due time in `(from, until]`.
    fn due(cron: &str, zone_name: &str, from: &str, until: &str) -> Vec<String> {
        let (cron, zone) = (Cron::parse(cron).expect(cron), zone(zone_name));
        let wall = |text: &str| Wall(text.parse::<Timestamp>().expect(text).as_millisecond());
        let (mut after, until) = (wall(from), wall(until));
        let mut found = Vec::new();
        while let Some(next) = cron.next_after(after, &zone).filter(|next| *next <= until) {
            let time = Timestamp::from_millisecond(next.0).expect("this is a time");
            found.push(time.to_zoned(zone.clone()).strftime("%m-%d %H:%M%:z").to_string());
            after = next;
        }
        found
    }

    const SPRING: (&str, &str) = ("2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z");
    const AUTUMN: (&str, &str) = ("2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z");

    #[test]
    fn a_skipped_time_of_the_day_is_due_once_after_the_gap() {
        let spring = |cron| due(cron, "Europe/Prague", SPRING.0, SPRING.1);
        assert_eq!(spring("30 2 * * *"), ["03-29 03:00+02:00"]);
        assert_eq!(spring("0,15,30 2 * * *"), ["03-29 03:00+02:00"]);
        assert_eq!(spring("0 2,3 * * *"), ["03-29 03:00+02:00"]);
        assert_eq!(spring("30 3 * * *"), ["03-29 03:30+02:00"]);
    }

    #[test]
    fn a_doubled_time_of_the_day_is_due_once() {
        let autumn = |cron| due(cron, "Europe/Prague", AUTUMN.0, AUTUMN.1);
        assert_eq!(autumn("30 2 * * *"), ["10-25 02:30+02:00"]);
        assert_eq!(
            autumn("0,30 2,3 * * *")[..3],
            ["10-25 02:00+02:00", "10-25 02:30+02:00", "10-25 03:00+01:00"]
        );
    }

    #[test]
    fn real_time_goes_on_evenly() {
        let autumn = due("30 * * * *", "Europe/Prague", "2026-10-24T23:50:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(autumn, ["10-25 02:30+02:00", "10-25 02:30+01:00", "10-25 03:30+01:00"]);
        let spring = due("30 * * * *", "Europe/Prague", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
        assert_eq!(spring, ["03-29 01:30+01:00", "03-29 03:30+02:00"]);
    }

    #[test]
    fn a_day_that_was_left_out_is_due_when_the_next_begins() {
        let apia = due("30 2 * * *", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z");
        assert_eq!(apia, ["12-29 02:30-10:00", "12-31 00:00+14:00", "12-31 02:30+14:00"]);
    }

    #[test]
    fn rare_dates_come_and_the_end_of_the_calendar_is_the_end() {
        let leap = due("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2108-03-01T00:00:00Z");
        assert_eq!(leap, ["02-29 00:00+00:00", "02-29 00:00+00:00"]);
        let leap = Cron::parse("0 0 29 2 *").expect("this is one");
        assert_eq!(leap.next_after(Wall(i64::MAX), &TimeZone::UTC), None);
        assert_eq!(leap.next_after(Wall(Timestamp::MAX.as_millisecond()), &TimeZone::UTC), None);
    }

    #[test]
    fn either_day_counts_where_both_are_restricted() {
        let both = due("0 0 1 * fri", "UTC", "2026-10-28T00:00:00Z", "2026-11-08T00:00:00Z");
        assert_eq!(both, ["10-30 00:00+00:00", "11-01 00:00+00:00", "11-06 00:00+00:00"]);
        let step = due("0 0 */2 * fri", "UTC", "2026-10-28T00:00:00Z", "2026-11-14T00:00:00Z");
        assert_eq!(step, ["11-13 00:00+00:00"]);
    }

    #[test]
    fn what_was_missed_is_counted_up_to_a_bound_and_the_last_is_known() {
        let hour = 3_600_000;
        let cron = Timing::Cron(Cron::parse("0 * * * *").expect("this is one"));
        let every = Timing::Every(Duration::from_hours(1));
        for timing in [cron, every] {
            let count = |until: i64, most| count_due(&timing, Wall(0), Wall(until), &TimeZone::UTC, most);
            assert_eq!(count(0, 9), (0, None));
            assert_eq!(count(-hour, 9), (0, None));
            assert_eq!(count(hour - 1, 9), (0, None));
            assert_eq!(count(hour, 9), (1, Some(Wall(hour))));
            assert_eq!(count(100 * hour + 1, 9), (9, Some(Wall(100 * hour))));
            assert_eq!(count(100 * hour + 1, 900), (100, Some(Wall(100 * hour))));
            assert_eq!(next_due(&timing, Wall(hour), &TimeZone::UTC), Some(Wall(2 * hour)));
        }
        let every = Timing::Every(Duration::from_secs(1));
        assert_eq!(next_due(&every, Wall(i64::MAX), &TimeZone::UTC), None);
    }
}
