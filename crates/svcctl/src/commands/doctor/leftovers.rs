//! What crashes leave behind: processes without an owner, files that nobody will finish, copies of damaged state.

use super::check::{Check, counted};
use crate::context::{Context, DAEMON, RUN_PREFIX};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use svcctl_keeper::INSTANCE_VARIABLE;
use svcctl_os::inspect::{self, Orphan};
use svcctl_os::lock::Lock;
use svckit::control::types::Service;

/// The name of svcctl's own processes.
const KEEPER: &str = "svcctl";
/// How many pids or paths a sentence names.
const NAMED_MAX: usize = 10;

pub(super) fn check(context: &Context, services: &[Service]) -> Vec<Check> {
    let known = known(context, services);
    let mut checks = vec![processes(&inspect::orphans(INSTANCE_VARIABLE, KEEPER), &known)];
    if !context.daemon_may_be_there() {
        let name = svcctl_keeper::subtree_name(&context.paths.run);
        checks.push(groups(&inspect::occupied_groups(&name)));
    }
    checks.push(damaged(&files(&context.paths.state, |name| name.contains(".damaged"))));
    checks.push(unfinished(&files(&context.paths.services, |name| name.ends_with(".yaml.new"))));
    checks.push(spools(&abandoned(context, &known)));
    checks
}

/// Names that are, or were, those of services here.
fn known(context: &Context, services: &[Service]) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = services.iter().map(|service| service.name.clone()).collect();
    let files = files(&context.paths.services, |_| true);
    let specifications = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    known.extend(specifications.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())));
    known
}

fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let is_wanted = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted);
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_wanted).collect();
    found.sort();
    found
}

/// The service of `NAME#INDEX:GENERATION`, and of `NAME#INDEX.GENERATION.out`.
fn service_of(instance: &str) -> &str {
    instance.split_once('#').map_or(instance, |(name, _)| name)
}

fn processes(orphans: &[Orphan], known: &BTreeSet<String>) -> Check {
    const ID: &str = "leftovers.processes";
    let ours: Vec<&Orphan> =
        orphans.iter().filter(|orphan| known.contains(service_of(&orphan.instance))).collect();
    if ours.is_empty() {
        return Check::ok(ID, "no process of a service is without its keeper");
    }
    let names: BTreeSet<&str> = ours.iter().map(|orphan| service_of(&orphan.instance)).collect();
    let pids: Vec<String> = ours.iter().take(NAMED_MAX).map(|orphan| orphan.pid.to_string()).collect();
    let names: Vec<&str> = names.into_iter().take(NAMED_MAX).collect();
    let count = match ours.len() {
        1 => "1 process".to_owned(),
        several => format!("{several} processes"),
    };
    Check::problem(
        ID,
        format!("{count} of {} without a keeper, whose daemon was killed", names.join(", ")),
        format!("end them before the services are started again: kill {}", pids.join(" ")),
    )
}

/// Cgroups of a daemon that runs no more.
fn groups(occupied: &[(String, Vec<u32>)]) -> Check {
    const ID: &str = "leftovers.groups";
    if occupied.is_empty() {
        return Check::ok(ID, "no cgroup of an earlier daemon has processes");
    }
    let slot = |(slot, pids): &(String, Vec<u32>)| {
        let pids: Vec<String> = pids.iter().take(NAMED_MAX).map(u32::to_string).collect();
        format!("{} ({})", service_of(slot), pids.join(" "))
    };
    let slots: Vec<String> = occupied.iter().take(NAMED_MAX).map(slot).collect();
    Check::problem(
        ID,
        format!("processes of services whose daemon was killed: {}", slots.join(", ")),
        "start the daemon, which ends them before it starts anything: svcctl daemon --background",
    )
}

/// A lock that still names its holder was not given back.
pub(super) fn killed(context: &Context) -> Option<Check> {
    let path = context.paths.daemon_lock();
    let is_free = Lock::holder(&path).ok()?.is_none();
    let text = std::fs::read_to_string(&path).ok()?;
    (is_free && !text.trim().is_empty()).then(|| {
        Check::warning(
            "leftovers.lock",
            "the last daemon did not end by itself: its lock still names it",
            "start the daemon, which sees to what is left: svcctl daemon --background",
        )
    })
}

fn listed(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().take(NAMED_MAX).map(|path| path.display().to_string()).collect();
    shown.join(" ")
}

fn damaged(paths: &[PathBuf]) -> Check {
    const ID: &str = "leftovers.database";
    if paths.is_empty() {
        return Check::ok(ID, "no damaged state was set aside");
    }
    Check::warning(
        ID,
        format!(
            "{} of damaged state, which was made anew from services/",
            counted(paths.len(), "copy").replace("copys", "copies")
        ),
        format!("see that all services are as you want them, then: rm {}", listed(paths)),
    )
}

fn unfinished(paths: &[PathBuf]) -> Check {
    const ID: &str = "leftovers.unfinished";
    if paths.is_empty() {
        return Check::ok(ID, "no half-written specification");
    }
    Check::warning(ID, "specifications that a crash kept from being written", format!("rm {}", listed(paths)))
}

/// Spools whose service is not here any more, or whose engine ended; while an engine runs, its own are its business.
fn abandoned(context: &Context, known: &BTreeSet<String>) -> Vec<PathBuf> {
    let alive = |engine: &str| match engine.strip_prefix(RUN_PREFIX) {
        Some(name) => Lock::holder(&context.paths.service_lock(name)).map_or(true, |holder| holder.is_some()),
        None => engine == DAEMON && context.daemon_may_be_there(),
    };
    let mut found = Vec::new();
    for folder in files(&context.paths.spool(), |name| !alive(name)) {
        let is_run = folder.file_name().is_some_and(|name| name != DAEMON);
        found.extend(files(&folder, |name| {
            name.contains('#') && (is_run || !known.contains(service_of(name)))
        }));
    }
    found
}

fn spools(paths: &[PathBuf]) -> Check {
    const ID: &str = "leftovers.spools";
    if paths.is_empty() {
        return Check::ok(ID, "no output waits for a service that is gone");
    }
    Check::warning(
        ID,
        format!("{} of output that nobody will record", counted(paths.len(), "file")),
        format!("rm {}", listed(paths)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn only_processes_of_services_here_are_told() {
        let known = BTreeSet::from(["web".to_owned()]);
        let orphan = |pid, instance: &str| Orphan { pid, instance: instance.to_owned() };
        assert_eq!(processes(&[orphan(5, "db#0:1")], &known).verdict, Verdict::Ok);
        let found = processes(&[orphan(5, "db#0:1"), orphan(6, "web#0:1"), orphan(7, "web#0:1")], &known);
        assert_eq!(found.verdict, Verdict::Problem);
        assert!(found.text.starts_with("2 processes of web "), "{found:?}");
        assert!(found.remedy.unwrap().ends_with("kill 6 7"));
    }

    #[test]
    fn files_are_named() {
        let found = damaged(&[PathBuf::from("/s/svcctl.redb.damaged-1")]);
        assert!(found.text.starts_with("1 copy ") && found.remedy.unwrap().contains("damaged-1"));
        assert!(damaged(&[PathBuf::new(), PathBuf::new()]).text.starts_with("2 copies "));
        assert_eq!(spools(&[]).verdict, Verdict::Ok);
        assert_eq!(groups(&[]).verdict, Verdict::Ok);
        assert!(groups(&[("web#0".to_owned(), vec![4, 5])]).text.ends_with(": web (4 5)"));
    }
}
