//! Finding the program that was named on the command line.
//!
//! What is installed is an absolute path: a daemon has another directory and another `PATH` than the person who
//! typed the command, and must not find another program, or none, months later.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as native;
#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
use other as native;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use svcctl_core::spec::nearest::nearest;

/// Among how many files of a directory the one that was meant is looked for.
const NEAR_AMONG_MAX: usize = 4_096;

/// Why there is no such program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProgramError {
    /// No name.
    #[error("the program has an empty name")]
    Empty,
    /// A bare name that no directory of `PATH` has.
    #[error("cannot find `{0}` in PATH; give its full path")]
    NotInPath(String),
    /// A path where nothing is.
    #[error("there is no file {}{}", .0.display(), near(.0))]
    NoFile(PathBuf),
    /// A directory, a device or a socket.
    #[error("{} is not a file that can be run", .0.display())]
    NotAFile(PathBuf),
    /// A file without the right to execute it.
    #[error("{path} is not executable; make it so with: chmod +x {path}", path = .0.display())]
    NotExecutable(PathBuf),
    /// The current directory is gone, or the path cannot be read.
    #[error("cannot look at {path}: {1}", path = .0.display())]
    Unreadable(PathBuf, String),
    /// A path that is not text, which a specification cannot hold.
    #[error("{} is not valid UTF-8, which a specification must be", .0.display())]
    NotText(PathBuf),
}

/// The absolute path of `program`: as it stands or from the current directory if it has a separator, else by `path`
/// (the value of `PATH`).
pub(crate) fn resolve(program: &str, path: Option<&OsStr>) -> Result<String, ProgramError> {
    if program.is_empty() {
        return Err(ProgramError::Empty);
    }
    let found = if native::is_bare(program) { search(program, path)? } else { absolute(Path::new(program))? };
    check(&found)?;
    text(found)
}

/// An absolute directory, from the current one where it is relative; it must exist.
pub(crate) fn resolve_directory(directory: &Path) -> Result<String, ProgramError> {
    let found = absolute(directory)?;
    match std::fs::metadata(&found) {
        Ok(metadata) if metadata.is_dir() => text(found),
        Ok(_) => Err(ProgramError::Unreadable(found, "it is not a directory".to_owned())),
        Err(error) => Err(ProgramError::Unreadable(found, error.to_string())),
    }
}

fn search(name: &str, path: Option<&OsStr>) -> Result<PathBuf, ProgramError> {
    let directories = path.map(std::env::split_paths).into_iter().flatten();
    for directory in directories {
        for file in native::file_names(name) {
            let candidate = absolute(&directory.join(file))?;
            if check(&candidate).is_ok() {
                return Ok(candidate);
            }
        }
    }
    Err(ProgramError::NotInPath(name.to_owned()))
}

/// Makes a path absolute without following links: what is a link today (`/opt/web/current`) is meant as a link.
fn absolute(path: &Path) -> Result<PathBuf, ProgramError> {
    std::path::absolute(path).map_err(|error| ProgramError::Unreadable(path.to_owned(), error.to_string()))
}

fn check(path: &Path) -> Result<(), ProgramError> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(ProgramError::NotAFile(path.to_owned())),
        Ok(metadata) if !native::is_executable(&metadata) => {
            Err(ProgramError::NotExecutable(path.to_owned()))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(ProgramError::NoFile(path.to_owned()))
        }
        Err(error) => Err(ProgramError::Unreadable(path.to_owned(), error.to_string())),
    }
}

/// What was probably meant by a path where nothing is: a file with a name like it, beside it.
fn near(path: &Path) -> String {
    let found = || {
        let (folder, wanted) = (path.parent()?, path.file_name()?.to_str()?);
        let entries = std::fs::read_dir(folder).ok()?.take(NEAR_AMONG_MAX);
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                check(&entry.path()).is_ok().then(|| entry.file_name().into_string().ok())?
            })
            .collect();
        names.sort();
        let name = nearest(wanted, names.iter().map(String::as_str)).or_else(|| {
            // What was typed to the half: serve for server, web for web-server.
            let mut longer = names.iter().filter(|name| name.starts_with(wanted));
            longer.next().filter(|_| longer.next().is_none()).map(String::as_str)
        })?;
        Some(folder.join(name))
    };
    found().map_or_else(String::new, |near| format!("; did you mean {}?", near.display()))
}

fn text(path: PathBuf) -> Result<String, ProgramError> {
    path.into_os_string().into_string().map_err(|path| ProgramError::NotText(PathBuf::from(path)))
}

#[cfg(test)]
mod tests;
