//! Cron expressions: what they say, and which minutes of a calendar match.
//!
//! Five fields (minute, hour, day of month, month, day of week) as POSIX `crontab` has them, with the additions of Vixie
//! cron that everybody uses: lists, ranges, steps (`*/5`, `10-40/10`), English names (`jan`, `mon`), 7 as a second
//! name of Sunday, and the macros `@hourly @daily @midnight @weekly @monthly @yearly @annually`. Where day of month
//! and day of week are both restricted, a day matches that matches *either*; a field that begins with `*` is not
//! restricted in this sense (as in Vixie cron, and so `*/2` neither).
//!
//! What changes of summer time do to a due time is decided in `due.rs`. Deliberately absent, and refused by name:
//! seconds, years, `@reboot`, and the `L`, `W`, `#` and `?` of Quartz.

use super::field::{self, Field};
use crate::spec::nearest::nearest;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// How far into the future a match is looked for. The rarest expressions (29 February; the 1st of a month that is a
/// certain weekday) come again within twelve years, over the left-out leap year of 2100 too.
const HORIZON_YEARS: i16 = 40;

/// A cron expression of five fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

/// Why a text is not a cron expression, as a fragment that fits after its place in a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error("must have five fields (minute hour day month weekday), as in \"30 2 * * *\", and has {0}")]
    Fields(usize),
    /// Six or seven fields, as schedulers with seconds and years have them.
    #[error(
        "has {0} fields; neither seconds nor years are taken, only minute, hour, day, month and weekday, as in \"30 2 * * *\" (for less than a minute there is `every`, as in `every: 10s`)"
    )]
    Seconds(usize),
    /// `@reboot`.
    #[error("cannot be `@reboot`; a service that is to start at boot has `autostart: true` and no schedule")]
    Reboot,
    /// `@every`.
    #[error("cannot be `@every`; write `every: {0}` in place of `cron`")]
    Every(String),
    /// A macro that does not exist.
    #[error("has the unknown macro {0:?}; {1}")]
    Macro(String, String),
    /// What only Quartz and its like understand.
    #[error("has {sign:?} in the {field}, which is not taken; {remedy}")]
    Quartz {
        /// Which field.
        field: &'static str,
        /// What stands there.
        sign: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A number that the field does not have.
    #[error("has the {field} {value}; {range}")]
    OutOfRange {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there, such as `hours are 0 to 23`.
        range: &'static str,
    },
    /// Something that is neither a number nor a name.
    #[error("has {value:?} as {field}; {range}")]
    NotAValue {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        range: &'static str,
    },
    /// A range that ends before it begins.
    #[error(
        "has the {field} range {range:?}, which ends before it begins; write two ranges, as in \"{remedy}\""
    )]
    Backwards {
        /// Which field.
        field: &'static str,
        /// What stands there.
        range: String,
        /// The two ranges that were probably meant.
        remedy: String,
    },
    /// A step that is no number, is zero, or is longer than the field.
    #[error("has the step {step:?} in the {field}; a step here is a number from 1 to {most}")]
    Step {
        /// Which field.
        field: &'static str,
        /// What stands there.
        step: String,
        /// The longest step that makes a difference.
        most: u8,
    },
    /// A step after a single value.
    #[error(
        "has {item:?} in the {field}, a step without a range; write \"{remedy}\" (or the single value without a step)"
    )]
    StepOfOne {
        /// Which field.
        field: &'static str,
        /// What stands there.
        item: String,
        /// The range that was probably meant.
        remedy: String,
    },
    /// Days that no calendar has.
    #[error("can never come: there is no {day} {month}")]
    Never {
        /// The first day that was asked for.
        day: u8,
        /// The first month that was asked for.
        month: &'static str,
    },
}

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`CronError`], also for dates that can never come.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let meant = if text.starts_with('@') { expand_macro(text)? } else { text };
        let parts: Vec<&str> = meant.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts[..] else {
            return Err(match parts.len() {
                many @ (6 | 7) => CronError::Seconds(many),
                other => CronError::Fields(other),
            });
        };
        let cron = Self {
            text: text.to_owned(),
            minute: field::MINUTE.parse(minute)?,
            hour: field::HOUR.parse(hour)?,
            day: field::DAY.parse(day)?,
            month: field::MONTH.parse(month)?,
            weekday: field::WEEKDAY.parse(weekday)?,
        };
        cron.can_come()?;
        Ok(cron)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is about real time rather than about certain times of a day: its minute or its hour begins with
    /// `*`. A change of summer time means something else for the two; `due.rs` says what.
    pub(super) fn floats(&self) -> bool {
        self.minute.star || self.hour.star
    }

    /// The first minute of the calendar from that of `from` on (included) that matches. `None` if none does within
    /// forty years.
    pub(super) fn next_match(&self, from: DateTime) -> Option<DateTime> {
        let last_year = from.year().saturating_add(HORIZON_YEARS);
        let mut date = from.date();
        let mut minute_of_day = minute_of_day(from);
        while date.year() <= last_year {
            if !self.month.has(date.month().unsigned_abs()) {
                date = date.last_of_month().tomorrow().ok()?;
                minute_of_day = 0;
                continue;
            }
            if self.matches_day(date)
                && let Some((hour, minute)) = self.time_from(minute_of_day)
            {
                return Some(date.at(hour, minute, 0, 0));
            }
            date = date.tomorrow().ok()?;
            minute_of_day = 0;
        }
        None
    }

    /// The first hour and minute of a day that match, from this minute of the day on.
    fn time_from(&self, minute_of_day: u16) -> Option<(i8, i8)> {
        let (hour, minute) = (u8::try_from(minute_of_day / 60).ok()?, u8::try_from(minute_of_day % 60).ok()?);
        if self.hour.has(hour)
            && let Some(minute) = self.minute.first_from(minute)
        {
            return Some((i8::try_from(hour).ok()?, i8::try_from(minute).ok()?));
        }
        let hour = self.hour.first_from(hour + 1)?;
        Some((i8::try_from(hour).ok()?, i8::try_from(self.minute.first_from(0)?).ok()?))
    }

    fn matches_day(&self, date: Date) -> bool {
        let day = self.day.has(date.day().unsigned_abs());
        let weekday = self.weekday.has(date.weekday().to_sunday_zero_offset().unsigned_abs());
        if self.day.star || self.weekday.star { day && weekday } else { day || weekday }
    }

    /// Days of a month that no month asked for has are a mistake, unless a weekday can come in their place.
    fn can_come(&self) -> Result<(), CronError> {
        const LONGEST: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        if !self.weekday.star {
            return Ok(());
        }
        let first_day = self.day.first_from(1).unwrap_or(1);
        let months = || (1..=12_u8).filter(|month| self.month.has(*month));
        if months().any(|month| first_day <= LONGEST[usize::from(month) - 1]) {
            return Ok(());
        }
        let month = months().next().unwrap_or(1);
        Err(CronError::Never { day: first_day, month: field::MONTHS_IN_FULL[usize::from(month) - 1] })
    }
}

