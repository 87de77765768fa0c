//! Systems for which no process machine is built yet.

use crate::Unsupported;
use crate::process::{Exit, Program};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

/// None is ever made.
#[derive(Debug)]
pub(super) struct Trial(Infallible);

impl Trial {
    pub(super) fn start(_program: &Program) -> Result<Self, String> {
        Err(Unsupported { what: "trying a program" }.to_string())
    }

    pub(super) fn wait(&self, _at_most: Duration) -> Option<Exit> {
        match self.0 {}
    }

    pub(super) fn listeners(&self) -> Vec<SocketAddr> {
        match self.0 {}
    }

    pub(super) fn is_interrupted(&self) -> bool {
        match self.0 {}
    }

    pub(super) fn end(self, _grace: Duration) -> bool {
        match self.0 {}
    }
}
