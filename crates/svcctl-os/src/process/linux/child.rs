//! What runs in the child between clone3 and exec.
//!
//! The child shares all memory with its parent (`CLONE_VM`) and the parent goes on meanwhile. So it allocates nothing,
//! takes no lock, does not touch thread-local storage (`errno`!), does not panic, and writes to its own stack only. It
//! reads the [`Plan`], which the parent keeps until the status pipe is closed, by exec or by death.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the kernel takes and gives values of all types in registers"
)]

use super::arch::syscall;
use std::ffi::{c_char, c_int};
use std::ptr;

/// The stage at which a spawn failed, as it stands in the status pipe.
pub(super) const STAGE_SETUP: u32 = 1;
/// The working directory could not be entered.
pub(super) const STAGE_DIRECTORY: u32 = 2;
/// The program could not be executed.
pub(super) const STAGE_EXEC: u32 = 3;
/// The exec helper says in words what went wrong.
pub(super) const STAGE_MESSAGE: u32 = 4;

/// How much of the program's file is sent along when exec fails, so that a missing interpreter can be named. The
/// child reads it because the parent must not block on a service's files.
pub(super) const HEAD_MAX_BYTES: usize = 2048;
/// Stage, errno and candidate, each four bytes in the machine's order.
pub(super) const RECORD_BYTES: usize = 12;
/// The longest message in a status pipe; below `PIPE_BUF`, so that one write is whole.
pub(super) const STATUS_MAX_BYTES: usize = RECORD_BYTES + HEAD_MAX_BYTES;

/// Signals are numbered from 1 to this.
const SIGNAL_LAST: usize = 64;
/// The kernel's `struct sigaction` is no longer than this on any processor that is supported.
const SIGACTION_BYTES: usize = 32;
/// The size of the kernel's signal set.
const SIGSET_BYTES: usize = 8;
/// The exit code of a child that could not become its program; nobody sees it but tracers.
const EXIT_FAILED: usize = 127;

/// An inclusive range of descriptor numbers.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) first: u32,
    pub(super) last: u32,
}

/// Everything that the child reads, made before it exists. Lists of pointers end with null.
#[repr(C)]
pub(super) struct Plan {
    /// What becomes descriptor 0, 1 and 2; -1 leaves it as it is.
    pub(super) stdio: [c_int; 3],
    /// Where a failure is written; closed by exec.
    pub(super) status: c_int,
    /// What else is closed before anything that may take long, so that a stuck child holds nothing of its parent.
    pub(super) close: *const Range,
    pub(super) close_count: usize,
    /// What stays open over exec beyond the standard streams.
    pub(super) inherit: *const c_int,
    pub(super) inherit_count: usize,
    /// The limit of open files to be set, or null.
    pub(super) nofile: *const libc::rlimit64,
    /// The directory to enter, or null.
    pub(super) cwd: *const c_char,
    /// The files to be tried, in order; null when `descriptor` is executed instead.
    pub(super) candidates: *const *const c_char,
    pub(super) descriptor: c_int,
    pub(super) argv: *const *const c_char,
    pub(super) envp: *const *const c_char,
}

/// The child's whole life until exec.
pub(super) extern "C" fn run(plan: *const Plan) -> ! {
    // SAFETY: the parent keeps the plan and all that it points to until the status pipe closes, and nobody writes to
    // it. All calls are raw system calls on those pointers or on values of this stack.
    unsafe {
        let plan = &*plan;
        prepare(plan);
        if !plan.cwd.is_null() {
            let entered = syscall(libc::SYS_chdir, [plan.cwd as usize, 0, 0, 0, 0, 0]);
            if entered < 0 {
                fail(plan, STAGE_DIRECTORY, entered, 0, 0);
            }
        }
        exec(plan)
    }
}

/// Session, signals, descriptors and limits.
///
/// # Safety
/// As for [`run`].
unsafe fn prepare(plan: &Plan) {
    // SAFETY: as for `run`; each call gets numbers, or pointers to values that outlive it.
    unsafe {
        syscall(libc::SYS_setsid, [0; 6]);
        // CLONE_CLEAR_SIGHAND has set handlers to their default; what the parent ignores (Rust programs ignore
        // SIGPIPE) is still ignored.
        let default_action = [0_u8; SIGACTION_BYTES];
        let mut signal = 1;
        while signal <= SIGNAL_LAST {
            let action = ptr::addr_of!(default_action) as usize;
            syscall(libc::SYS_rt_sigaction, [signal, action, 0, SIGSET_BYTES, 0, 0]);
            signal += 1;
        }
        let nothing = 0_u64;
        let set = ptr::addr_of!(nothing) as usize;
        syscall(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK as usize, set, 0, SIGSET_BYTES, 0, 0]);
        arrange_descriptors(plan);
        if !plan.nofile.is_null() {
            let limit = plan.nofile as usize;
            syscall(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE as usize, limit, 0, 0, 0]);
        }
    }
}

