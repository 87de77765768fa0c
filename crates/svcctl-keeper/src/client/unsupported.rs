//! Systems that have no keeper.

use super::{LinkError, Packet};
use svcctl_os::Unsupported;
use svcctl_os::descriptor::BorrowedDescriptor;

#[derive(Clone, Debug)]
pub(super) enum Sender {}

#[derive(Debug)]
pub(super) enum Receiver {}

pub(super) fn from_environment() -> Result<(Sender, Receiver), LinkError> {
    Err(Unsupported { what: "the keeper" }.into())
}

impl Sender {
    pub(super) fn send(
        &self,
        _bytes: &[u8],
        _descriptors: &[BorrowedDescriptor<'_>],
    ) -> Result<(), LinkError> {
        match *self {}
    }

    pub(super) fn send_with_file(&self, _bytes: &[u8], _contents: &[u8]) -> Result<(), LinkError> {
        match *self {}
    }
}

impl Receiver {
    pub(super) fn recv(&self) -> Result<Option<Packet>, LinkError> {
        match *self {}
    }
}
