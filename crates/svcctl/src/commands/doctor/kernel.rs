//! What the kernel has, and what is done where it has not.

use super::check::Check;
use svcctl_os::inspect::{self, Kernel, Support};

/// The first kernel with all that is needed to make a process.
const OLDEST: (u32, u32) = (5, 5);

pub(super) fn check() -> Vec<Check> {
    let Some(kernel) = inspect::kernel() else {
        return vec![Check::problem(
            "kernel.version",
            "svcctl's own daemon keeps services on Linux only, so far",
            "see docs/PLATFORM.md",
        )];
    };
    judge(&kernel)
}

fn judge(kernel: &Kernel) -> Vec<Check> {
    let needed = |id, what: &str, support: &Support| match support {
        Support::Yes => Check::ok(id, what),
        Support::No(why) => Check::problem(
            id,
            format!("{what}: {why}"),
            "use Linux 5.5 or later; in a container, let its seccomp profile allow it",
        ),
    };
    let cgroup = match &kernel.cgroup {
        Support::Yes => Check::ok("kernel.cgroup", "each service has a cgroup of its own"),
        Support::No(why) => Check::warning(
            "kernel.cgroup",
            format!("{why}; instead, processes of a service are found by walking the process table"),
            "run the daemon as root or in a delegated cgroup v2, such as a systemd unit with Delegate=yes",
        ),
    };
    let pidfs = match &kernel.pidfs {
        Support::Yes => Check::ok("kernel.pidfs", "processes have numbers that are never used again"),
        Support::No(why) => {
            Check::ok("kernel.pidfs", format!("{why}; instead, processes are known by boot and start time"))
        }
    };
    let mut checks = vec![
        version(&kernel.release),
        needed("kernel.clone3", "making processes by clone3", &kernel.clone3),
        needed("kernel.pidfd", "holding on to processes by pidfd", &kernel.pidfd),
        pidfs,
        cgroup,
        needed("kernel.ofd_locks", "locks of open files", &kernel.ofd_locks),
        needed("kernel.memfd", "files in memory", &kernel.memfd),
    ];
    if kernel.own_pid_namespace {
        checks.push(Check::ok("kernel.namespace", "a process table of its own, as in a container"));
    }
    checks
}

fn version(release: &str) -> Check {
    const ID: &str = "kernel.version";
    let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < OLDEST => Check::problem(
            ID,
            format!("Linux {release} is too old to make processes in svcctl's way"),
            format!("use Linux {}.{} or later", OLDEST.0, OLDEST.1),
        ),
        _ => Check::ok(ID, format!("Linux {release}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn what_has_a_fallback_is_no_problem() {
        let no = || Support::No("function not implemented".to_owned());
        let bare = Kernel {
            release: "5.10.0-8".to_owned(),
            clone3: no(),
            pidfd: Support::Yes,
            pidfs: no(),
            cgroup: no(),
            ofd_locks: Support::Yes,
            memfd: Support::Yes,
            own_pid_namespace: true,
        };
        let checks = judge(&bare);
        let verdict = |id: &str| checks.iter().find(|check| check.id == id).unwrap().verdict;
        assert_eq!(verdict("kernel.clone3"), Verdict::Problem);
        assert_eq!(verdict("kernel.cgroup"), Verdict::Warning);
        assert_eq!((verdict("kernel.pidfs"), verdict("kernel.version")), (Verdict::Ok, Verdict::Ok));
        assert_eq!(version("4.19.0").verdict, Verdict::Problem);
        assert_eq!(version("unheard of").verdict, Verdict::Ok);
    }
}
