//! A table of times: each row with the load before it and its ratio to one of the rows.

use super::figures::Figures;
use super::load::{self, Load};
use anyhow::Result;
use std::fmt::Write as _;
use std::time::Duration;

/// A table that is being filled.
pub(super) struct Table {
    head: &'static str,
    base: Option<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    figures: Option<Figures>,
    load: Load,
}

impl Table {
    /// An empty one; `head` says what its rows are. With a `base`, the median of each row is shown as a multiple of
    /// the median of the row of that name.
    pub(super) fn new(head: &'static str, base: Option<&'static str>) -> Self {
        Self { head, base, rows: Vec::new() }
    }

    /// Looks how busy the machine is, measures, and adds the row.
    ///
    /// # Errors
    /// What `measure` gives.
    pub(super) fn measure(
        &mut self,
        name: &str,
        measure: impl FnOnce() -> Result<Option<Vec<Duration>>>,
    ) -> Result<()> {
        let load = Load::watch();
        let series = measure()?;
        self.add(name, series, load);
        Ok(())
    }

    /// Adds a row; without a series it says that the peer is not installed.
    pub(super) fn add(&mut self, name: &str, series: Option<Vec<Duration>>, load: Load) {
        let figures = series.and_then(Figures::of);
        match &figures {
            Some(figures) => println!("{name}: {} (load {load})", figures.row()),
            None => println!("{name}: not installed"),
        }
        self.rows.push(Row { name: name.to_owned(), figures, load });
    }

    /// The loads before the rows.
    pub(super) fn loads(&self) -> Vec<Load> {
        self.rows.iter().map(|row| row.load.clone()).collect()
    }

    /// The median of a row, if there is such a row and it was measured.
    pub(super) fn median(&self, name: &str) -> Option<Duration> {
        self.rows.iter().find(|row| row.name == name)?.figures.as_ref().map(|figures| figures.median)
    }

    /// The table in Markdown, and what is to be said of the noise.
    pub(super) fn render(&self) -> String {
        format!("{}\n{}", self.rows(), load::remark(&self.loads()))
    }

    /// The table in Markdown alone.
    pub(super) fn rows(&self) -> String {
        let ratio_head = self.base.map_or_else(String::new, |base| format!(" × {base} |"));
        let ratio_line = if self.base.is_some() { "---|" } else { "" };
        let mut text = format!(
            "| {} | n | min | median | p99 | max |{ratio_head} load |\n|---|---|---|---|---|---|{ratio_line}---|\n",
            self.head
        );
        let base = self.base.and_then(|base| self.median(base));
        for Row { name, figures, load } in &self.rows {
            let _ = match (figures, base) {
                (Some(figures), Some(base)) => {
                    writeln!(
                        text,
                        "| {name} | {} | {} | {load} |",
                        figures.row(),
                        ratio(figures.median, base)
                    )
                }
                (Some(figures), None) => writeln!(text, "| {name} | {} | {load} |", figures.row()),
                (None, _) => writeln!(
                    text,
                    "| {name} | not installed | | | | |{}",
                    if base.is_some() { " | |" } else { " |" }
                ),
            };
        }
        text
    }
}

/// `this` as a multiple of `base`, with as many digits as say something.
pub(super) fn ratio(this: Duration, base: Duration) -> String {
    let times = this.as_secs_f64() / base.as_secs_f64();
    if times >= 100.0 { format!("{times:.0}") } else { format!("{times:.2}") }
}

/// Whether a goal was reached, in words: "reached" or "missed", with the value in milliseconds.
pub(super) fn verdict(value: Option<Duration>, goal: Duration) -> String {
    match value {
        None => "not measured".to_owned(),
        Some(value) => {
            let word = if value <= goal { "reached" } else { "missed" };
            format!("{word} ({:.2} ms)", value.as_secs_f64() * 1000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_ratio_to_the_base() {
        let ms = Duration::from_millis;
        let mut table = Table::new("what", Some("base"));
        table.add("base", Some(vec![ms(4)]), Load::invented(0));
        table.add("other", Some(vec![ms(10)]), Load::invented(0));
        table.add("none", None, Load::invented(0));
        let text = table.rows();
        let cells =
            |line: usize| text.lines().nth(line).unwrap().split('|').map(str::trim).collect::<Vec<_>>();
        assert_eq!((cells(2)[7], cells(3)[7]), ("1.00", "2.50"));
        assert_eq!(cells(4)[2], "not installed");
        assert!((0..5).all(|line| cells(line).len() == cells(0).len()), "{text}");
        assert_eq!(ratio(ms(1006), ms(2)), "503");
        assert_eq!(verdict(Some(ms(4)), ms(4)), "reached (4.00 ms)");
        assert_eq!(verdict(Some(ms(5)), ms(4)), "missed (5.00 ms)");
    }

    #[test]
    fn without_a_base_there_is_no_ratio() {
        let mut table = Table::new("what", None);
        table.add("one", Some(vec![Duration::from_millis(1)]), Load::invented(0));
        table.add("none", None, Load::invented(0));
        let widths: Vec<_> = table.rows().lines().map(|line| line.split('|').count()).collect();
        assert_eq!(widths, [9, 9, 9, 9]);
    }
}
