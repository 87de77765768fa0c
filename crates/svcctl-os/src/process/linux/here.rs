//! Executes a program in the calling process, as the exec helper does once it has become another user.

use super::child;
use super::plan::{Arrangement, Prepared, Target};
use super::spawner::{StartError, explain, texts};
use crate::process::Program;
use std::convert::Infallible;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Replaces the calling process by the program; its lookup and its failures are those of a spawned child, told through
/// `status`, which must be close-on-exec. The working directory stays.
///
/// # Errors
/// [`StartError`] for texts that cannot be passed on.
pub(in crate::process) fn exec_here(
    program: &Program,
    status: BorrowedFd<'_>,
) -> Result<Infallible, StartError> {
    let explain = explain(program)?;
    let prepared = Prepared::new(Arrangement {
        target: Target::Files(texts(explain.candidates.iter().map(Vec::as_slice))?),
        argv: texts(program.argv.iter().map(Vec::as_slice))?,
        env: texts(program.env.iter().map(Vec::as_slice))?,
        cwd: None,
        stdio: [-1; 3],
        status: status.as_raw_fd(),
        inherit: Vec::new(),
        nofile: None,
    });
    // SAFETY: `prepared` owns all that its plan points to, lists end with null, and it lives until the process has
    // become its program or ended.
    unsafe { child::exec_here(prepared.plan()) }
}
