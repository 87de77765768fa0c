//! Systems without a keeper: there is nobody to signal.

use std::io;

/// What a keeper would understand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    /// Start an engine.
    StartEngine,
    /// Stop everything and end.
    End,
}

pub(super) fn signal(_pid: u32, word: Word) -> io::Result<()> {
    let what = match word {
        Word::StartEngine => "asking a daemon for an engine",
        Word::End => "ending a daemon that does not answer",
    };
    Err(io::Error::new(io::ErrorKind::Unsupported, svcctl_os::Unsupported { what }))
}
