//! Watching where it is not built yet.

use super::{Change, WatchError, WatchOptions, WatchSpec};

/// Never made.
#[derive(Debug)]
pub(super) enum Watching {}

impl Watching {
    pub(super) fn new(_: WatchOptions, _: Box<dyn FnMut(Change) + Send>) -> Result<Self, WatchError> {
        Err(WatchError::Unsupported)
    }

    pub(super) fn set(&self, _: Vec<WatchSpec>) -> Result<(), Vec<WatchError>> {
        match *self {}
    }
}
