//! Records of several services in the order of their times. Records of one service keep their order, whatever their times.

use super::Item;
use crate::error::CliError;
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;

/// What a record begins with: its time.
const BEGIN: &str = "{\"@timestamp\":\"";

/// Several rows of records as one.
pub(super) struct Merge {
    sources: Vec<Source>,
}

/// One row, and its next record.
struct Source {
    records: Receiver<Item>,
    head: Head,
    /// The latest time in it so far: a record without one, or from before a step of the clock, belongs there.
    reached: Timestamp,
}

enum Head {
    /// Not known yet.
    Unread,
    /// The next one.
    Next(String),
    /// There are no more.
    End,
}

impl Merge {
    /// The rows as one.
    pub(super) fn of(sources: Vec<Receiver<Item>>) -> Self {
        let source = |records| Source { records, head: Head::Unread, reached: Timestamp::MIN };
        Self { sources: sources.into_iter().map(source).collect() }
    }

    /// The next record of all; none at the end.
    ///
    /// # Errors
    /// Why a row broke off, at its place in the order.
    pub(super) async fn next(&mut self) -> Result<Option<String>, CliError> {
        for source in &mut self.sources {
            source.fill().await?;
        }
        let waiting = self.sources.iter_mut().filter(|source| matches!(source.head, Head::Next(_)));
        // The first of those that have the same time.
        let Some(earliest) = waiting.min_by_key(|source| source.reached) else { return Ok(None) };
        match std::mem::replace(&mut earliest.head, Head::Unread) {
            Head::Next(record) => Ok(Some(record)),
            Head::Unread | Head::End => Ok(None),
        }
    }
}

impl Source {
    async fn fill(&mut self) -> Result<(), CliError> {
        if matches!(self.head, Head::Unread) {
            self.head = match self.records.recv().await {
                None => Head::End,
                Some(record) => {
                    let record = record?;
                    self.reached = time_of(&record).map_or(self.reached, |time| time.max(self.reached));
                    Head::Next(record)
                }
            };
        }
        Ok(())
    }
}

fn time_of(record: &str) -> Option<Timestamp> {
    record.strip_prefix(BEGIN)?.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::failure;
    use svckit::control::types::FailureKind;

    fn record(time: &str, message: &str) -> String {
        format!("{{\"@timestamp\":\"2026-11-24T03:00:{time}Z\",\"message\":\"{message}\"}}")
    }

    fn merged(rows: Vec<Vec<Item>>) -> (Vec<String>, Result<(), CliError>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let sources = rows.into_iter().map(|row| {
                let (sender, receiver) = tokio::sync::mpsc::channel(row.len().max(1));
                for item in row {
                    sender.try_send(item).unwrap();
                }
                receiver
            });
            let mut merge = Merge::of(sources.collect());
            let mut found = Vec::new();
            loop {
                match merge.next().await {
                    Ok(Some(record)) => found.push(record),
                    Ok(None) => return (found, Ok(())),
                    Err(error) => return (found, Err(error)),
                }
            }
        })
    }

    #[test]
    fn records_come_in_the_order_of_their_times_and_those_of_one_service_in_their_own() {
        let (a1, a2, odd) = (record("01.1", "a1"), record("03", "a2"), "no record".to_owned());
        let (b1, b2, back) = (record("02", "b1"), record("04", "b2"), record("01", "back"));
        let rows = vec![
            vec![Ok(a1.clone()), Ok(odd.clone()), Ok(a2.clone())],
            vec![],
            vec![Ok(b1.clone()), Ok(back.clone()), Ok(b2.clone())],
        ];
        let (found, end) = merged(rows);
        end.unwrap();
        assert_eq!(found, [a1, odd, b1, back, a2, b2]);
    }

    #[test]
    fn a_row_that_breaks_off_is_told() {
        let broken = failure(FailureKind::Failed, "broke off");
        let (found, end) = merged(vec![vec![Ok(record("01", "a")), Err(broken)]]);
        assert_eq!(found.len(), 1);
        assert!(end.is_err());
    }
}
