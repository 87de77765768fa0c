//! Who listens where: `/proc/net/tcp` and `tcp6` tell which sockets listen, `/proc/PID/fd` whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `TCP_LISTEN` in the tables.
const LISTENING: &str = "0A";

pub(in crate::inspect) fn listeners(pids: &[u32]) -> Vec<SocketAddr> {
    let mut open = BTreeMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        open.extend(text.lines().skip(1).filter_map(listening));
    }
    let sockets = pids.iter().flat_map(|pid| sockets(*pid));
    let found: BTreeSet<SocketAddr> = sockets.filter_map(|inode| open.get(&inode).copied()).collect();
    found.into_iter().collect()
}

/// The inodes of a process's sockets.
fn sockets(pid: u32) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let inode = |link: &str| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    links.filter_map(|link| inode(link.to_str()?)).collect()
}

/// A line of the table (proc(5)): number, local address, remote address, state, …; the tenth field is the inode.
fn listening(line: &str) -> Option<(u64, SocketAddr)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if fields.get(3) != Some(&LISTENING) {
        return None;
    }
    let (host, port) = fields.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some((fields.get(9)?.parse().ok()?, SocketAddr::new(address(host)?, port)))
}

/// Words of 32 bits in the machine's order, each as eight hexadecimal digits.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| -> Option<[u8; 4]> {
        Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn own_listeners_are_found_of_both_families() {
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut wanted = vec![four.local_addr().unwrap()];
        let six = TcpListener::bind("[::1]:0").ok();
        wanted.extend(six.as_ref().and_then(|six| six.local_addr().ok()));
        let found = listeners(&[std::process::id()]);
        assert!(wanted.iter().all(|address| found.contains(address)), "{wanted:?} in {found:?}");
        assert!(!listeners(&[]).iter().any(|address| wanted.contains(address)));
    }

    #[test]
    fn what_does_not_listen_is_left_out() {
        assert_eq!(listening("1: 0100007F:1F90 0100007F:A000 01 0:0 0:0 0 0 0 77 1"), None);
        assert_eq!(listening("garbage"), None);
        assert_eq!(address("0"), None);
    }
}
