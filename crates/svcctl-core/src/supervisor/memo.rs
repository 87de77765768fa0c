//! What the keeper keeps for a slot on behalf of the engine, so that the next engine goes on where this one ended.

use super::event::{ExitStatus, HookWhat};
use super::state::Phase;
use crate::ident::Generation;
use crate::spec::model::Kind;
use crate::time::{Mono, Wall};
use serde::{Deserialize, Serialize};

/// The most bytes that an encoded memo has.
pub const MEMO_MAX_BYTES: usize = 256;

/// The first byte of an encoded memo: the version of its form.
pub const MEMO_VERSION: u8 = 2;

/// A slot's state, as far as it cannot be seen from its process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    /// The last generation that was given out.
    pub generation: Generation,
    /// Where the slot is.
    pub phase: Phase,
    /// Since when.
    pub since: Mono,
    /// The same, for people.
    pub since_wall: Wall,
    /// The revision that the process was made from.
    pub revision: u64,
    /// What kind it was then; a later revision may have another.
    pub kind: Kind,
    /// How many restarts there have been since the last start by command.
    pub restarts: u32,
    /// How many exits in a row (0 after running for `reset_after`).
    pub row: u32,
    /// The restarts in the open window of the limit, and when it opened.
    pub window: Option<(Mono, u32)>,
    /// When the next attempt is due, the stop deadline, or the start deadline, by phase.
    pub deadline: Option<Mono>,
    /// Which stop step was taken last.
    pub stop_step: u8,
    /// What follows the stop if the service is wanted up.
    pub then: Then,
    /// How the last process ended, and when.
    pub last_exit: Option<(ExitStatus, Wall)>,
    /// The hook that runs, and its place in its list: run again by the next engine.
    pub hook: Option<(HookWhat, u16)>,
    /// The run of a job.
    pub job: JobMemo,
}

/// What the next engine must know of a job, however much of its record was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMemo {
    /// The last due time that was taken into account.
    pub last_due: Option<Wall>,
    /// The run that is under way: why, and since when.
    pub run: Option<(Cause, Wall)>,
    /// Why one more run follows it.
    pub queued: Option<Cause>,
    /// Whether the last run since it was armed succeeded.
    pub succeeded: bool,
}

/// Why a job runs, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// It was due then.
    Schedule(Wall),
    /// It was due then, and that was missed.
    Missed(Wall),
    /// Its trigger fired.
    Trigger,
    /// By command.
    Command,
}

/// What follows a stop, if the service is wanted up when no process is left; if it is not, it is `Stopped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// It was stopped by command: a start with all counters at zero.
    #[default]
    Fresh,
    /// The main process ended by itself and its tree lived on: the restart policy decides about that exit.
    Judge,
    /// It was not ready in time: the restart policy decides about a failure.
    TimedOut,
    /// Its health probe failed too often: the restart policy decides about a failure.
    Unwell,
}

impl Memo {
    /// The memo as bytes, at most [`MEMO_MAX_BYTES`]: a version byte, then postcard.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![MEMO_VERSION];
        // A memo is made of numbers alone, which postcard always encodes.
        bytes.extend(postcard::to_allocvec(self).unwrap_or_default());
        debug_assert!(bytes.len() <= MEMO_MAX_BYTES);
        bytes
    }

    /// Reads what [`Memo::encode`] gave; `None` for another version or damage.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        (*version == MEMO_VERSION).then(|| postcard::from_bytes(rest).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_memo_fits_and_is_read_again() {
        let memo = Memo {
            generation: Generation(u64::MAX),
            phase: Phase::Completed,
            since: Mono(u64::MAX),
            since_wall: Wall(i64::MIN),
            revision: u64::MAX,
            kind: Kind::Oneshot,
            restarts: u32::MAX,
            row: u32::MAX,
            window: Some((Mono(u64::MAX), u32::MAX)),
            deadline: Some(Mono(u64::MAX)),
            stop_step: u8::MAX,
            then: Then::TimedOut,
            last_exit: Some((ExitStatus::Signal(i32::MIN), Wall(i64::MIN))),
            hook: Some((HookWhat::StopStep, u16::MAX)),
            job: JobMemo {
                last_due: Some(Wall(i64::MIN)),
                run: Some((Cause::Missed(Wall(i64::MIN)), Wall(i64::MIN))),
                queued: Some(Cause::Missed(Wall(i64::MIN))),
                succeeded: true,
            },
        };
        let bytes = memo.encode();
        assert!(bytes.len() <= MEMO_MAX_BYTES, "{}", bytes.len());
        assert_eq!(Memo::decode(&bytes), Some(memo));
    }

    #[test]
    fn what_is_no_memo_is_not_read() {
        assert_eq!(Memo::decode(&[]), None);
        assert_eq!(Memo::decode(&[MEMO_VERSION, 1, 2]), None);
        assert_eq!(Memo::decode(&[MEMO_VERSION + 1, 0]), None);
    }
}
