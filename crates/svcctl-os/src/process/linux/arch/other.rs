//! Other processors: no process is made this way; the answer is `ENOSYS`, which the spawner turns into a sentence.

use crate::process::linux::child::Plan;

/// Answers `ENOSYS`.
///
/// # Safety
/// Nothing is asked of the caller; the signature is that of the other processors.
pub(in crate::process::linux) unsafe fn syscall(_number: i64, _args: [usize; 6]) -> isize {
    -(libc::ENOSYS as isize)
}

/// Answers `ENOSYS`.
///
/// # Safety
/// Nothing is asked of the caller; the signature is that of the other processors.
pub(in crate::process::linux) unsafe fn clone3(
    _args: *const libc::clone_args,
    _size: usize,
    _entry: extern "C" fn(*const Plan) -> !,
    _plan: *const Plan,
) -> isize {
    -(libc::ENOSYS as isize)
}
