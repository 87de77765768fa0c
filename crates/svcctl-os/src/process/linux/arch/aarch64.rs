//! AArch64: number in x8; arguments in x0 to x5; the result in x0.

use crate::process::linux::child::Plan;
use std::arch::asm;

/// One system call; gives what the kernel gives (errors as `-errno`).
///
/// # Safety
/// The arguments must be what this call expects.
#[inline]
pub(in crate::process::linux) unsafe fn syscall(number: i64, args: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the registers are those of the kernel's calling convention; what the call does is the caller's concern.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") args[0] => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5],
            options(nostack),
        );
    }
    result
}

/// Makes a child on the stack named in `args` and runs `entry(plan)` there; gives its pid or `-errno` to the parent.
///
/// # Safety
/// `args` must be a valid `clone_args` of `size` bytes with a stack of its own, aligned to 16 bytes at its top; stack
/// and `plan` must stay valid until the child has called exec or ended.
pub(in crate::process::linux) unsafe fn clone3(
    args: *const libc::clone_args,
    size: usize,
    entry: extern "C" fn(*const Plan) -> !,
    plan: *const Plan,
) -> isize {
    let result: isize;
    // SAFETY: the parent's path has the effects of a plain system call. The child starts after `svc` with the same
    // registers but for x0 and the new stack pointer; it uses nothing of the parent's stack, calls `entry`, and never
    // comes back to this function.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") args => result,
            in("x1") size, in("x20") plan, in("x21") entry,
            lateout("x30") _,
        );
    }
    result
}
