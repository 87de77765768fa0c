//! Specifications from files: every document of every file, and all that is wrong with them at once, each at its
//! place.

use super::relative;
use crate::error::{CliError, failure};
use crate::wrong::{FileProblem, Severity, Wrong};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::{self, Problem, ServiceSpec};
use svckit::config::{self, DOCUMENT_MAX_BYTES, Document, DocumentFormat};
use svckit::control::types::{self, FailureKind, Install};

/// How many files a directory may bring.
const FILES_MAX: usize = 4_096;
/// What stands for standard input.
const STDIN: &str = "-";

/// What files say.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The specifications that are right in themselves, in the order they stand.
    pub(crate) entries: Vec<Entry>,
    /// All that is wrong, and what is to be told.
    pub(crate) wrong: Wrong,
}

/// One specification and where it stands.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The file as it was named.
    pub(crate) file: String,
    /// What it means.
    pub(crate) spec: ServiceSpec,
    /// As it goes to the daemon: paths absolute, with the text it comes from.
    pub(crate) install: Install,
    document: Document,
    /// The whole text of its file.
    text: Rc<str>,
}

impl Entry {
    /// These problems of this specification.
    pub(crate) fn wrong(&self, problems: &[Problem]) -> Wrong {
        let mut wrong = Wrong {
            problems: problems.iter().map(|one| self.place(one, Severity::Error)).collect(),
            ..Wrong::default()
        };
        wrong.texts.insert(self.file.clone(), self.text.to_string());
        wrong
    }

    /// A problem of this specification at its place.
    pub(crate) fn place(&self, problem: &Problem, severity: Severity) -> FileProblem {
        placed(&self.file, &self.document, problem, severity)
    }
}

/// Where a document comes from.
struct Origin<'a> {
    file: &'a str,
    text: &'a Rc<str>,
    base: &'a Path,
    format: DocumentFormat,
}

/// Reads `paths`: files, directories (all `*.yaml`, `*.yml`, `*.json` and `*.toml` in them), or `-`. What is wrong with
/// the content stands in the result.
///
/// # Errors
/// What cannot be read at all: `Usage` for a file that is not there, `Denied` where that is why.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded, CliError> {
    let mut loaded = Loaded::default();
    for path in paths {
        for file in files_of(path)? {
            let text = read_text(&file)?;
            loaded.take(&file, text)?;
        }
    }
    loaded.twice();
    Ok(loaded)
}

impl Loaded {
    /// All of them, if all are right.
    ///
    /// # Errors
    /// `Invalid`, with every problem.
    pub(crate) fn sound(mut self) -> Result<Vec<Entry>, CliError> {
        self.wrong.problems.retain(|problem| problem.severity == Severity::Error);
        if self.wrong.problems.is_empty() { Ok(self.entries) } else { Err(self.wrong.into()) }
    }

    /// Reads one file's text.
    pub(crate) fn take(&mut self, file: &Path, text: String) -> Result<(), CliError> {
        let shown = if file == Path::new(STDIN) { "<stdin>".to_owned() } else { file.display().to_string() };
        let documents = match DocumentFormat::from_path(file) {
            Some(format) => Document::parse_all(&text, format),
            None => Document::parse_all_detected(&text),
        };
        match documents {
            Ok(documents) if documents.is_empty() => {
                let message = "the file is empty; a specification begins with: spec: 1";
                self.wrong.problems.push(FileProblem::of_file(&shown, message));
            }
            Ok(documents) => {
                let base = super::folder_of(file)?;
                let format = DocumentFormat::from_path(file).unwrap_or(DocumentFormat::detect(&text));
                let whole: Rc<str> = text.as_str().into();
                let from = Origin { file: &shown, text: &whole, base: &base, format };
                for document in documents {
                    self.understand(&from, document);
                }
            }
            Err(error) => self.wrong.problems.push(FileProblem::located(&shown, error.located())),
        }
        self.wrong.texts.insert(shown, text);
        Ok(())
    }

