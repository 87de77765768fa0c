//! How much of everything there may be.

use super::check::Check;
use svcctl_os::inspect::{self, Limit, Limits};

/// The keeper holds some six descriptors for each service.
const FILES_A_SERVICE: u64 = 6;
/// Fewer services than this are few.
const SERVICES_WANTED: u64 = 500;
/// Fewer processes than this are few.
const PROCESSES_WANTED: u64 = 1_024;
/// Of watched paths, fewer than this are few.
const WATCHES_WANTED: u64 = 8_192;
/// Other programs of the user need some of these too.
const INSTANCES_WANTED: u64 = 64;

pub(super) fn check() -> Vec<Check> {
    inspect::limits().map(|limits| judge(&limits)).unwrap_or_default()
}

fn judge(limits: &Limits) -> Vec<Check> {
    let mut checks = vec![open_files(limits.open_files), processes(limits), pids(limits)];
    checks.extend(inotify(limits));
    checks
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}

fn open_files(limit: Limit) -> Check {
    const ID: &str = "limits.open_files";
    // The soft limit is raised to the hard one at the start.
    let services = limit.hard.map(|hard| hard / FILES_A_SERVICE);
    match services {
        Some(services) if services < SERVICES_WANTED => Check::warning(
            ID,
            format!(
                "{} of at most {}, which is enough for about {services} services",
                shown(limit.soft),
                shown(limit.hard)
            ),
            "raise the hard limit (ulimit -Hn, limits.conf, LimitNOFILE=) before the daemon is started",
        ),
        Some(_) | None => Check::ok(ID, format!("{} of at most {}", shown(limit.soft), shown(limit.hard))),
    }
}

fn processes(limits: &Limits) -> Check {
    const ID: &str = "limits.processes";
    match limits.processes.soft {
        Some(soft) if soft < PROCESSES_WANTED => Check::warning(
            ID,
            format!("a user may have {soft} processes"),
            "raise it (ulimit -u, limits.conf, LimitNPROC=) before the daemon is started",
        ),
        soft => Check::ok(ID, format!("a user may have {} processes", shown(soft))),
    }
}

fn pids(limits: &Limits) -> Check {
    const ID: &str = "limits.pids";
    let most = [limits.pid_max, limits.threads_max].into_iter().flatten().min();
    let now = limits.processes_now;
    match most {
        // Threads count as well, so most of it in processes is nearly all.
        Some(most) if now > most / 2 => Check::warning(
            ID,
            format!("{now} processes of at most {most} processes and threads are there"),
            "end what is not needed, or raise kernel.pid_max and kernel.threads-max",
        ),
        most => Check::ok(ID, format!("{now} processes are there, of at most {}", shown(most))),
    }
}

fn inotify(limits: &Limits) -> Option<Check> {
    const ID: &str = "limits.inotify";
    let (watches, instances) = (limits.inotify_watches?, limits.inotify_instances?);
    let text = format!("{watches} watched paths and {instances} watchers for each user");
    let few = watches < WATCHES_WANTED || instances < INSTANCES_WANTED;
    Some(if few {
        let remedy = "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl";
        Check::warning(ID, text, remedy)
    } else {
        Check::ok(ID, text)
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn low_limits_are_warned_of() {
        let plenty = Limit { soft: Some(1_024), hard: Some(1_048_576) };
        let sound = Limits {
            open_files: plenty,
            processes: Limit { soft: None, hard: None },
            pid_max: Some(4_194_304),
            threads_max: Some(60_000),
            processes_now: 200,
            inotify_watches: Some(100_000),
            inotify_instances: Some(128),
        };
        let verdicts = |limits: &Limits| judge(limits).iter().map(|check| check.verdict).max().unwrap();
        assert_eq!(verdicts(&sound), Verdict::Ok);
        let low = Limit { soft: Some(256), hard: Some(256) };
        for bad in [
            Limits { open_files: low, ..sound },
            Limits { processes: low, ..sound },
            Limits { processes_now: 40_000, ..sound },
            Limits { inotify_watches: Some(10), ..sound },
            Limits { inotify_instances: Some(1), ..sound },
        ] {
            assert_eq!(verdicts(&bad), Verdict::Warning, "{bad:?}");
        }
    }
}
