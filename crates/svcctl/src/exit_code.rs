//! The exit codes of the command line, for scripts to rely on.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, or running |
//! | 1 | tried and failed; `diff`: there are differences |
//! | 2 | the command line makes no sense, or names a file that is not there |
//! | 3 | not running (`status` only) |
//! | 4 | no such service |
//! | 5 | denied |
//! | 6 | timed out; what is left is listed |
//! | 7 | not supported by this manager or system |
//! | 8 | conflict with what is there |
//! | 9 | the specification is wrong |
//! | 10 | no daemon |
//!
//! Those of failures come from [`svckit::control::types::FailureKind::exit_code`], those of `status` from
//! [`svcctl_core::supervisor::state::Phase::status_exit_code`].

/// Done.
pub(crate) const DONE: u8 = 0;
/// The command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// `status`: not running.
pub(crate) const NOT_RUNNING: u8 = 3;
