//! The specifications as files: `services/NAME.yaml` (or `.yml`, `.json`, `.toml`), one a service, each written whole or
//! not at all.
//!
//! A text that somebody gave is kept as it is. Where none was given, a file that means the accepted specification is left
//! alone, so that its comments stay, and in one that differs by `autostart` only that is changed; otherwise one is written
//! from the specification. A text that nobody took is never lost by that: it is kept beside (`super::aside`).

use super::{StoreError, amend, aside};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::{self, Problem, ServiceSpec};
use svcctl_core::supervisor::action::Persist;
use svcctl_core::supervisor::event::Source;
use svcctl_os::files::{ReadError, read_regular};
use svckit::config::{self, Document, DocumentFormat, ParseError};
use svckit::control::types::PlacedProblem;

/// The endings of specifications' files; the first is what is written where there is none yet.
pub(crate) const ENDINGS: [&str; 4] = ["yaml", "yml", "json", "toml"];

/// The most that is read of a file.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::File { path: path.to_owned(), source }
}

fn path_of(directory: &Path, name: &ServiceName, ending: &str) -> PathBuf {
    directory.join(format!("{name}.{ending}"))
}

/// The files that are there under a service's name.
pub(crate) fn present(directory: &Path, name: &ServiceName) -> Vec<PathBuf> {
    ENDINGS.iter().map(|ending| path_of(directory, name, ending)).filter(|path| path.exists()).collect()
}

/// Writes the file of every specification in `batch`, so that they outlive a power loss; `accepted` are those before it.
pub(super) fn write_all(
    directory: &Path,
    batch: &[Persist],
    mut accepted: BTreeMap<ServiceName, Arc<ServiceSpec>>,
) -> Result<(), StoreError> {
    let mut written = false;
    for persist in batch {
        if let Persist::Service { spec, source, .. } = persist {
            let before = accepted.insert(spec.name.clone(), Arc::clone(spec));
            written |= write(directory, spec, source.as_ref(), before.as_ref())?;
        }
    }
    if written { sync(directory) } else { Ok(()) }
}

/// Whether anything had to be written.
fn write(
    directory: &Path,
    spec: &ServiceSpec,
    source: Option<&Source>,
    before: Option<&Arc<ServiceSpec>>,
) -> Result<bool, StoreError> {
    let present = present(directory, &spec.name);
    let (path, text) = match source {
        Some(source) if source.ending == Source::AS_IT_STANDS => return Ok(false),
        Some(source) => (path_of(directory, &spec.name, source.ending), source.text.to_string()),
        None => {
            if let [path] = present.as_slice()
                && read(path).is_ok_and(|found| found.spec == Ok(Arc::new(spec.clone())))
            {
                return Ok(false);
            }
            let path = present.first().cloned();
            let path = path.unwrap_or_else(|| path_of(directory, &spec.name, ENDINGS[0]));
            let format = DocumentFormat::from_path(&path).unwrap_or(DocumentFormat::Yaml);
            let kept = match present.as_slice() {
                [one] => read(one).ok().and_then(|found| amend::amended(&found.text, format, spec)),
                _ => None,
            };
            let text = if let Some(text) = kept {
                text
            } else {
                let text = config::render_as(&spec.to_document(), format).map_err(io::Error::other);
                text.map_err(file_error(&path))?
            };
            (path, text)
        }
    };
    let unchanged = read_regular(&path, MAX_BYTES).is_ok_and(|there| there == text.as_bytes());
    if !unchanged {
        keep_untaken(&path, before)?;
        aside::replace(&path, text.as_bytes())?;
    }
    let mut removed = false;
    for other in present.into_iter().filter(|other| *other != path) {
        // A file of that name may be of another service; then it is not ours to remove.
        if read(&other).is_ok_and(|found| found.spec.is_ok_and(|other| other.name == spec.name)) {
            keep_untaken(&other, before)?;
            remove(&other)?;
            removed = true;
        }
    }
    Ok(!unchanged || removed)
}

/// Keeps what stands at `path` beside it, unless it says no more than what was accepted `before`.
fn keep_untaken(path: &Path, before: Option<&Arc<ServiceSpec>>) -> Result<(), StoreError> {
    let is_accepted = |found: Found| found.spec.is_ok_and(|found| Some(&found) == before);
    if path.symlink_metadata().is_err() || read(path).is_ok_and(is_accepted) {
        return Ok(());
    }
    aside::keep(path)
}

fn sync(directory: &Path) -> Result<(), StoreError> {
    svcctl_os::files::sync_directory(directory).map_err(file_error(directory))
}

