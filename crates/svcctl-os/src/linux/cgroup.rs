//! Control groups, version 2: each slot in one of its own, so that its whole tree can be killed at once and its end be
//! seen, whatever its processes do to their sessions and parents.
//!
//! Nothing is limited here, and no controller is used. A process that is moved to another group by somebody with the
//! right to do so is not found by these means.

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// How many groups of one slot and generation there may be at once.
const SAME_NAME_MAX: usize = 16;

/// The directory below which the groups of one daemon are.
#[derive(Debug)]
pub struct Subtree {
    path: PathBuf,
}

/// The group of one slot.
#[derive(Debug)]
pub struct Group {
    path: PathBuf,
    directory: OwnedFd,
    events: OwnedFd,
}

impl Subtree {
    /// Makes `name` in the caller's own group; `None` where there is no such hierarchy, it is not writable, or its
    /// kernel has no `cgroup.kill` (before 5.14).
    pub fn create(name: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = own_group(&mounts, &own)?.join(name);
        make(&path).ok()?;
        if path.join("cgroup.kill").exists() && writable(&path.join("cgroup.procs")) {
            return Some(Self { path });
        }
        let _ = fs::remove_dir(&path);
        None
    }

    /// Makes a new group for a process of a slot.
    ///
    /// # Errors
    /// What the system says.
    pub fn group(&self, slot: &str, generation: u64) -> io::Result<Group> {
        let mut name = format!("{}{generation}", prefix(slot));
        for _ in 0..SAME_NAME_MAX {
            let path = self.path.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => return Group::open(path),
                // An earlier daemon had the same number for this slot, and its group is not gone yet.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => name.push('+'),
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The groups of a slot that are there already, from an earlier daemon.
    pub fn left_of(&self, slot: &str) -> Vec<Group> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        let prefix = prefix(slot);
        let ours = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        ours.filter_map(|entry| Group::open(entry.path()).ok()).collect()
    }

    /// Removes the directory, if all its groups are gone.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Group {
    fn open(path: PathBuf) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(&path, flags, Mode::empty())?;
        let events = openat(&directory, "cgroup.events", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path, directory, events })
    }

    /// What clone3 takes to make a child in this group.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Has an exceptional condition (`EPOLLPRI`) when [`Group::populated`] may give something else than last time.
    pub fn events(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    /// Whether a live process is in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn populated(&self) -> io::Result<bool> {
        let mut buffer = [0; 128];
        let length = rustix::io::pread(&self.events, &mut buffer, 0)?;
        Ok(!buffer[..length].split(|byte| *byte == b'\n').any(|line| line == b"populated 0"))
    }

    /// Sends SIGKILL to all that is in it, also to what is just being forked. After that nothing is to be started in it
    /// any more: Linux 6.18 kills a child that is cloned into a group that was ever killed.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&self) -> io::Result<()> {
        let file = openat(&self.directory, "cgroup.kill", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, b"1")?;
        Ok(())
    }

    /// Who is in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        let text = fs::read_to_string(self.path.join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Removes it. False when the kernel still counts somebody in it, which it may do for some milliseconds after the
    /// last process has ended: to be tried again.
    ///
    /// # Errors
    /// What else the system says.
    pub fn remove(&self) -> io::Result<bool> {
        match rustix::fs::rmdir(&self.path) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::BUSY) => {
                self.remove_below();
                Ok(rustix::fs::rmdir(&self.path).is_ok())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A service may have made groups of its own below; empty ones are removed, a level at a time.
    fn remove_below(&self) {
        let mut pending = vec![self.path.clone()];
        let mut found = Vec::new();
        while let Some(directory) = pending.pop() {
            let Ok(entries) = fs::read_dir(&directory) else { continue };
            let below = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            let below: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
            pending.extend(below.iter().cloned());
            found.extend(below);
        }
        for directory in found.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The beginning of the names of a slot's groups, which no control file and no other slot's group has: letters, digits, `-`, `_`, `#` and `.` stay, each other
/// byte becomes `%` and two hexadecimal digits.
fn prefix(slot: &str) -> String {
    let mut name = String::from("slot-");
    for byte in slot.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'#' | b'.') {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
    }
    name.push('@');
    name
}

/// The directory of the caller's group, from `/proc/self/mountinfo` and cgroups(7). On machines with both versions the
/// second is mounted somewhere below the first, so the mount is looked up by its type.
fn own_group(mounts: &str, own: &str) -> Option<PathBuf> {
    let (root, point) = mounts.lines().find_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        let mut fields = front.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        (back.split(' ').next() == Some("cgroup2")).then(|| (unescape(root), unescape(point)))
    })?;
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    // A container sees the mount's root; a group outside of it, shown as /.., cannot be reached.
    let below = if root == "/" { group } else { group.strip_prefix(root.as_str())? };
    (!below.split('/').any(|part| part == ".."))
        .then(|| Path::new(&point).join(below.trim_start_matches('/')))
}

/// Mountinfo writes blanks and the backslash as octal numbers.
fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_on_pure_hybrid_and_contained_machines() {
        let of = |mounts: &str, own: &str| own_group(mounts, own).map(|path| path.display().to_string());
        let pure = "25 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(of(pure, "0::/user.slice/a b\n").as_deref(), Some("/sys/fs/cgroup/user.slice/a b"));
        let hybrid = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(of(hybrid, "4:memory:/x\n0::/\n").as_deref(), Some("/sys/fs/cgroup/unified/"));
        let contained = "9 8 0:22 /pod /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        assert_eq!(of(contained, "0::/pod/web\n").as_deref(), Some("/sys/fs/cgroup/web"));
        assert_eq!(of(pure, "0::/../other\n"), None);
        assert_eq!(of("", "0::/\n"), None);
    }

    #[test]
    fn no_slot_has_the_name_of_a_control_file_or_another_slot() {
        assert_eq!(prefix("web#0"), "slot-web#0@");
        assert_eq!(prefix("../a@b"), "slot-..%2fa%40b@");
    }
}
