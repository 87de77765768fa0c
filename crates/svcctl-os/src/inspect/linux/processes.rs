//! Whose child is whose, and who runs what.

use super::super::Orphan;
use crate::linux::procfs::{self, Entry, Variable};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(in crate::inspect) fn orphans(variable: &str, keeper: &str) -> Vec<Orphan> {
    let all: BTreeMap<u32, Entry> = procfs::processes().into_iter().map(|entry| (entry.pid, entry)).collect();
    let mut found = Vec::new();
    for entry in all.values().filter(|entry| !entry.zombie) {
        if let Variable::Set(instance) = procfs::variable(entry.pid, variable)
            && !is_kept(entry, &all, keeper)
        {
            found.push(Orphan { pid: entry.pid, instance });
        }
    }
    found
}

/// Whether one of its ancestors, or it itself, has the keeper's name.
fn is_kept(entry: &Entry, all: &BTreeMap<u32, Entry>, keeper: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = Some(entry);
    while let Some(entry) = next.filter(|entry| seen.insert(entry.pid)) {
        if name(entry.pid).is_some_and(|name| name == keeper) {
            return true;
        }
        next = all.get(&entry.parent);
    }
    false
}

fn name(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

pub(in crate::inspect) fn processes_of(program: &Path) -> Vec<u32> {
    // The file itself counts, by whatever path it was started; its own link tells even where its path does not.
    let Ok(wanted) = fs::metadata(program) else { return Vec::new() };
    let runs = |pid: u32| {
        let found = fs::metadata(format!("/proc/{pid}/exe"));
        found.is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
    };
    let all = procfs::processes().into_iter().filter(|entry| !entry.zombie);
    all.map(|entry| entry.pid).filter(|pid| runs(*pid)).collect()
}

pub(in crate::inspect) fn tree_of(pid: u32) -> Vec<u32> {
    let all = procfs::processes();
    let mut tree = vec![pid];
    let mut at = 0;
    while let Some(parent) = tree.get(at).copied() {
        let children = all.iter().filter(|entry| entry.parent == parent).map(|entry| entry.pid);
        let new: Vec<u32> = children.filter(|pid| !tree.contains(pid)).collect();
        tree.extend(new);
        at += 1;
    }
    tree
}

pub(in crate::inspect) fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_is_found_by_its_program() {
        let own = std::process::id();
        let program = std::env::current_exe().unwrap();
        assert!(processes_of(&program).contains(&own));
        assert!(tree_of(std::os::unix::process::parent_id()).contains(&own));
        assert_eq!(arguments(own), std::env::args().collect::<Vec<_>>());
        assert!(processes_of(Path::new("/no/such/program")).is_empty());
    }

    #[test]
    fn a_service_without_a_keeper_is_an_orphan() {
        const VARIABLE: &str = "SVCCTL_TEST_ORPHAN";
        let mut child =
            std::process::Command::new("sleep").arg("60").env(VARIABLE, "web#0:1").spawn().unwrap();
        let found = |keeper: &str| orphans(VARIABLE, keeper).iter().any(|orphan| orphan.pid == child.id());
        // The variable is there once exec is done, which spawn waits for.
        assert!(found("svcctl-no-such-keeper"));
        let own = name(std::process::id()).unwrap();
        assert!(!found(&own));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
