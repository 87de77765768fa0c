//! Linux: system calls that change nothing, `/proc` and `statvfs`.

mod net;
mod processes;

pub(super) use crate::linux::cgroup::occupied as occupied_groups;
pub(super) use net::listeners;
pub(super) use processes::{arguments, orphans, processes_of, tree_of};

use super::{Directory, Kernel, Limit, Limits, Support};
use crate::linux::cgroup::Subtree;
use crate::linux::procfs;
use crate::process::{Identity, find_account};
use rustix::fs::{Access, MemfdFlags, StatVfsMountFlags, access, fstatfs, memfd_create, statvfs};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Resource, getpid, getrlimit, pidfd_open};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `PID_FS_MAGIC` of linux/magic.h: the file system of pidfds since Linux 6.9.
const PIDFS_MAGIC: i64 = 0x5049_4446;
/// The number of the machine's first PID namespace (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";
/// Permission bits.
const MODE_BITS: u32 = 0o7777;

pub(super) fn kernel() -> Option<Kernel> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let pidfd = pidfd_open(getpid(), PidfdFlags::empty());
    let namespace = fs::read_link("/proc/self/ns/pid").ok();
    Some(Kernel {
        release: release.trim().to_owned(),
        clone3: clone3(),
        pidfs: pidfs(pidfd.as_ref().ok()),
        pidfd: support(&pidfd),
        cgroup: cgroup(),
        ofd_locks: ofd_locks(),
        memfd: support(&memfd_create("svcctl-doctor", MemfdFlags::CLOEXEC)),
        own_pid_namespace: namespace.is_some_and(|link| link.as_os_str() != FIRST_PID_NAMESPACE),
    })
}

fn support<T>(result: &Result<T, Errno>) -> Support {
    match result {
        Ok(_) => Support::Yes,
        Err(error) => Support::No(error.to_string()),
    }
}

/// Asks with arguments that every kernel refuses that knows the call.
fn clone3() -> Support {
    // SAFETY: a size below that of the first version is refused before the pointer is looked at; nothing is made.
    let result = unsafe { libc::syscall(libc::SYS_clone3, std::ptr::null::<u8>(), 0) };
    let error = io::Error::last_os_error();
    if result >= 0 || error.raw_os_error() == Some(libc::EINVAL) {
        Support::Yes
    } else {
        Support::No(error.to_string())
    }
}

fn pidfs(pidfd: Option<&OwnedFd>) -> Support {
    let found = pidfd.and_then(|pidfd| fstatfs(pidfd).ok());
    // The field's type differs between processors.
    if found.is_some_and(|found| i128::from(found.f_type) == i128::from(PIDFS_MAGIC)) {
        Support::Yes
    } else {
        Support::No("Linux 6.9 or later has it".to_owned())
    }
}

/// As the keeper asks: by a group that is made, and removed.
fn cgroup() -> Support {
    match Subtree::create(&format!("svcctl-doctor-{}", std::process::id())) {
        Some(subtree) => {
            // Nothing was put into it.
            let _ = subtree.remove();
            Support::Yes
        }
        None => Support::No("no writable cgroup v2 with cgroup.kill (Linux 5.14)".to_owned()),
    }
}

fn ofd_locks() -> Support {
    let Ok(file) = File::open("/proc/self/exe") else { return Support::No("/proc is not there".to_owned()) };
    // SAFETY: an all-zero flock is valid: all of the file.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::c_short::try_from(libc::F_RDLCK).unwrap_or_default();
    // SAFETY: F_OFD_GETLK reads and writes this structure only, and the descriptor is open.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    if result == 0 { Support::Yes } else { Support::No(io::Error::last_os_error().to_string()) }
}

#[expect(clippy::unnecessary_wraps, reason = "the same signature on every system")]
pub(super) fn limits() -> Option<Limits> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
    let limit = |resource| {
        let found = getrlimit(resource);
        Limit { soft: found.current, hard: found.maximum }
    };
    Some(Limits {
        open_files: limit(Resource::Nofile),
        processes: limit(Resource::Nproc),
        pid_max: number("/proc/sys/kernel/pid_max"),
        threads_max: number("/proc/sys/kernel/threads-max"),
        processes_now: procfs::processes().len() as u64,
        inotify_watches: number("/proc/sys/fs/inotify/max_user_watches"),
        inotify_instances: number("/proc/sys/fs/inotify/max_user_instances"),
    })
}

pub(super) fn directory(path: &Path) -> io::Result<Directory> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let volume = statvfs(path)?;
    Ok(Directory {
        owner: metadata.uid(),
        mode: metadata.mode() & MODE_BITS,
        writable: access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        read_only: volume.f_flag.contains(StatVfsMountFlags::RDONLY),
        bytes_free: volume.f_bavail.saturating_mul(volume.f_frsize),
        bytes_total: volume.f_blocks.saturating_mul(volume.f_frsize),
        inodes_free: volume.f_favail,
        inodes_total: volume.f_files,
    })
}

pub(super) fn account(user: Option<&str>, group: Option<&str>) -> Result<(), String> {
    find_account(&Identity { user: user.map(str::to_owned), group: group.map(str::to_owned), groups: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_asked() {
        let kernel = kernel().unwrap();
        assert_eq!(
            (&kernel.clone3, &kernel.memfd, &kernel.ofd_locks),
            (&Support::Yes, &Support::Yes, &Support::Yes)
        );
        assert!(limits().unwrap().processes_now > 0);
        let folder = tempfile::tempdir().unwrap();
        let found = directory(folder.path()).unwrap();
        assert!(found.writable && !found.read_only && found.bytes_total > 0, "{found:?}");
        assert_eq!(found.mode & 0o700, 0o700);
        assert!(directory(&folder.path().join("missing")).is_err());
        assert_eq!(account(Some("root"), None), Ok(()));
        assert_eq!(
            account(Some("svcctl-no-such-user"), None),
            Err("user svcctl-no-such-user does not exist".to_owned())
        );
    }
}
