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

/// How the names of all groups begin.
const PREFIX: &str = "slot-";
/// How many directories of the hierarchy are looked through.
const DIRECTORIES_MAX: usize = 20_000;

/// The directory below which the groups of one daemon are. Only one process at a time may make groups in it.
#[derive(Debug)]
pub struct Subtree {
    path: PathBuf,
    /// The number of the next group; greater than all that were there in the beginning, so that no name is used twice.
    next: u64,
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
            let next = names(&path)
                .iter()
                .filter_map(|name| number(name))
                .max()
                .map_or(1, |last| last.saturating_add(1));
            return Some(Self { path, next });
        }
        let _ = fs::remove_dir(&path);
        None
    }

    /// Makes a new group for the processes of a slot.
    ///
    /// # Errors
    /// What the system says.
    pub fn group(&mut self, slot: &str) -> io::Result<Group> {
        let path = self.path.join(name(slot, self.next));
        self.next = self.next.saturating_add(1);
        fs::create_dir(&path)?;
        Group::open(path)
    }

    /// The names of the groups that are there; right after [`Subtree::create`] those that an earlier process left.
    pub fn names(&self) -> Vec<String> {
        names(&self.path)
    }

    /// One of them.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self, name: &str) -> io::Result<Group> {
        Group::open(self.path.join(name))
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

/// The slots with live processes below every directory `name` of the hierarchy, and these processes. Only looks.
pub fn occupied(name: &str) -> Vec<(String, Vec<u32>)> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut pending: Vec<PathBuf> =
        mount(&mounts).map(|(_, point)| PathBuf::from(point)).into_iter().collect();
    let mut found = Vec::new();
    for _ in 0..DIRECTORIES_MAX {
        let Some(directory) = pending.pop() else { break };
        if directory.file_name().is_some_and(|own| own == name) {
            found.extend(names(&directory).into_iter().filter_map(|group| {
                let pids = Group::open(directory.join(&group)).ok()?.pids().ok()?;
                (!pids.is_empty()).then(|| (slot_of(&group).to_owned(), pids))
            }));
            continue;
        }
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        pending.extend(below.map(|entry| entry.path()));
    }
    found.sort_unstable();
    found
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

fn names(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with(PREFIX)).collect()
}

/// The name of a group, which no control file and no group of another slot or number has: letters, digits, `-`, `_`, `#`
/// and `.` of the slot stay, each other byte becomes `%` and two hexadecimal digits.
fn name(slot: &str, number: u64) -> String {
    let mut name = String::from(PREFIX);
    for byte in slot.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'#' | b'.') {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
    }
    let _ = write!(name, "@{number}");
    name
}

fn number(name: &str) -> Option<u64> {
    name.rsplit_once('@')?.1.parse().ok()
}

/// The slot of a group of that name, for people: what was changed for the name stays changed.
pub fn slot_of(name: &str) -> &str {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    name.rsplit_once('@').map_or(name, |(slot, _)| slot)
}

/// The directory of the caller's group, from `/proc/self/mountinfo` and cgroups(7). On machines with both versions the
/// second is mounted somewhere below the first, so the mount is looked up by its type.
fn own_group(mounts: &str, own: &str) -> Option<PathBuf> {
    let (root, point) = mount(mounts)?;
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    // A container sees the mount's root; a group outside of it, shown as /.., cannot be reached.
    let below = if root == "/" { group } else { group.strip_prefix(root.as_str())? };
    (!below.split('/').any(|part| part == ".."))
        .then(|| Path::new(&point).join(below.trim_start_matches('/')))
}

/// Which directory of the hierarchy is mounted, and where.
fn mount(mounts: &str) -> Option<(String, String)> {
    mounts.lines().find_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        let mut fields = front.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        (back.split(' ').next() == Some("cgroup2")).then(|| (unescape(root), unescape(point)))
    })
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
        assert_eq!(name("web#0", 7), "slot-web#0@7");
        assert_eq!(name("../a@b", 1), "slot-..%2fa%40b@1");
        assert_eq!((slot_of("slot-web#0@7"), number("slot-web#0@7")), ("web#0", Some(7)));
        assert_eq!(number("slot-web#0@x"), None);
    }

    #[test]
    fn numbers_go_on_after_those_that_are_there() {
        // Where there is no writable cgroup, there is nothing to go on with.
        let Some(mut first) = Subtree::create(&format!("svcctl-test-{}", std::process::id())) else { return };
        let one = first.group("a").unwrap();
        let mut second = Subtree::create(&format!("svcctl-test-{}", std::process::id())).unwrap();
        let two = second.group("a").unwrap();
        let mut left = second.names();
        left.sort_unstable();
        assert_eq!(left, ["slot-a@1", "slot-a@2"]);
        assert!(one.remove().unwrap() && two.remove().unwrap());
        second.remove().unwrap();
    }
}
