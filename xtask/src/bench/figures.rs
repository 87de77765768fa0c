//! Many measurements as the few figures that are shown.

use std::time::Duration;

/// What is shown of a series of measurements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Figures {
    /// How many there are.
    pub(super) count: usize,
    /// The smallest.
    pub(super) min: Duration,
    /// Half of them are at most this.
    pub(super) median: Duration,
    /// 99 of 100 are at most this.
    pub(super) p99: Duration,
    /// The greatest.
    pub(super) max: Duration,
}

impl Figures {
    /// Those of `series`; `None` if it is empty. Quantiles are by nearest rank: each is a value that was measured.
    pub(super) fn of(mut series: Vec<Duration>) -> Option<Self> {
        series.sort_unstable();
        let (min, max) = (*series.first()?, *series.last()?);
        let at_most = |permille: usize| series[(series.len() * permille).div_ceil(1000).max(1) - 1];
        Some(Self { count: series.len(), min, median: at_most(500), p99: at_most(990), max })
    }

    /// The cells of a table's row: n, min, median, p99 and max, in milliseconds.
    pub(super) fn row(&self) -> String {
        let ms = |duration: Duration| format!("{:.2}", duration.as_secs_f64() * 1000.0);
        let Self { count, min, median, p99, max } = self;
        format!("{count} | {} | {} | {} | {}", ms(*min), ms(*median), ms(*p99), ms(*max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_values() {
        let series = (1..=200).rev().map(Duration::from_millis).collect();
        let figures = Figures::of(series).unwrap();
        let ms = Duration::from_millis;
        let expected = Figures { count: 200, min: ms(1), median: ms(100), p99: ms(198), max: ms(200) };
        assert_eq!(figures, expected);
        assert_eq!(figures.row(), "200 | 1.00 | 100.00 | 198.00 | 200.00");
        assert_eq!(Figures::of(vec![ms(7)]).unwrap().p99, ms(7));
        assert_eq!(Figures::of(Vec::new()), None);
    }
}
