//! `docs/BENCHMARKS.md`: one section for each bench, replaced by its last run.

use crate::command::Run;
use crate::repo::Repo;
use anyhow::{Context, Result};
use std::path::Path;

const FILE: &str = "docs/BENCHMARKS.md";

const HEAD: &str = "\
# Measurements

Written by `cargo xtask bench`; a section is replaced when its bench runs again (`cargo xtask bench NAME`). All figures of
a section come from one run on the machine that it names, with the static release build. Times are in milliseconds;
quantiles are values that were measured, so with fewer than 100 of them the p99 is the greatest. Absolute values of a
shared machine are upper bounds; what to compare is the rows of one table.
";

/// Puts the section of the bench `name` into the report.
///
/// # Errors
/// The report cannot be read or written, or the machine not asked.
pub(super) fn write(repo: &Repo, name: &str, section: &str) -> Result<()> {
    let path = repo.root.join(FILE);
    let old = if path.exists() { std::fs::read_to_string(&path).context(FILE)? } else { HEAD.to_owned() };
    let section = format!("{}\n\n{}", section.trim_end(), machine(&repo.root)?);
    std::fs::write(&path, with_section(&with_head(&old), name, &section))
        .with_context(|| format!("failed to write {FILE}"))
}

/// `report` with the head as it is now.
fn with_head(report: &str) -> String {
    let sections = report.find("<!-- bench ").map_or("", |at| &report[at..]);
    format!("{}\n\n{sections}", HEAD.trim_end())
}

/// `report` with this text as the section `name`, in its place or at the end.
fn with_section(report: &str, name: &str, section: &str) -> String {
    let (begin, end) = (format!("<!-- bench {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let section = format!("{begin}{}\n{end}", section.trim_end());
    let place = report.find(&begin).zip(report.find(&end).map(|at| at + end.len()));
    match place {
        Some((from, to)) if from < to => [&report[..from], &section, &report[to..]].concat(),
        _ => format!("{}\n\n{section}", report.trim_end()),
    }
}

/// A few words about where and when, and about what the peers are.
fn machine(root: &Path) -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let model = model.unwrap_or("unknown processor");
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory_gib(&memory).map_or_else(String::new, |gib| format!(", {gib} GiB of memory"));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let (kernel, date) = (output(root, "uname", "-sr")?, output(root, "date", "-u +%Y-%m-%d")?);
    Ok(format!("{date}, {kernel}, {cores} cores, {model}{memory}. {}", versions(root)))
}

/// The memory in /proc/meminfo, rounded up to GiB: some of it is the kernel's from the start.
fn memory_gib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib.div_ceil(1024 * 1024))
}

/// The versions of the peers that Debian's dpkg knows.
fn versions(root: &Path) -> String {
    let version = |package: &&str| {
        let run = Run::new("dpkg-query", root).words("--show --showformat=${Version}").argument(package);
        let output = run.output().ok().filter(|output| output.status.success())?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (!version.is_empty()).then(|| format!("{package} {version}"))
    };
    match ["runit", "s6", "supervisor"].iter().filter_map(version).collect::<Vec<_>>() {
        none if none.is_empty() => "No peer's version is known.".to_owned(),
        known => format!("Peers of Debian: {}.", known.join(", ")),
    }
}

fn output(root: &Path, program: &str, words: &str) -> Result<String> {
    let output = Run::new(program, root).words(words).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_rounded_up() {
        assert_eq!(memory_gib("MemTotal:       24683720 kB\nMemFree: 1 kB\n"), Some(24));
        assert_eq!(memory_gib("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn a_section_is_added_once_and_then_replaced() {
        let once = with_section(HEAD, "restart", "alpha\n");
        assert!(once.starts_with(HEAD.trim_end()) && once.contains("alpha"));
        let other = with_section(&once, "other", "beta");
        let again = with_section(&other, "restart", "gamma");
        assert!(!again.contains("alpha") && again.contains("beta") && again.contains("gamma"));
        assert_eq!(again.matches("<!-- bench restart -->").count(), 1);
        assert!(again.find("gamma") < again.find("beta"), "a section keeps its place");
        assert_eq!(with_head(&again.replacen("# Measurements", "# Old", 1)), again);
    }
}
