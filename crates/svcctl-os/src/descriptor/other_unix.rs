//! Unix other than Linux: file descriptors. None is handed over by number yet.

use super::InheritError;
use crate::Unsupported;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// An open file or socket.
pub type Descriptor = OwnedFd;
/// One that is lent.
pub type BorrowedDescriptor<'fd> = BorrowedFd<'fd>;

/// A file's descriptor, lent.
pub fn of_file(file: &File) -> BorrowedDescriptor<'_> {
    file.as_fd()
}

pub(super) fn from_environment(_name: &'static str) -> Result<Descriptor, InheritError> {
    Err(Unsupported { what: "taking a descriptor from the environment" }.into())
}
