//! The checks of the test command that other tools do.

use super::provide;
use crate::command::Run;
use crate::repo::Repo;
use anyhow::{Result, bail};
use std::io::IsTerminal;

/// The systems that are not run here, but must build.
const OTHER_SYSTEMS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// rustfmt would change nothing.
pub(super) fn format(repo: &Repo) -> Result<()> {
    let colour = if std::io::stdout().is_terminal() { "auto" } else { "never" };
    cargo(repo).words("fmt --all --check -- --color").argument(colour).run()
}

/// clippy finds nothing, tests and benches included.
pub(super) fn clippy(repo: &Repo) -> Result<()> {
    cargo(repo)
        .words("clippy --locked --quiet --workspace --all-targets --keep-going -- --deny warnings")
        .run()
}

/// The dependencies have licences, versions and sources that `deny.toml` allows. Advisories need the network at each
/// run and change without us; they are not a test.
pub(super) fn deny(repo: &Repo) -> Result<()> {
    let program = provide::cargo_deny(repo)?;
    Run::new(&program.to_string_lossy(), &repo.root).words("--locked check licenses bans sources").run()
}

/// The core builds without an operating system, every crate of the product for the other systems.
pub(super) fn targets(repo: &Repo) -> Result<()> {
    let mut failed = Vec::new();
    let mut check = |target: &str, packages: &[&str]| {
        let run = cargo(repo).words("clippy --locked --quiet --keep-going --target").argument(target);
        let run = packages.iter().fold(run, |run, package| run.argument("--package").argument(package));
        if let Err(error) = run.words("-- --deny warnings").run() {
            failed.push(format!("{target} ({error})"));
        }
    };
    check("wasm32-unknown-unknown", &["svcctl-core"]);
    let product: Vec<_> = repo.packages.iter().filter(|package| package.is_product()).collect();
    let product: Vec<_> = product.iter().map(|package| package.name.as_str()).collect();
    for target in OTHER_SYSTEMS {
        check(target, &product);
    }
    if failed.is_empty() { Ok(()) } else { bail!("does not build for {}", failed.join(", ")) }
}

fn cargo(repo: &Repo) -> Run {
    let run = Run::cargo(&repo.root);
    if std::env::var_os("CI").is_some() { run.variable("CARGO_TERM_COLOR", "never") } else { run }
}
