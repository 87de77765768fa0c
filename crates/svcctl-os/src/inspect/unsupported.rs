//! Other systems: nothing is known.

use super::{Directory, Kernel, Limits, Orphan};
use crate::Unsupported;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

pub(super) fn kernel() -> Option<Kernel> {
    None
}

pub(super) fn limits() -> Option<Limits> {
    None
}

pub(super) fn directory(_path: &Path) -> io::Result<Directory> {
    Err(io::Error::new(io::ErrorKind::Unsupported, Unsupported { what: "looking at a directory" }))
}

pub(super) fn orphans(_variable: &str, _keeper: &str) -> Vec<Orphan> {
    Vec::new()
}

pub(super) fn occupied_groups(_name: &str) -> Vec<(String, Vec<u32>)> {
    Vec::new()
}

#[expect(clippy::unnecessary_wraps, reason = "the same signature on every system")]
pub(super) fn account(_user: Option<&str>, _group: Option<&str>) -> Result<(), String> {
    Ok(())
}

pub(super) fn processes_of(_program: &Path) -> Vec<u32> {
    Vec::new()
}

pub(super) fn tree_of(pid: u32) -> Vec<u32> {
    vec![pid]
}

pub(super) fn listeners(_pids: &[u32]) -> Vec<SocketAddr> {
    Vec::new()
}

pub(super) fn arguments(_pid: u32) -> Vec<String> {
    Vec::new()
}
