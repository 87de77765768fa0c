//! Lines that somebody waits for in the output of one process, such as `ready: {log: REGEX}`.
//!
//! Every line of both streams is looked at once, as its bytes came, when its record is made. Where nothing is awaited
//! that costs one look at an empty table for each batch. What is awaited is to be announced before the process is made,
//! so that no line comes before it.

use std::collections::BTreeMap;
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use tokio::sync::watch;

/// The largest program of a regular expression, in bytes; compiling one takes the logs thread no time to speak of.
const PATTERN_MAX_BYTES: usize = 1024 * 1024;

/// Whether the line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It has not.
    NotYet,
    /// It has.
    Matched,
    /// It cannot: the pattern is no regular expression.
    Invalid,
}

/// Where it is told.
pub(crate) type Seen = watch::Receiver<Sight>;

/// What is awaited, on its way to the logs thread.
#[derive(Debug)]
pub(crate) struct Expectation {
    slot: SlotKey,
    generation: Generation,
    pattern: String,
    sight: watch::Sender<Sight>,
}

impl Expectation {
    /// One, and where it is told.
    pub(crate) fn new(slot: SlotKey, generation: Generation, pattern: &str) -> (Self, Seen) {
        let (sight, seen) = watch::channel(Sight::NotYet);
        (Self { slot, generation, pattern: pattern.to_owned(), sight }, seen)
    }
}

/// Which process: service, index, generation.
type Key = (ServiceName, u32, u64);

/// All that is awaited.
#[derive(Debug, Default)]
pub(crate) struct Expected(BTreeMap<Key, Vec<(regex::bytes::Regex, watch::Sender<Sight>)>>);

impl Expected {
    /// Awaits one more; forgets those that nobody waits for any more.
    pub(crate) fn add(&mut self, expectation: Expectation) {
        self.0.retain(|_, all| {
            all.retain(|(_, sight)| !sight.is_closed());
            !all.is_empty()
        });
        let Expectation { slot, generation, pattern, sight } = expectation;
        let compiled = regex::bytes::RegexBuilder::new(&pattern).size_limit(PATTERN_MAX_BYTES).build();
        match compiled {
            Ok(pattern) => {
                self.0.entry((slot.name, slot.index, generation.0)).or_default().push((pattern, sight));
            }
            Err(_) => drop(sight.send_replace(Sight::Invalid)),
        }
    }

    /// Whether anything is awaited at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line of this process's output, without its end.
    pub(crate) fn see(&mut self, service: &ServiceName, index: u32, generation: u64, line: &[u8]) {
        let key = (service.clone(), index, generation);
        let Some(all) = self.0.get_mut(&key) else { return };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        all.retain(|(pattern, sight)| {
            let matched = pattern.is_match(line);
            if matched {
                sight.send_replace(Sight::Matched);
            }
            !matched
        });
        if all.is_empty() {
            self.0.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_seen_once_and_only_of_its_own_process() {
        let name = ServiceName::new("a").unwrap();
        let slot = SlotKey { name: name.clone(), index: 0 };
        let mut expected = Expected::default();
        let (expectation, seen) = Expectation::new(slot.clone(), Generation(2), "^ready$");
        expected.add(expectation);
        expected.see(&name, 0, 1, b"ready");
        expected.see(&name, 1, 2, b"ready");
        expected.see(&name, 0, 2, b"not ready");
        assert_eq!((*seen.borrow(), expected.is_empty()), (Sight::NotYet, false));
        expected.see(&name, 0, 2, b"ready\r");
        assert_eq!((*seen.borrow(), expected.is_empty()), (Sight::Matched, true));
        let (expectation, seen) = Expectation::new(slot.clone(), Generation(2), "(");
        expected.add(expectation);
        assert_eq!(*seen.borrow(), Sight::Invalid);
        let (forgotten, _) = Expectation::new(slot.clone(), Generation(3), "x");
        expected.add(forgotten);
        let (expectation, _seen) = Expectation::new(slot, Generation(4), "x");
        expected.add(expectation);
        assert_eq!(expected.0.len(), 1);
    }
}
