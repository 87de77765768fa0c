//! Linux: signals to the keeper. The lock was held by this pid a moment ago, and its holder ends only when asked to.

use rustix::process::{Pid, Signal, kill_process};
use std::io;

/// What a keeper understands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    /// Start an engine, if there is none.
    StartEngine,
    /// Stop everything and end.
    End,
}

pub(super) fn signal(pid: u32, word: Word) -> io::Result<()> {
    let signal = match word {
        Word::StartEngine => Signal::USR1,
        Word::End => Signal::TERM,
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its lock names no process"))?;
    Ok(kill_process(pid, signal)?)
}
