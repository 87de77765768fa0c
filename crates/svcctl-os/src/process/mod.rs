//! Processes: how one is made, signalled and seen to end.
//!
//! Absent on purpose: any decision. Whether to restart, when to kill and what to tell is for the callers.

#[cfg(target_os = "linux")]
mod helper;
#[cfg(target_os = "linux")]
mod linux;
mod program;
#[cfg(not(target_os = "linux"))]
mod unsupported;

#[cfg(target_os = "linux")]
pub use helper::{find_account, helper_main, is_member};
#[cfg(target_os = "linux")]
pub use linux::{
    Child, Executable, OutputPipe, PIPE_CAPACITY_BYTES, Plain, Spawner, Spawning, StartError,
    become_subreaper, exit_of, is_gone, output_pipe, reap, reap_orphans, send_signal,
};
#[cfg(not(target_os = "linux"))]
pub use unsupported::helper_main;

pub use program::{Identity, Limit, Program, Resource};

/// The argument that makes the binary the exec helper: `svcctl __exec …` calls [`helper_main`].
pub const HELPER_VERB: &str = "__exec";

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By exit, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}