    fn understand(&mut self, from: &Origin<'_>, document: Document) {
        let file = from.file;
        let mut value = document.value.clone();
        if !value.is_object() {
            let problem = Problem {
                path: String::new(),
                which: spec::Which::Value,
                message: "a specification has keys; it begins with: spec: 1".to_owned(),
            };
            self.wrong.problems.push(placed(file, &document, &problem, Severity::Error));
            return;
        }
        relative::resolve(&mut value, from.base);
        match spec::decode(&value) {
            Ok(spec) => {
                let source = source(&document, &value, from.format, file);
                let install = Install { document: value, source };
                let text = from.text.clone();
                self.entries.push(Entry { file: file.to_owned(), spec, install, document, text });
            }
            Err(problems) => {
                let problems =
                    problems.iter().map(|problem| placed(file, &document, problem, Severity::Error));
                self.wrong.problems.extend(problems);
            }
        }
    }

    /// One name for two services is told at the second.
    fn twice(&mut self) {
        let mut seen: BTreeMap<&ServiceName, &str> = BTreeMap::new();
        let mut problems = Vec::new();
        for entry in &self.entries {
            if let Some(first) = seen.insert(&entry.spec.name, &entry.file) {
                let message = format!("{} stands in {first} already; leave one out", entry.spec.name);
                let problem = Problem { path: "name".to_owned(), which: spec::Which::Value, message };
                problems.push(entry.place(&problem, Severity::Error));
            }
        }
        self.wrong.problems.extend(problems);
    }
}

/// The text that stays with a specification; none where it cannot be made to mean the same.
fn source(document: &Document, meant: &Value, format: DocumentFormat, file: &str) -> Option<types::Document> {
    let mut text = document.source().to_owned();
    if document.value != *meant {
        text = rewritten(&text, meant, format)?;
    }
    let same = Document::parse(&text, format).is_ok_and(|parsed| parsed.value == *meant);
    same.then(|| types::Document { text, format: format.extension().to_owned(), file: Some(file.to_owned()) })
}

/// The text with the values that differ from `meant` replaced where they stand.
fn rewritten(text: &str, meant: &Value, format: DocumentFormat) -> Option<String> {
    let document = Document::parse(text, format).ok()?;
    let mut changes = Vec::new();
    changed("", &document.value, meant, &mut changes);
    let mut replaced: Vec<(std::ops::Range<usize>, String)> = changes
        .into_iter()
        .map(|(path, value)| (document.place_of(&path, config::Which::Value).bytes, value.to_string()))
        .collect();
    replaced.sort_by_key(|(bytes, _)| std::cmp::Reverse(bytes.start));
    let mut text = text.to_owned();
    for (bytes, value) in replaced {
        text.get(bytes.clone())?;
        text.replace_range(bytes, &value);
    }
    Some(text)
}

/// The paths at which `new` has another value, each the deepest there is, with that value.
fn changed(at: &str, old: &Value, new: &Value, into: &mut Vec<(String, Value)>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if old.len() == new.len() => {
            for (key, value) in new {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                changed(&path, old.get(key).unwrap_or(&Value::Null), value, into);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                changed(&format!("{at}[{index}]"), old, new, into);
            }
        }
        (old, new) if old != new => into.push((at.to_owned(), new.clone())),
        (_, _) => {}
    }
}

fn placed(file: &str, document: &Document, problem: &Problem, severity: Severity) -> FileProblem {
    let which = match problem.which {
        spec::Which::Key => config::Which::Key,
        spec::Which::Value => config::Which::Value,
    };
    let place = document.place_of(&problem.path, which);
    FileProblem {
        file: file.to_owned(),
        line: place.line,
        column: place.column,
        length: place.len_chars,
        path: problem.path.clone(),
        message: problem.message.clone(),
        severity,
    }
}

