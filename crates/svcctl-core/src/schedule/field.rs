//! One field of a cron expression.

use super::cron::CronError;

/// Which values of a field match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// One bit for each value.
    bits: u64,
    /// Whether it was written with a `*` in front (`*` or `*/n`).
    pub(super) star: bool,
}

/// What may stand in a field.
pub(super) struct Kind {
    name: &'static str,
    low: u8,
    high: u8,
    names: &'static [&'static str],
    range: &'static str,
}

pub(super) const MINUTE: Kind =
    Kind { name: "minute", low: 0, high: 59, names: &[], range: "minutes are 0 to 59" };
pub(super) const HOUR: Kind = Kind { name: "hour", low: 0, high: 23, names: &[], range: "hours are 0 to 23" };
pub(super) const DAY: Kind =
    Kind { name: "day of the month", low: 1, high: 31, names: &[], range: "days are 1 to 31" };
pub(super) const MONTH: Kind = Kind {
    name: "month",
    low: 1,
    high: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    range: "months are 1 to 12, or jan to dec",
};
/// Sunday is 0 and 7; what is read as 7 is kept as 0.
pub(super) const WEEKDAY: Kind = Kind {
    name: "weekday",
    low: 0,
    high: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    range: "weekdays are 0 to 7 (both are Sunday), or sun to sat",
};

/// The months as people say them.
pub(super) const MONTHS_IN_FULL: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Field {
    /// Whether this value matches.
    pub(super) fn has(self, value: u8) -> bool {
        value < 64 && self.bits & (1 << value) != 0
    }

    /// The first value from this one on that matches.
    pub(super) fn first_from(self, value: u8) -> Option<u8> {
        let rest = if value < 64 { self.bits >> value << value } else { 0 };
        (rest != 0).then(|| u8::try_from(rest.trailing_zeros()).unwrap_or(u8::MAX))
    }
}

impl Kind {
    /// Reads a list of values, ranges and steps.
    pub(super) fn parse(&self, text: &str) -> Result<Field, CronError> {
        self.refuse_quartz(text)?;
        let mut bits = 0;
        for item in text.split(',') {
            bits |= self.item(item)?;
        }
        if self.high == 7 && bits & (1 << 7) != 0 {
            bits = bits & !(1 << 7) | 1;
        }
        Ok(Field { bits, star: text.starts_with('*') })
    }

    fn item(&self, item: &str) -> Result<u64, CronError> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let (low, high) = if range == "*" {
            // As a range, a week has seven days.
            (self.low, if self.high == 7 { 6 } else { self.high })
        } else if let Some((low, high)) = range.split_once('-') {
            self.range(range, low, high)?
        } else {
            let value = self.value(range)?;
            if let Some(step) = step {
                let remedy = format!("{range}-{}/{step}", self.high);
                return Err(CronError::StepOfOne { field: self.name, item: item.to_owned(), remedy });
            }
            (value, value)
        };
        let step = step.map_or(Ok(1), |step| self.step(step))?;
        Ok((low..=high).step_by(usize::from(step)).fold(0, |bits, value| bits | 1 << value))
    }

    fn range(&self, text: &str, low: &str, high: &str) -> Result<(u8, u8), CronError> {
        let (from, mut to) = (self.value(low)?, self.value(high)?);
        // `fri-sun` ends with the Sunday that follows.
        if self.high == 7 && to == 0 && from > 0 {
            to = 7;
        }
        if from > to {
            let remedy = format!("{low}-{},{}-{high}", self.high, self.low);
            return Err(CronError::Backwards { field: self.name, range: text.to_owned(), remedy });
        }
        Ok((from, to))
    }

    fn value(&self, text: &str) -> Result<u8, CronError> {
        let lower = text.to_ascii_lowercase();
        if let Some(at) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.low + u8::try_from(at).unwrap_or(0));
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            let value = text.to_owned();
            return Err(CronError::NotAValue { field: self.name, value, range: self.range });
        }
        let value = text.parse().ok().filter(|value| (self.low..=self.high).contains(value));
        value.ok_or_else(|| CronError::OutOfRange {
            field: self.name,
            value: text.to_owned(),
            range: self.range,
        })
    }

    fn step(&self, text: &str) -> Result<u8, CronError> {
        let most = self.high - self.low;
        let step = text.parse().ok().filter(|step| (1..=most).contains(step));
        step.ok_or_else(|| CronError::Step { field: self.name, step: text.to_owned(), most })
    }

    /// The signs of Quartz have no meaning here, and deserve better than "no number".
    fn refuse_quartz(&self, text: &str) -> Result<(), CronError> {
        let upper = text.to_ascii_uppercase();
        let remedy = if upper.contains('?') {
            "write `*` for any day"
        } else if upper.contains('#') {
            "let the program see on which days it has nothing to do"
        } else if upper.split([',', '-', '/']).any(|word| {
            let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
            matches!(unit, "L" | "W" | "LW")
        }) {
            "let it run on each day in question, and the program see whether it is the last (or a working) one"
        } else {
            return Ok(());
        };
        Err(CronError::Quartz { field: self.name, sign: text.to_owned(), remedy })
    }
}
