//! `cargo xtask tidy`: the house rules that a program can hold.
//!
//! Rust files are read as tokens, so that a word in a comment or a text is not taken for code and code in a macro is
//! seen; all files are read as lines. A rule has no exceptions list: who needs one changes the rule, or the code.

mod house;
mod lines;
mod rules;
mod source;
mod tokens;

use crate::arguments::Arguments;
use crate::repo::Repo;
use anyhow::{Context, Result, bail};
use source::Source;
use std::fmt;
use std::process::ExitCode;

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// The task.
///
/// # Errors
/// The arguments are not understood, or a rule is broken.
pub(crate) fn task(repo: &Repo, arguments: Arguments) -> Result<ExitCode> {
    arguments.finish()?;
    check(repo)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks every file, and prints each place where a rule is broken.
///
/// # Errors
/// A file cannot be read, or a rule is broken.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let mut problems = house::check(&repo.packages);
    let mut sources = Vec::new();
    let files = repo.files()?;
    for file in &files {
        let bytes = std::fs::read(repo.root.join(file))
            .with_context(|| format!("failed to read {}", file.display()))?;
        let name = file.to_string_lossy().replace('\\', "/");
        let Ok(text) = String::from_utf8(bytes) else { continue };
        problems.extend(lines::check(&name, &text));
        if file.extension().is_some_and(|extension| extension == "rs") {
            match Source::parse(&name, &text) {
                Ok(source) => sources.push(source),
                Err(error) => {
                    problems.push(Problem { file: name, line: error.line, what: "is not Rust".to_owned() });
                }
            }
        }
    }
    problems.extend(check_rust(sources));
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => println!("tidy: {} files, nothing to say", files.len()),
        count => bail!("tidy: {count} places break the house rules"),
    }
    Ok(())
}

fn check_rust(mut sources: Vec<Source>) -> Vec<Problem> {
    let declared = |file: &str| sources.iter().any(|source| source.declares_for_tests(file));
    let test_files: Vec<bool> =
        sources.iter().map(|source| source.test_file || declared(&source.file)).collect();
    for (source, test_file) in sources.iter_mut().zip(test_files) {
        source.test_file = test_file;
    }
    sources.iter().flat_map(rules::check).collect()
}
