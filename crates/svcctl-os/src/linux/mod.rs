//! What only Linux has, and only the keeper uses: epoll, sequenced packets, cgroups, the process table.

pub mod cgroup;
pub mod memory;
pub mod packet;
pub mod poll;
pub mod procfs;
pub mod spool;
