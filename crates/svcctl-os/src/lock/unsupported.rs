//! Systems for which locks are not built yet.

use super::{Holder, LockError};
use crate::Unsupported;
use std::path::Path;

#[derive(Debug)]
pub(super) enum Lock {}

pub(super) fn acquire(_path: &Path, _what: &str) -> Result<Lock, LockError> {
    Err(Unsupported { what: "locking a file" }.into())
}

pub(super) fn holder(_path: &Path) -> Result<Option<Holder>, LockError> {
    Err(Unsupported { what: "locking a file" }.into())
}
