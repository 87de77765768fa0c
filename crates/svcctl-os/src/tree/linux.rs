//! The tree from `/proc`.

use super::Process;
use crate::Unsupported;
use crate::linux::procfs;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// How many characters of a command line are shown.
const COMMAND_MAX_CHARS: usize = 4096;
/// `/proc/PID/stat` counts in ticks of this many milliseconds (`USER_HZ` is 100 on every architecture).
const TICK_MS: u64 = 10;

#[expect(clippy::unnecessary_wraps, reason = "other systems cannot, and say so")]
pub(super) fn read(main: u32) -> Result<Vec<Process>, Unsupported> {
    let table = procfs::processes();
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in table.iter().filter(|entry| !entry.zombie) {
        children.entry(entry.parent).or_default().push(entry.pid);
        parents.insert(entry.pid, entry.parent);
    }
    // What left the tree (its parent ended) stays in the group of the service, where there is one.
    let members = group_of(main);
    let adrift = members
        .iter()
        .filter(|pid| **pid != main && parents.get(pid).is_some_and(|parent| !members.contains(parent)));
    let mut stack: Vec<(u32, u32)> = adrift.map(|pid| (*pid, 1)).rev().collect();
    stack.push((main, 0));
    let mut seen = BTreeSet::new();
    let mut processes = Vec::new();
    while let Some((pid, depth)) = stack.pop() {
        let Some(parent) = parents.get(&pid) else { continue };
        if !seen.insert(pid) {
            continue;
        }
        processes.push(process(pid, *parent, depth));
        let below = children.get(&pid).into_iter().flatten().rev();
        stack.extend(below.map(|child| (*child, depth + 1)));
    }
    Ok(processes)
}

fn process(pid: u32, parent: u32, depth: u32) -> Process {
    Process { pid, parent, depth, command: command(pid), memory_bytes: memory(pid), cpu_ms: cpu(pid) }
}

/// The members of the process's group, if that is a group of one service (svcctl names them `SLOT@NUMBER`).
fn group_of(pid: u32) -> BTreeSet<u32> {
    let members = || {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        let name = path.rsplit('/').next()?;
        name.rsplit_once('@')?.1.parse::<u64>().ok()?;
        let text = fs::read_to_string(format!("/sys/fs/cgroup{path}/cgroup.procs")).ok()?;
        Some(text.lines().filter_map(|line| line.parse().ok()).collect())
    };
    members().unwrap_or_default()
}

fn command(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = words.strip_suffix(b"\0").unwrap_or(&words);
    if words.is_empty() {
        // A process without words has emptied them, or is the kernel's; its name is better than nothing.
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return format!("[{}]", harmless(name.trim_end()));
    }
    let words: Vec<_> = words.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    harmless(&words.join(" "))
}

fn harmless(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars().take(COMMAND_MAX_CHARS) {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

fn memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

fn cpu(pid: u32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&stat);
    // From the third field on; the 14th and 15th are the ticks in user and system mode (proc(5)).
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)?.checked_mul(TICK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_command_and_memory() {
        let own = process(std::process::id(), 1, 0);
        assert!(!own.command.is_empty() && own.memory_bytes > Some(0), "{own:?}");
        assert!(own.cpu_ms.is_some());
    }

    #[test]
    fn a_command_line_steers_no_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
    }
}