/// # Safety
/// As for [`run`].
unsafe fn arrange_descriptors(plan: &Plan) {
    // SAFETY: as for `run`; the lists have as many entries as their counts say.
    unsafe {
        let mut target = 0;
        let sources = plan.stdio.as_ptr();
        while target < 3 {
            let source = *sources.add(target);
            if source >= 0 {
                let result = syscall(libc::SYS_dup3, [source as usize, target, 0, 0, 0, 0]);
                if result < 0 {
                    fail(plan, STAGE_SETUP, result, 0, 0);
                }
            }
            target += 1;
        }
        let mut at = 0;
        while at < plan.close_count {
            // Before Linux 5.9 there is no close_range: then close-on-exec, which every descriptor of svcctl has, does it.
            let range = &*plan.close.add(at);
            syscall(libc::SYS_close_range, [range.first as usize, range.last as usize, 0, 0, 0, 0]);
            at += 1;
        }
        at = 0;
        while at < plan.inherit_count {
            let descriptor = *plan.inherit.add(at) as usize;
            let result = syscall(libc::SYS_fcntl, [descriptor, libc::F_SETFD as usize, 0, 0, 0, 0]);
            if result < 0 {
                fail(plan, STAGE_SETUP, result, 0, 0);
            }
            at += 1;
        }
    }
}

/// Executes the held descriptor, or the first candidate that can be executed, as `execvp` does: a file that is not
/// there or not allowed leads on to the next, anything else is the answer.
///
/// # Safety
/// As for [`run`].
unsafe fn exec(plan: &Plan) -> ! {
    // SAFETY: as for `run`; `argv`, `envp` and `candidates` end with null.
    unsafe {
        let (argv, envp) = (plan.argv as usize, plan.envp as usize);
        if plan.candidates.is_null() {
            let empty = ptr::addr_of!(EMPTY) as usize;
            let flags = libc::AT_EMPTY_PATH as usize;
            let result = syscall(libc::SYS_execveat, [plan.descriptor as usize, empty, argv, envp, flags, 0]);
            fail(plan, STAGE_EXEC, result, 0, 0);
        }
        let mut worst = (-(libc::ENOENT as isize), 0);
        let mut at = 0;
        loop {
            let path = *plan.candidates.add(at) as usize;
            if path == 0 {
                break;
            }
            let result = syscall(libc::SYS_execve, [path, argv, envp, 0, 0, 0]);
            let code = -result as c_int;
            if code != libc::ENOENT && code != libc::ENOTDIR {
                worst = (result, at);
                if code != libc::EACCES {
                    break;
                }
            } else if at == 0 || is_there(path) {
                // The first answer stands unless a later candidate says more; a file that is there although exec says
                // otherwise lacks its interpreter.
                worst = (result, at);
                if is_there(path) {
                    break;
                }
            }
            at += 1;
        }
        let path = *plan.candidates.add(worst.1) as usize;
        fail(plan, STAGE_EXEC, worst.0, worst.1, path)
    }
}

static EMPTY: [u8; 1] = [0];

/// # Safety
/// `path` must be the address of a text that ends with NUL.
unsafe fn is_there(path: usize) -> bool {
    // SAFETY: by this function's contract.
    unsafe {
        syscall(libc::SYS_faccessat, [libc::AT_FDCWD as usize, path, libc::F_OK as usize, 0, 0, 0]) == 0
    }
}

/// Tells the parent and ends. `path` is the file whose head is sent along, or 0.
///
/// # Safety
/// As for [`run`]; `path` must be 0 or the address of a text that ends with NUL.
unsafe fn fail(plan: &Plan, stage: u32, result: isize, candidate: usize, path: usize) -> ! {
    // SAFETY: as for `run`; the buffer is on this stack and has room for the record and the head.
    unsafe {
        let mut record = [0_u8; STATUS_MAX_BYTES];
        let start = record.as_mut_ptr();
        ptr::write_unaligned(start.cast::<u32>(), stage);
        ptr::write_unaligned(start.add(4).cast::<u32>(), result.unsigned_abs() as u32);
        ptr::write_unaligned(start.add(8).cast::<u32>(), candidate as u32);
        let mut length = RECORD_BYTES;
        if path != 0 {
            // O_NONBLOCK: the name may be that of a FIFO, whose open would wait for a writer.
            let flags = (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK) as usize;
            let file = syscall(libc::SYS_openat, [libc::AT_FDCWD as usize, path, flags, 0, 0, 0]);
            if file >= 0 {
                let room = start.add(RECORD_BYTES) as usize;
                let read = syscall(libc::SYS_read, [file as usize, room, HEAD_MAX_BYTES, 0, 0, 0]);
                if read > 0 {
                    length += read as usize;
                }
            }
        }
        syscall(libc::SYS_write, [plan.status as usize, start as usize, length, 0, 0, 0]);
        loop {
            syscall(libc::SYS_exit_group, [EXIT_FAILED, 0, 0, 0, 0, 0]);
        }
    }
}

/// Executes by `plan` in the calling process, as the exec helper does once it has become another user.
///
/// # Safety
/// All pointers of the plan must be valid, and its lists must end with null.
pub(super) unsafe fn exec_here(plan: &Plan) -> ! {
    // SAFETY: by this function's contract.
    unsafe { exec(plan) }
}
