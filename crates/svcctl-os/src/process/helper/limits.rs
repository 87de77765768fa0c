//! Sets the limits of the process that becomes the service, while it may still raise them.

use crate::process::{Limit, Resource};
use rustix::io::Errno;
use rustix::process::{self, Rlimit, getrlimit, setrlimit};

/// Sets all of them, soft and hard alike.
///
/// # Errors
/// A sentence fragment that names the limit, why it cannot be, and what to do.
pub(super) fn apply(limits: &[Limit]) -> Result<(), String> {
    limits.iter().try_for_each(set)
}

fn set(limit: &Limit) -> Result<(), String> {
    let Limit { resource, at } = *limit;
    let wanted = match (resource, at) {
        // The kernel knows no unlimited number of open files, but a greatest one.
        (Resource::OpenFiles, None) => open_files_max(),
        (_, at) => at,
    };
    let kind = kind(resource);
    setrlimit(kind, Rlimit { current: wanted, maximum: wanted }).map_err(|error| match error {
        Errno::PERM => {
            let now = getrlimit(kind).maximum.map_or_else(|| "unlimited".to_owned(), |max| max.to_string());
            let greatest = match resource {
                Resource::OpenFiles => open_files_max().map(|max| format!(", and at most {max} on this machine")),
                Resource::Processes
                | Resource::Core
                | Resource::FileSize
                | Resource::Stack
                | Resource::LockedMemory
                | Resource::AddressSpace => None,
            };
            format!(
                "not allowed to set limits.{} to {} (the daemon's own limit is {now}{}), which takes CAP_SYS_RESOURCE: \
                 ask for no more, or raise the limit that the daemon is started with",
                resource.word(),
                wanted.map_or_else(|| "unlimited".to_owned(), |wanted| wanted.to_string()),
                greatest.unwrap_or_default(),
            )
        }
        other => format!("limits.{} could not be set: {other}", resource.word()),
    })
}

fn open_files_max() -> Option<u64> {
    std::fs::read_to_string("/proc/sys/fs/nr_open").ok()?.trim().parse().ok()
}

fn kind(resource: Resource) -> process::Resource {
    match resource {
        Resource::OpenFiles => process::Resource::Nofile,
        Resource::Processes => process::Resource::Nproc,
        Resource::Core => process::Resource::Core,
        Resource::FileSize => process::Resource::Fsize,
        Resource::Stack => process::Resource::Stack,
        Resource::LockedMemory => process::Resource::Memlock,
        Resource::AddressSpace => process::Resource::As,
    }
}
