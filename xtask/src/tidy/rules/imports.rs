//! What each part may reach for.

use crate::tidy::Problem;
use crate::tidy::source::Source;

/// What the core may not name: whatever touches the world, reads a clock or has an order of its own.
const REFUSED_IN_CORE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::io",
    "std::os",
    "std::*",
    "Instant",
    "SystemTime",
    "HashMap",
    "HashSet",
    "tokio",
    "rustix",
    "libc",
];

/// The core decides; it has no way to act.
pub(super) fn core_decides_only(source: &Source) -> Vec<Problem> {
    if !source.file.starts_with("crates/svcctl-core/src/") {
        return Vec::new();
    }
    find(
        source,
        |path| REFUSED_IN_CORE.iter().any(|refused| names(path, refused)),
        "has no place in the core",
    )
}

/// Processes are started by the one process machine, never by std or tokio.
pub(super) fn one_process_machine(source: &Source) -> Vec<Problem> {
    if source.product_crate().is_none() {
        return Vec::new();
    }
    let refused = |path: &str| path.contains("process::Command") || path.ends_with("process::*");
    let found = find(source, refused, "goes around the one process machine");
    found.into_iter().filter(|problem| !source.is_test(problem.line)).collect()
}

/// Only `main` ends the process, so that everybody's work is finished first.
pub(super) fn exit_only_in_main(source: &Source) -> Vec<Problem> {
    if source.base_name() == "main.rs" || source.file.contains("/src/bin/") {
        return Vec::new();
    }
    find(source, |path| path.ends_with("process::exit"), "stands only in main.rs")
}

/// Nothing waits for time to pass, but where a comment says why there is no event to wait for.
pub(super) fn no_waiting_by_sleep(source: &Source) -> Vec<Problem> {
    let sleeps = |path: &str| ["thread::sleep", "time::sleep"].iter().any(|refused| path.ends_with(refused));
    let paths = source.tokens.paths.iter();
    let imported = paths.clone().any(|found| found.imported && sleeps(&found.path));
    let waits =
        paths.filter(|found| !found.imported && (sleeps(&found.path) || imported && found.path == "sleep"));
    let silent = waits.filter(|found| !source.comment_above(found.line, 0).contains("real delay: "));
    let what = "waits for time instead of an event (or lacks `// real delay: why`)";
    silent.map(|found| source.problem(found.line, format!("{} {what}", found.path))).collect()
}

fn find(source: &Source, refused: impl Fn(&str) -> bool, why: &str) -> Vec<Problem> {
    let found = source.tokens.paths.iter().filter(|found| refused(&found.path));
    found.map(|found| source.problem(found.line, format!("{} {why}", found.path))).collect()
}

/// Whether `path` has the parts of `wanted` at its beginning; a single word is found anywhere in it.
fn names(path: &str, wanted: &str) -> bool {
    let wanted: Vec<&str> = wanted.split("::").collect();
    let path: Vec<&str> = path.split("::").collect();
    if wanted.len() == 1 { path.contains(&wanted[0]) } else { path.starts_with(&wanted) }
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    const CORE: &str = "crates/svcctl-core/src/a.rs";
    const ENGINE: &str = "crates/svcctl-engine/src/a.rs";

    #[test]
    fn the_core_reaches_for_nothing() {
        assert_eq!(
            problems(core_decides_only, CORE, "use std::collections::BTreeMap;\nuse core::net::IpAddr;"),
            0
        );
        for bad in [
            "use std::{fmt, fs::File};",
            "use std::{fmt, fs};",
            "fn a() { ::std::thread::spawn(b); }",
            "use std::time::{Duration, Instant};",
            "fn a() { m!(x, std::net::TcpStream::connect(b)); }",
            "use std::*;",
            "struct A { b: HashMap<u8, u8> }",
        ] {
            assert_eq!(problems(core_decides_only, CORE, bad), 1, "{bad}");
            assert_eq!(problems(core_decides_only, ENGINE, bad), 0, "{bad}");
        }
    }

    #[test]
    fn nobody_else_starts_processes() {
        for bad in
            ["use std::process::Command;", "use tokio::process::{Child, Command};", "use std::process::*;"]
        {
            assert_eq!(problems(one_process_machine, ENGINE, bad), 1, "{bad}");
            assert_eq!(problems(one_process_machine, "xtask/src/a.rs", bad), 0, "{bad}");
            let in_test = format!("#[cfg(test)]\nmod tests {{ {bad} }}");
            assert_eq!(problems(one_process_machine, ENGINE, &in_test), 0, "{bad}");
        }
        assert_eq!(
            problems(one_process_machine, ENGINE, "use clap::Command; use std::process::ExitCode;"),
            0
        );
    }

    #[test]
    fn only_main_exits() {
        let text = "fn a() { std::process::exit(1) }";
        assert_eq!(problems(exit_only_in_main, ENGINE, text), 1);
        assert_eq!(problems(exit_only_in_main, "crates/svcctl/src/main.rs", text), 0);
        assert_eq!(problems(exit_only_in_main, ENGINE, "// std::process::exit\nfn exit() {}"), 0);
    }

    #[test]
    fn a_sleep_says_why() {
        assert_eq!(problems(no_waiting_by_sleep, ENGINE, "fn a() { std::thread::sleep(b); }"), 1);
        assert_eq!(problems(no_waiting_by_sleep, ENGINE, "async fn a() { tokio::time::sleep(b).await; }"), 1);
        let reasoned =
            "fn a() {\n    // real delay: the program must be seen idle.\n    std::thread::sleep(b);\n}";
        assert_eq!(problems(no_waiting_by_sleep, "tests/cases/a.rs", reasoned), 0);
        assert_eq!(problems(no_waiting_by_sleep, ENGINE, "fn a() { sleep_until(b); }"), 0);
        let imported = "use tokio::time::{Instant, sleep};\nasync fn a() { sleep(b).await; }";
        assert_eq!(problems(no_waiting_by_sleep, ENGINE, imported), 1);
        let imported =
            "use tokio::time::sleep;\n// real delay: no event comes.\nasync fn a() { sleep(b).await; }";
        assert_eq!(problems(no_waiting_by_sleep, ENGINE, imported), 0);
    }
}