fn minute_of_day(time: DateTime) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

/// The five fields that a macro stands for.
fn expand_macro(text: &str) -> Result<&'static str, CronError> {
    const MACROS: [(&str, &str); 7] = [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ];
    let lower = text.to_ascii_lowercase();
    if let Some((_, meant)) = MACROS.iter().find(|(name, _)| *name == lower) {
        return Ok(meant);
    }
    if lower == "@reboot" {
        return Err(CronError::Reboot);
    }
    if let Some(duration) = lower.strip_prefix("@every") {
        let duration = duration.trim();
        let example = if duration.is_empty() { "5m" } else { duration };
        return Err(CronError::Every(example.to_owned()));
    }
    let names = || MACROS.iter().map(|(name, _)| *name);
    let hint = nearest(text, names()).map_or_else(
        || format!("one of {}", names().collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Err(CronError::Macro(text.to_owned(), hint))
}

impl TryFrom<String> for Cron {
    type Error = CronError;
    fn try_from(text: String) -> Result<Self, CronError> {
        Self::parse(&text)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Cron::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn every_mistake_is_told_with_its_remedy() {
        for (text, message) in [
            ("", "must have five fields (minute hour day month weekday), as in \"30 2 * * *\", and has 0"),
            (
                "30 2 * *",
                "must have five fields (minute hour day month weekday), as in \"30 2 * * *\", and has 4",
            ),
            ("0 25 * * *", "has the hour 25; hours are 0 to 23"),
            ("60 * * * *", "has the minute 60; minutes are 0 to 59"),
            ("0 0 0 * *", "has the day of the month 0; days are 1 to 31"),
            ("0 0 * 13 *", "has the month 13; months are 1 to 12, or jan to dec"),
            ("0 0 * * 8", "has the weekday 8; weekdays are 0 to 7 (both are Sunday), or sun to sat"),
            ("0 0 * foo *", "has \"foo\" as month; months are 1 to 12, or jan to dec"),
            ("99999999999999999999 * * * *", "has the minute 99999999999999999999; minutes are 0 to 59"),
            ("0 0 30 2 *", "can never come: there is no 30 February"),
            ("0 0 31 feb,apr-apr *", "can never come: there is no 31 February"),
            ("*/0 * * * *", "has the step \"0\" in the minute; a step here is a number from 1 to 59"),
            ("*/90 * * * *", "has the step \"90\" in the minute; a step here is a number from 1 to 59"),
            (
                "5/10 * * * *",
                "has \"5/10\" in the minute, a step without a range; write \"5-59/10\" (or the single value without a step)",
            ),
            (
                "0 22-6 * * *",
                "has the hour range \"22-6\", which ends before it begins; write two ranges, as in \"22-23,0-6\"",
            ),
            ("0 , * * *", "has \"\" as hour; hours are 0 to 23"),
            (
                "@reboot",
                "cannot be `@reboot`; a service that is to start at boot has `autostart: true` and no schedule",
            ),
            ("@every 5m", "cannot be `@every`; write `every: 5m` in place of `cron`"),
            ("@dialy", "has the unknown macro \"@dialy\"; did you mean `@daily`?"),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
        for quartz in ["0 0 L * *", "0 0 15W * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * mon#2", "0 0 ? * 1"] {
            assert!(error(quartz).contains("which is not taken; "), "{quartz}: {}", error(quartz));
        }
        assert!(error("0 30 2 * * *").starts_with("has 6 fields; neither seconds nor years are taken"));
    }

    #[test]
    fn every_form_is_read() {
        let same = |one: &str, other: &str| {
            let (one, other) = (Cron::parse(one).expect(one), Cron::parse(other).expect(other));
            assert_eq!(Cron { text: String::new(), ..one }, Cron { text: String::new(), ..other });
        };
        same("@Weekly", "0 0 * * 7");
        same("0 0 * JAN-mar Mon", "0 0 * 1,2,3 1");
        same("0 0 * * fri-sun", "0 0 * * 5,6,0");
        same("0 0 * * 0-7", "0 0 * * 0-6");
        same("10-40/15,5 * * * *", "5,10,25,40 * * * *");
        same(" 0\t0 1 1 * ", "@yearly");
        assert_eq!(Cron::parse(" @daily ").expect("this is one").as_str(), "@daily");
        let wire = serde_json::to_string(&Cron::parse("@daily").expect("this is one")).expect("it is a text");
        assert_eq!(wire, "\"@daily\"");
        assert!(serde_json::from_str::<Cron>("\"0 25 * * *\"").is_err());
    }
}
