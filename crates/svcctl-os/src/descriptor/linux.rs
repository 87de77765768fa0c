//! Linux: file descriptors.

use super::InheritError;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// An open file or socket.
pub type Descriptor = OwnedFd;
/// One that is lent.
pub type BorrowedDescriptor<'fd> = BorrowedFd<'fd>;

/// Descriptors 0 to 2 are the standard streams, which std owns.
const FIRST_FREE: RawFd = 3;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// A file's descriptor, lent.
pub fn of_file(file: &File) -> BorrowedDescriptor<'_> {
    file.as_fd()
}

pub(super) fn from_environment(name: &'static str) -> Result<Descriptor, InheritError> {
    let value = std::env::var(name).map_err(|_| InheritError::NotSet(name))?;
    let number = value.parse::<RawFd>().ok().filter(|number| *number >= FIRST_FREE);
    let Some(number) = number.filter(|number| set_close_on_exec(*number)) else {
        return Err(InheritError::NotOpen { name, value });
    };
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Err(InheritError::Taken(name));
    }
    // SAFETY: the number is open (fcntl just succeeded on it), it came over exec from the parent, so no value in this
    // process owns it, and `TAKEN` lets this line run once only, so that it is never owned twice.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn set_close_on_exec(number: RawFd) -> bool {
    // SAFETY: F_SETFD changes one flag of a descriptor number; on a number that is not open it fails.
    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) == 0 }
}
