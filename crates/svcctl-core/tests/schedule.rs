//! Due times against a reference that goes through every minute of real time.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use svcctl_core::rng::Rng;
use svcctl_core::schedule::{Cron, Timing, count_due};
use svcctl_core::time::Wall;

/// How many expressions are tried in each zone.
const TRIES: u64 = 120;
/// How long a time is looked at, in minutes: over every change and what is around it.
const WINDOW: i64 = 4 * 24 * 60;

/// Zones, each with moments around which something happens.
const ZONES: [(&str, &[&str]); 5] = [
    ("Europe/Prague", &["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"]),
    ("America/New_York", &["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"]),
    ("Asia/Shanghai", &["2026-02-28T16:00:00Z", "1991-09-14T15:00:00Z"]),
    ("Australia/Lord_Howe", &["2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"]),
    ("Pacific/Apia", &["2011-12-30T10:00:00Z", "2021-04-03T14:00:00Z"]),
];

/// An expression as sets of values.
#[derive(Debug)]
struct Sets {
    minute: Vec<i8>,
    hour: Vec<i8>,
    day: Vec<i8>,
    month: Vec<i8>,
    weekday: Vec<i8>,
    stars: [bool; 5],
    text: String,
}

/// One field: its text, its values, and whether it begins with a star.
fn field(rng: &mut Rng, low: i8, high: i8) -> (String, Vec<i8>, bool) {
    let pick = |rng: &mut Rng| {
        let span = u64::try_from(high - low + 1).expect("the field has values");
        low + i8::try_from(rng.below(span)).expect("a field is short")
    };
    match rng.below(6) {
        0 | 1 => ("*".to_owned(), (low..=high).collect(), true),
        2 => {
            let step = 1 + i8::try_from(rng.below(11)).expect("it is small");
            let step = step.min(high - low);
            let values = (low..=high).step_by(usize::try_from(step).expect("it is positive")).collect();
            (format!("*/{step}"), values, true)
        }
        3 => {
            let (one, other) = (pick(rng), pick(rng));
            let (from, to) = (one.min(other), one.max(other));
            (format!("{from}-{to}"), (from..=to).collect(), false)
        }
        4 => {
            let values = vec![pick(rng), pick(rng), pick(rng)];
            (values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","), values, false)
        }
        _ => {
            let value = pick(rng);
            (value.to_string(), vec![value], false)
        }
    }
}

fn expression(rng: &mut Rng) -> Sets {
    let (minute_text, minute, minute_star) = field(rng, 0, 59);
    // Most of what happens to clocks happens early.
    let (hour_text, hour, hour_star) = if rng.below(2) == 0 { field(rng, 0, 4) } else { field(rng, 0, 23) };
    let (hour_text, hour) = match (hour_star, hour_text.as_str()) {
        // A star stands for the whole day, whatever was picked from.
        (true, text) => {
            let step = text.strip_prefix("*/").map_or(1, |step| step.parse().expect("this is a number"));
            (hour_text.clone(), (0..=23).step_by(step).collect())
        }
        (false, _) => (hour_text, hour),
    };
    let (mut day, mut month, mut weekday) = (field(rng, 1, 31), field(rng, 1, 12), field(rng, 0, 6));
    if rng.below(2) == 0 {
        (day, month) =
            (("*".to_owned(), (1..=31).collect(), true), ("*".to_owned(), (1..=12).collect(), true));
    }
    if rng.below(2) == 0 {
        weekday = ("*".to_owned(), (0..=6).collect(), true);
    }
    Sets {
        text: format!("{minute_text} {hour_text} {} {} {}", day.0, month.0, weekday.0),
        stars: [minute_star, hour_star, day.2, month.2, weekday.2],
        minute,
        hour,
        day: day.1,
        month: month.1,
        weekday: weekday.1,
    }
}

impl Sets {
    fn matches(&self, time: DateTime) -> bool {
        let day = self.day.contains(&time.day());
        let weekday = self.weekday.contains(&time.weekday().to_sunday_zero_offset());
        let both = if self.stars[2] || self.stars[4] { day && weekday } else { day || weekday };
        self.minute.contains(&time.minute())
            && self.hour.contains(&time.hour())
            && self.month.contains(&time.month())
            && both
    }

    /// Every due time in the window after `from` (which is a whole minute), by going through its minutes.
    fn due(&self, from: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let minute = SignedDuration::from_mins(1);
        let real_time = self.stars[0] || self.stars[1];
        // A day before, so that what is passed a second time is known.
        let mut now = from - SignedDuration::from_hours(25);
        let mut seen: BTreeSet<DateTime> = BTreeSet::new();
        let mut last = zone.to_datetime(now - minute);
        let mut due = Vec::new();
        while now <= from + SignedDuration::from_mins(WINDOW) {
            let local = zone.to_datetime(now);
            let here = if real_time {
                self.matches(local)
            } else {
                let skipped = std::iter::successors(Some(last + minute), |time| Some(*time + minute))
                    .take_while(|time| *time < local)
                    .any(|time| self.matches(time));
                skipped || (self.matches(local) && !seen.contains(&local))
            };
            seen.insert(local);
            if here && now > from {
                due.push(now);
            }
            (last, now) = (local, now + minute);
        }
        due
    }
}

#[test]
fn due_times_are_those_of_a_walk_through_every_minute() {
    for (zone_name, moments) in ZONES {
        let zone = TimeZone::get(zone_name).expect("the zone is in the tests' database");
        for seed in 0..TRIES {
            let mut rng = Rng::new(seed);
            let sets = expression(&mut rng);
            let Ok(cron) = Cron::parse(&sets.text) else {
                assert!(!sets.stars[2], "{} is refused", sets.text);
                continue;
            };
            let moment: Timestamp = moments[usize::from(rng.below(2) == 0)].parse().expect("this is a time");
            let from =
                moment - SignedDuration::from_mins(i64::try_from(rng.below(3_000)).expect("it is small"));
            let expected = sets.due(from, &zone);
            let until = Wall((from + SignedDuration::from_mins(WINDOW)).as_millisecond());
            let mut found = Vec::new();
            let mut after = Wall(from.as_millisecond());
            while let Some(next) = cron.next_after(after, &zone).filter(|next| *next <= until) {
                assert!(next > after, "seed {seed} in {zone_name}: {}", sets.text);
                found.push(Timestamp::from_millisecond(next.0).expect("this is a time"));
                after = next;
            }
            assert_eq!(found, expected, "seed {seed} in {zone_name} after {from}: {}", sets.text);
            let (count, last) =
                count_due(&Timing::Cron(cron), Wall(from.as_millisecond()), until, &zone, 3 + rng.below(9));
            assert!(count <= 11 && usize::try_from(count).expect("it is small") <= expected.len());
            assert_eq!(last, expected.last().map(|last| Wall(last.as_millisecond())), "{}", sets.text);
        }
    }
}

#[test]
fn a_search_that_finds_nothing_soon_ends() {
    for text in ["0 0 29 2 *", "0 0 */30 2 mon", "59 23 31 12 *", "0 0 31 1,12 *"] {
        let cron = Cron::parse(text).expect(text);
        let mut after = Wall(0);
        for _ in 0..20 {
            after = cron.next_after(after, &TimeZone::UTC).expect("it comes again");
        }
    }
}
