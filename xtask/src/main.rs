//! The tasks of this repository: `cargo xtask help` lists them.
//!
//! Tasks run the tools that developers know (cargo, rustup, apt-get) and say what they run. Nothing here is part of
//! the product.
#![forbid(unsafe_code)]

mod arguments;
mod bench;
mod command;
mod docs;
mod repo;
mod sim;
mod test;
mod tidy;

use arguments::Arguments;
use repo::Repo;
use std::process::ExitCode;

const HELP: &str = "\
The tasks of this repository.

cargo xtask test [--only STEP]... [--list]
    Installs what the tests need, runs every check and test, ends with `N passed, N failed`.
cargo xtask sim [--seeds N] [--start S] [--seed X]
    Runs the simulation of the supervisor: N seeds from S on, or the seed X alone with its trace.
cargo xtask bench [NAME]...
    Measures svcctl beside its peers and writes docs/BENCHMARKS.md; without a name, everything.
cargo xtask docs
    Writes the reference of the guide from the JSON Schema of specifications.
cargo xtask tidy
    Checks the house rules: sizes, imports, unsafe code, words.
cargo xtask help
    This text.
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    // A part of `bench` that has a process of its own, and is in a hurry: cargo is not asked for the repository first.
    if std::env::args().nth(1).is_some_and(|word| word == "guard") {
        return bench::guard(&std::env::args().skip(2).collect::<Vec<_>>());
    }
    let mut arguments = Arguments::from_env();
    let task = arguments.next_word().unwrap_or_else(|| "help".to_owned());
    let repo = Repo::find()?;
    match task.as_str() {
        "test" => test::task(&repo, arguments),
        "sim" => sim::task(&repo, arguments),
        "bench" => bench::task(&repo, arguments),
        "docs" => docs::task(&repo, arguments),
        "tidy" => tidy::task(&repo, arguments),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => anyhow::bail!("there is no task {unknown:?}; `cargo xtask help` lists them"),
    }
}
