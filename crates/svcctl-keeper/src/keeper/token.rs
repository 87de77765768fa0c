//! What an event of the poller is about.

use super::deadlines::SlotId;
use super::leftovers::LeftoverId;
use super::streams::StreamId;

/// What an event of the poller is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Token {
    /// The status pipe of a slot's new process.
    SlotStart(SlotId),
    /// The process of a slot ended.
    SlotExit(SlotId),
    /// The events file of a slot's cgroup.
    SlotTree(SlotId),
    /// The events file of a cgroup that an earlier keeper left.
    Leftover(LeftoverId),
    /// The engine's socket.
    Socket,
    /// The status pipe of a new engine.
    EngineStart,
    /// The engine ended.
    EngineExit,
    /// A stream that the keeper moves to its spool.
    Stream(StreamId),
    /// A signal to the keeper. Last in order, so that leaders that ended are seen to before orphans are reaped.
    Signal,
}

const KIND_BITS: u32 = 4;

impl Token {
    /// The number that the poller knows it by.
    pub(super) fn number(self) -> u64 {
        let (kind, id) = match self {
            Self::SlotStart(id) => (0, id),
            Self::SlotExit(id) => (1, id),
            Self::SlotTree(id) => (2, id),
            Self::Socket => (3, 0),
            Self::EngineStart => (4, 0),
            Self::EngineExit => (5, 0),
            Self::Stream(id) => (6, id),
            Self::Signal => (7, 0),
            Self::Leftover(id) => (8, id),
        };
        id << KIND_BITS | kind
    }

    /// What [`Token::number`] was called on.
    pub(super) fn from_number(number: u64) -> Self {
        let id = number >> KIND_BITS;
        match number & ((1 << KIND_BITS) - 1) {
            0 => Self::SlotStart(id),
            1 => Self::SlotExit(id),
            2 => Self::SlotTree(id),
            3 => Self::Socket,
            4 => Self::EngineStart,
            5 => Self::EngineExit,
            6 => Self::Stream(id),
            8 => Self::Leftover(id),
            _ => Self::Signal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back() {
        let all = [
            Token::SlotStart(0),
            Token::SlotExit(77),
            Token::SlotTree(1 << 40),
            Token::Socket,
            Token::EngineStart,
            Token::EngineExit,
            Token::Stream(9),
            Token::Leftover(3),
            Token::Signal,
        ];
        assert_eq!(all.map(|token| Token::from_number(token.number())), all);
    }
}
