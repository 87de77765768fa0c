//! The process table, as `/proc` shows it.

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::collections::BTreeSet;
use std::fs;
use std::io;

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its session.
    pub session: u32,
    /// When it began, in clock ticks since boot: with the id, an identity within one boot.
    pub start: u64,
    /// Whether it has ended and waits to be reaped.
    pub zombie: bool,
}

/// How often the table is read again because it does not fit together.
const TORN_TRIES: u32 = 8;

/// All processes that are visible. Processes that begin or end meanwhile may or may not be among them. The kernel gives
/// one after the other, so a process may be read while it is the child of one that has ended before its own turn; then
/// the table is read again, a limited number of times.
pub fn processes() -> Vec<Entry> {
    for _ in 0..TORN_TRIES {
        let all = read_all();
        let pids: BTreeSet<u32> = all.iter().map(|entry| entry.pid).collect();
        // Without a visible parent are the first of all, and what was brought here from outside of a container.
        if all.iter().all(|entry| entry.parent == 0 || pids.contains(&entry.parent)) {
            return all;
        }
    }
    read_all()
}

fn read_all() -> Vec<Entry> {
    let Ok(directory) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = directory.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter_map(process).collect()
}

/// One process; `None` if there is none of that number.
pub fn process(pid: u32) -> Option<Entry> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields of `/proc/PID/stat` (proc(5)). The second is the name in parentheses, which may itself contain anything.
fn parse(stat: &[u8]) -> Option<Entry> {
    let text = String::from_utf8_lossy(stat);
    let (front, rest) = text.rsplit_once(')')?;
    let pid = front.split_once(' ')?.0.parse().ok()?;
    // From the third field on: state, parent, group, session; the 22nd is the start time.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Entry {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
        zombie: matches!(*fields.first()?, "Z" | "X"),
    })
}

/// What the environment of a process says about a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// It has this value.
    Set(String),
    /// It is not set.
    NotSet,
    /// There is no environment: it was emptied, or the process is in the middle of exec, or not there.
    NoEnvironment,
}

/// A variable in the environment that a process was started with; a hint only, since programs may overwrite it.
pub fn variable(pid: u32, name: &str) -> Variable {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    if environ.is_empty() {
        return Variable::NoEnvironment;
    }
    let mut entries = environ.split(|byte| *byte == 0);
    let value = entries.find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    value.map_or(Variable::NotSet, |value| Variable::Set(String::from_utf8_lossy(value).into_owned()))
}

/// Sends SIGKILL to exactly the process of this identity; nothing if its number means another by now.
///
/// # Errors
/// What the system says, such as that it is not permitted.
pub fn kill(entry: Entry) -> io::Result<()> {
    signal(entry, libc::SIGKILL)
}

/// Sends a signal to exactly the process of this identity; nothing if its number means another by now.
///
/// # Errors
/// What the system says, such as that it is not permitted.
pub fn signal(entry: Entry, signal: i32) -> io::Result<()> {
    let Some(pid) = i32::try_from(entry.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    // The descriptor holds on to whoever has the number now; the start time tells whether that is the one meant.
    if process(entry.pid).is_some_and(|now| now.start == entry.start) {
        crate::process::send_signal(&pidfd, signal)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_is_in_the_table() {
        let own = process(std::process::id()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert!(!own.zombie && own.start > 0);
        assert!(processes().contains(&own));
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_confuses_nothing() {
        let line = b"7 (a) b (c)) S 1 7 6 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
        assert_eq!(parse(line), Some(Entry { pid: 7, parent: 1, session: 6, start: 12345, zombie: false }));
        assert_eq!(parse(b"7 (a"), None);
    }
}
