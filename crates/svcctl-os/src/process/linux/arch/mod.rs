//! System calls without a C library, for the child that shares memory and thread-local storage with its parent: a
//! wrapper of libc would write the parent's `errno`.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub(super) use aarch64::{clone3, syscall};

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{clone3, syscall};

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
mod other;
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(super) use other::{clone3, syscall};
