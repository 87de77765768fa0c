//! x86-64: number in rax; arguments in rdi, rsi, rdx, r10, r8, r9; the kernel overwrites rcx and r11.
#![expect(clippy::cast_possible_truncation, reason = "numbers of system calls are small")]

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
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
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
    // SAFETY: the parent's path has the effects of a plain system call. The child starts after `syscall` with the same
    // registers but for rax and the new stack pointer; it uses nothing of the parent's stack, calls `entry`, and never
    // comes back to this function.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 as isize => result,
            in("rdi") args, in("rsi") size, in("r12") plan, in("r13") entry,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}
