//! What is guessed about a program, and what processes of it that run already tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use svcctl_os::inspect;

/// Programs that run others: that one of them runs says nothing about another.
const INTERPRETERS: [&str; 12] =
    ["python", "node", "ruby", "perl", "java", "php", "sh", "bash", "dash", "deno", "bun", "dotnet"];

/// What is guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guess {
    /// Where it can be reached once it is ready.
    pub(super) address: Option<SocketAddr>,
    /// From what that was guessed, as a sentence fragment: `the argument --port 8080`.
    pub(super) from: String,
    /// The path that answers over HTTP, and with which status.
    pub(super) http: Option<(String, u16)>,
    /// What else was seen.
    pub(super) remarks: Vec<String>,
}

impl Guess {
    /// The address by which a program that listens at `address` is reached from here.
    pub(super) fn reached(address: SocketAddr) -> SocketAddr {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            // Who listens at all addresses of the sixth version usually takes the fourth as well.
            IpAddr::V6(ip) if ip == Ipv6Addr::UNSPECIFIED => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, address.port())
    }
}

/// What a process of this very program that runs now tells.
pub(super) fn of_running(exec: &[String]) -> Option<Guess> {
    let program = Path::new(exec.first()?);
    let pids =
        inspect::processes_of(program).into_iter().filter(|pid| is_alike(exec, &inspect::arguments(*pid)));
    pids.into_iter().find_map(|pid| {
        let found = inspect::listeners(&inspect::tree_of(pid));
        let (first, others) = found.split_first()?;
        let remarks =
            others.iter().map(|other| format!("The running process also listens at {other}.")).collect();
        Some(Guess {
            address: Some(Guess::reached(*first)),
            from: format!("process {pid} of the same program, which listens there now"),
            http: None,
            remarks,
        })
    })
}

/// Whether a process with these arguments is likely to do the same.
fn is_alike(exec: &[String], arguments: &[String]) -> bool {
    let Some((program, ours)) = exec.split_first() else { return false };
    let file = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let base = file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let same = arguments.get(1..).is_some_and(|theirs| theirs == ours);
    // Servers change what they show as their arguments, and interpreters do not.
    same || !INTERPRETERS.contains(&base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everywhere_is_reached_here() {
        let reached = |text: &str| Guess::reached(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "127.0.0.1:80");
        assert_eq!(reached("[::1]:80"), "[::1]:80");
        assert_eq!(reached("10.0.0.1:80"), "10.0.0.1:80");
    }

    #[test]
    fn another_script_of_one_interpreter_is_not_alike() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(!is_alike(&words("/usr/bin/python3.11 a.py"), &words("python3 b.py")));
        assert!(is_alike(&words("/usr/bin/python3.11 a.py"), &words("python3 a.py")));
        assert!(is_alike(&words("/usr/bin/redis-server r.conf"), &words("/usr/bin/redis-server *:6379")));
    }
}