/// Removes the files of every service that `batch` forgets; one that is gone already is as good.
pub(super) fn remove_all(directory: &Path, batch: &[Persist]) -> Result<(), StoreError> {
    for persist in batch {
        if let Persist::Forget(name) = persist {
            for path in present(directory, name) {
                remove(&path)?;
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A file of services/, and what it says or all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// Its text; empty when it cannot be read.
    pub(crate) text: Arc<str>,
    /// What it says.
    pub(crate) spec: Result<Arc<ServiceSpec>, Vec<PlacedProblem>>,
}

impl Found {
    /// The service that the file's name names.
    pub(crate) fn name(&self) -> Option<ServiceName> {
        ServiceName::new(self.path.file_stem()?.to_str()?).ok()
    }

    /// Its text as a source: the file stands, and may have been edited again since.
    pub(crate) fn source(&self) -> Source {
        Source { text: Arc::clone(&self.text), ending: Source::AS_IT_STANDS }
    }
}

/// Every specification that stands as a file; ordered by path. Files under one name have that as their problem.
pub(crate) fn read_all(directory: &Path) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(file_error(directory))? {
        let path = entry.map_err(file_error(directory))?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && !path.is_dir() {
            match read(&path) {
                Ok(file) => found.push(file),
                // Gone since it was listed.
                Err(ReadError::System(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.push(unreadable(path, &error)),
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    refuse_twins(&mut found);
    Ok(found)
}

fn unreadable(path: PathBuf, error: &ReadError) -> Found {
    let problem = without_place("", format!("cannot be read: {error}"));
    Found { path, text: Arc::from(""), spec: Err(vec![problem]) }
}

fn refuse_twins(found: &mut [Found]) {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in found.iter() {
        if let Some(name) = file.name() {
            by_name.entry(name.to_string()).or_default().push(file.path.display().to_string());
        }
    }
    for file in found.iter_mut() {
        let Some(name) = file.name() else { continue };
        let Some(twins) = by_name.get(name.as_str()).filter(|twins| twins.len() > 1) else { continue };
        let why = format!("{} are files of the same service {name}; remove all but one", twins.join(" and "));
        file.spec = Err(vec![without_place("", why)]);
    }
}

fn read(path: &Path) -> Result<Found, ReadError> {
    let bytes = read_regular(path, MAX_BYTES)?;
    let Ok(text) = String::from_utf8(bytes) else {
        let problem = without_place("", "is not UTF-8 text".to_owned());
        return Ok(Found { path: path.to_owned(), text: Arc::from(""), spec: Err(vec![problem]) });
    };
    let format = DocumentFormat::from_path(path).unwrap_or(DocumentFormat::Yaml);
    let spec = parse(&text, format).and_then(|(document, spec)| match path.file_stem() {
        Some(stem) if stem.to_str() == Some(spec.name.as_str()) => Ok(Arc::new(spec)),
        stem => {
            let stem = stem.unwrap_or_default().to_string_lossy();
            let message = format!("is {}, and the file's name says {stem}; rename one of them", spec.name);
            let problem = Problem { path: "name".to_owned(), which: spec::Which::Value, message };
            Err(vec![placed(&document, &problem)])
        }
    });
    Ok(Found { path: path.to_owned(), text: Arc::from(text), spec })
}

/// Reads a text as a specification.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub(crate) fn parse(
    text: &str,
    format: DocumentFormat,
) -> Result<(Document, ServiceSpec), Vec<PlacedProblem>> {
    let document = Document::parse(text, format).map_err(|error| vec![unparsed(&error)])?;
    if document.value.is_null() {
        return Err(vec![without_place("", "is empty".to_owned())]);
    }
    match spec::decode(&document.value) {
        Ok(spec) => Ok((document, spec)),
        Err(problems) => Err(problems.iter().map(|problem| placed(&document, problem)).collect()),
    }
}

/// Why a text is no document, with the place.
pub(crate) fn unparsed(error: &ParseError) -> PlacedProblem {
    let located = error.located();
    PlacedProblem {
        line: located.line,
        column: located.column,
        length: located.length,
        path: String::new(),
        message: located.message,
    }
}

/// The problem at its place in the document.
pub(crate) fn placed(document: &Document, problem: &Problem) -> PlacedProblem {
    let which = match problem.which {
        spec::Which::Key => config::Which::Key,
        spec::Which::Value => config::Which::Value,
    };
    placed_at(document, &problem.path, which, problem.message.clone())
}

/// A problem with what stands at `path` in the document.
pub(crate) fn placed_at(
    document: &Document,
    path: &str,
    which: config::Which,
    message: String,
) -> PlacedProblem {
    let place = document.place_of(path, which);
    PlacedProblem {
        line: place.line,
        column: place.column,
        length: place.len_chars,
        path: path.to_owned(),
        message,
    }
}

/// A problem that is nowhere in particular.
pub(crate) fn without_place(path: &str, message: String) -> PlacedProblem {
    PlacedProblem { line: 0, column: 0, length: 0, path: path.to_owned(), message }
}

/// A problem as one text: `3:7: restart.delay: …`.
pub(crate) fn told(problem: &PlacedProblem) -> String {
    let place =
        if problem.line == 0 { String::new() } else { format!("{}:{}: ", problem.line, problem.column) };
    let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
    format!("{place}{path}{}", problem.message)
}
