//! Room for state and logs.

use super::check::Check;
use super::places::above;
use crate::context::Context;
use std::path::Path;
use svcctl_os::inspect::{self, Directory};

const MIB: u64 = 1024 * 1024;
/// With less than this, nothing can be promised.
const BYTES_NEEDED: u64 = 16 * MIB;
/// With less than this, it will not be long.
const BYTES_WANTED: u64 = 128 * MIB;
/// A service needs some ten files.
const INODES_WANTED: u64 = 1_000;

pub(super) fn check(context: &Context) -> Vec<Check> {
    [("disk.state", &context.paths.state), ("disk.logs", &context.paths.logs)]
        .into_iter()
        .filter_map(|(id, path)| Some(judge(id, path, inspect::directory(above(path)).ok()?)))
        .collect()
}

fn judge(id: &'static str, path: &Path, found: Directory) -> Check {
    let shown = path.display();
    if found.read_only {
        let text = format!("the file system of {shown} is mounted read-only");
        return Check::problem(id, text, "mount it for writing, or give another place with --root");
    }
    let free = format!("{} MiB free at {shown}", found.bytes_free / MIB);
    let inodes = (found.inodes_total > 0).then_some(found.inodes_free);
    if found.bytes_free < BYTES_NEEDED {
        return Check::problem(id, free, "make room: nothing new can be kept otherwise");
    }
    if inodes == Some(0) {
        return Check::problem(id, format!("no inode is left at {shown}"), "delete files that nobody needs");
    }
    if found.bytes_free < BYTES_WANTED {
        return Check::warning(id, free, "make room before it is full");
    }
    if let Some(inodes) = inodes.filter(|inodes| *inodes < INODES_WANTED) {
        let text = format!("{inodes} inodes are left at {shown}");
        return Check::warning(id, text, "delete files that nobody needs");
    }
    Check::ok(id, free)
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn little_room_is_said_before_there_is_none() {
        let full = Directory {
            owner: 0,
            mode: 0o700,
            writable: true,
            read_only: false,
            bytes_free: 0,
            bytes_total: 1 << 40,
            inodes_free: 5_000,
            inodes_total: 10_000,
        };
        let judged = |found: Directory| judge("disk.state", Path::new("/s"), found).verdict;
        let with = |mib: u64| Directory { bytes_free: mib * MIB, ..full };
        assert_eq!(judged(full), Verdict::Problem);
        assert_eq!(judged(with(100)), Verdict::Warning);
        assert_eq!(judged(with(1_000)), Verdict::Ok);
        assert_eq!(judged(Directory { inodes_free: 0, ..with(1_000) }), Verdict::Problem);
        assert_eq!(judged(Directory { inodes_free: 9, ..with(1_000) }), Verdict::Warning);
        // Some file systems do not count them.
        assert_eq!(judged(Directory { inodes_free: 0, inodes_total: 0, ..with(1_000) }), Verdict::Ok);
        assert_eq!(judged(Directory { read_only: true, ..with(1_000) }), Verdict::Problem);
    }
}
