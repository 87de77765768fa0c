//! Processes as /proc shows them: who is below whom, and what they take.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// All processes below `ancestor`, zombies included, parents before their children.
pub(super) fn descendants(ancestor: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        if let Some(parent) =
            std::fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| parent(&stat))
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found.split_off(1)
}

/// The parent in a line of /proc/PID/stat. The program's name stands in parentheses and may have any in it.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The program that a process runs; none for a zombie.
pub(super) fn program(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The words of a process's command line.
pub(super) fn words(pid: u32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The proportional set size of a process, in KiB: what it has for itself, and its share of what it shares. None for
/// one that has ended.
pub(super) fn pss_kib(pid: u32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_parent() {
        assert_eq!(parent("7 (a) b) S 5 7 7 0"), Some(5));
        assert_eq!(parent("7 (sh) Z 12 7"), Some(12));
        assert_eq!(parent("nothing"), None);
    }

    #[test]
    fn children_of_children_are_found_and_have_a_size() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "(sh -c 'echo up; read line; :') ; :"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut [0; 3]).unwrap();
        let all = descendants(std::process::id());
        let below = descendants(shell.id());
        assert!(!below.is_empty() && below.iter().all(|pid| all.contains(pid)));
        assert!(all.iter().position(|pid| *pid == shell.id()) < all.iter().position(|pid| *pid == below[0]));
        assert!(pss_kib(shell.id()).unwrap() > 0 && words(shell.id()).len() >= 3);
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(program(shell.id()).is_none());
    }
}
