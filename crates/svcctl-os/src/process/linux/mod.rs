//! Linux: clone3 with `CLONE_VM` and without `CLONE_VFORK`, pidfds, waitid.
//!
//! The parent never waits for a child to reach its program, since an exec can hang on a dead file system: the outcome
//! arrives by a pipe that exec closes, to be polled.

mod arch;
mod child;
mod here;
mod output;
mod plan;
mod spawner;
mod status;
mod wait;

pub(super) use here::exec_here;
pub use output::{OutputPipe, PIPE_CAPACITY_BYTES, output_pipe};
pub(super) use spawner::directory;
pub use spawner::{Executable, Plain, Spawner, Spawning, StartError};
pub(super) use status::{errno_text, write_failure};
pub use wait::{Child, become_subreaper, exit_of, is_gone, reap, reap_orphans, send_signal};
