//! Windows: handles. None is handed over by number yet.

use super::InheritError;
use crate::Unsupported;
use std::fs::File;
use std::os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle};

/// An open file or pipe.
pub type Descriptor = OwnedHandle;
/// One that is lent.
pub type BorrowedDescriptor<'handle> = BorrowedHandle<'handle>;

/// A file's handle, lent.
pub fn of_file(file: &File) -> BorrowedDescriptor<'_> {
    file.as_handle()
}

pub(super) fn from_environment(_name: &'static str) -> Result<Descriptor, InheritError> {
    Err(Unsupported { what: "taking a handle from the environment" }.into())
}