/// The files that `path` means.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if path == Path::new(STDIN) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let told = |error: &io::Error| cannot_read(path, error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| told(&error))? {
        let file = entry.map_err(|error| told(&error))?.path();
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && DocumentFormat::from_path(&file).is_some() && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let message = format!("{} has no *.yaml, *.yml, *.json or *.toml file", path.display());
        return Err(failure(FailureKind::Usage, message));
    }
    if files.len() > FILES_MAX {
        let message = format!("{} has more than {FILES_MAX} files; name some of them", path.display());
        return Err(failure(FailureKind::Usage, message));
    }
    Ok(files)
}

/// The text of one file, or of standard input.
pub(super) fn read_text(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    // One byte more than a document may have, so that a longer one is seen to be longer.
    let limit = u64::try_from(DOCUMENT_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = if file == Path::new(STDIN) {
        io::stdin().lock().take(limit).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| cannot_read(file, &error))?;
    Ok(text)
}

fn cannot_read(path: &Path, error: &io::Error) -> CliError {
    let (kind, why) = match error.kind() {
        io::ErrorKind::NotFound => (FailureKind::Usage, "there is no such file".to_owned()),
        io::ErrorKind::PermissionDenied => (FailureKind::Denied, "this user may not".to_owned()),
        io::ErrorKind::InvalidData => (FailureKind::Invalid, "it is not UTF-8 text".to_owned()),
        _ => (FailureKind::Failed, error.to_string()),
    };
    failure(kind, format!("cannot read {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(file: &str, text: &str) -> Loaded {
        let mut loaded = Loaded::default();
        loaded.take(Path::new(file), text.to_owned()).unwrap();
        loaded.twice();
        loaded
    }

    #[test]
    fn all_problems_of_all_documents_have_their_places() {
        let loaded = loaded(
            "/etc/a.yaml",
            "spec: 1\nname: a\nexec: [/bin/true]\nenvv: {}\n---\nspec: 1\nname: b\nexec: 7\n",
        );
        let places: Vec<(u64, u64, &str)> =
            loaded.wrong.problems.iter().map(|one| (one.line, one.column, one.path.as_str())).collect();
        assert_eq!(places, [(4, 1, "envv"), (8, 7, "exec")], "{:?}", loaded.wrong);
        assert!(loaded.wrong.problems[0].message.contains("env"), "{:?}", loaded.wrong);
        assert_eq!(loaded.sound().unwrap_err().exit_code(), 9);
    }

    #[test]
    fn a_name_stands_once() {
        let one = "spec: 1\nname: a\nexec: [/bin/true]\n";
        let loaded = loaded("/etc/a.yaml", &format!("{one}---\n{one}"));
        assert_eq!(loaded.wrong.problems.len(), 1);
        assert_eq!((loaded.wrong.problems[0].line, loaded.wrong.problems[0].column), (6, 7));
    }

    #[test]
    fn relative_paths_become_absolute_and_comments_stay() {
        let text = "spec: 1 # the format\nname: a\n# what runs\nexec: [./server, --port, '80']\ncwd: data\n";
        let entries = loaded("/srv/a.yaml", text).sound().unwrap();
        let source = entries[0].install.source.as_ref().unwrap();
        assert_eq!(
            source.text,
            "spec: 1 # the format\nname: a\n# what runs\nexec: [\"/srv/server\", --port, '80']\ncwd: \"/srv/data\"\n"
        );
        let line = "spec = 1\nname = \"a\" # its name\nexec = \"./server --port 80\"\n";
        let entries = loaded("/srv/a.toml", line).sound().unwrap();
        let source = entries[0].install.source.as_ref().unwrap();
        assert!(
            source.text.contains("# its name\nexec = [\"/srv/server\",\"--port\",\"80\"]"),
            "{}",
            source.text
        );
        assert_eq!(source.format, "toml");
    }

    #[test]
    fn what_is_not_there_is_a_mistake_of_the_command_line() {
        assert_eq!(load(&[PathBuf::from("/no/such/file.yaml")]).unwrap_err().exit_code(), 2);
    }
}
