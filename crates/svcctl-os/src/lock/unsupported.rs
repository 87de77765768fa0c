//! Systems for which locks are not built yet.

use super::{Holder, LockError};
use crate::Unsupported;
use std::io;
use std::path::Path;
use std::time::Duration;
use svcctl_core::spec::model::Signal;

const LOCKING: Unsupported = Unsupported { what: "locking a file" };

#[derive(Debug)]
pub(super) enum Lock {}

pub(super) fn acquire(_path: &Path, _what: &str) -> Result<Lock, LockError> {
    Err(LOCKING.into())
}

pub(super) fn holder(_path: &Path) -> Result<Option<Holder>, LockError> {
    Err(LOCKING.into())
}

pub(super) fn signal(_holder: &Holder, _signal: Signal) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        Unsupported { what: "sending a signal to the holder of a lock" },
    ))
}

pub(super) fn wait_for_end(_holder: &Holder, _limit: Duration) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, LOCKING))
}
