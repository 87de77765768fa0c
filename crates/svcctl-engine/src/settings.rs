//! The daemon's own settings: `svcctl.yaml`, beside services/. Without the file, every setting has its default.

use crate::store::files::{MAX_BYTES, placed_at, unparsed};
use serde_json::{Map, Value};
use std::path::Path;
use svcctl_core::spec::nearest::nearest;
use svcctl_os::files::{ReadError, read_regular};
use svckit::config::{Document, DocumentFormat, Which};
use svckit::control::types::PlacedProblem;

/// What can be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whether changed files of services/ are taken up without being told to.
    pub(crate) auto_apply: bool,
}

/// Reads the file at `path`. One that is not there, or has nothing in it, sets nothing.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub(crate) fn read(path: &Path) -> Result<Settings, Vec<PlacedProblem>> {
    let wrong = |message: String| Err(vec![crate::store::files::without_place("", message)]);
    match read_regular(path, MAX_BYTES) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => parse(&text),
            Err(_) => wrong("is not UTF-8 text".to_owned()),
        },
        Err(ReadError::System(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Settings::default())
        }
        Err(error) => wrong(format!("cannot be read: {error}")),
    }
}

fn parse(text: &str) -> Result<Settings, Vec<PlacedProblem>> {
    let document = Document::parse(text, DocumentFormat::Yaml).map_err(|error| vec![unparsed(&error)])?;
    let mut reader = Reader { document: &document, problems: Vec::new() };
    let mut settings = Settings::default();
    if let Some(root) = reader.mapping(&document.value, "", &["daemon"])
        && let Some(daemon) = root.get("daemon")
        && let Some(daemon) = reader.mapping(daemon, "daemon", &["auto_apply"])
        && let Some(auto_apply) = daemon.get("auto_apply")
    {
        match auto_apply {
            Value::Bool(auto_apply) => settings.auto_apply = *auto_apply,
            other => {
                let message = format!("is {other}; give true or false");
                reader.problem("daemon.auto_apply", Which::Value, message);
            }
        }
    }
    if reader.problems.is_empty() { Ok(settings) } else { Err(reader.problems) }
}

struct Reader<'a> {
    document: &'a Document,
    problems: Vec<PlacedProblem>,
}

impl Reader<'_> {
    /// The mapping at `path`, each of its keys one of `known`; `None` where there is nothing.
    fn mapping<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        known: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let map = match value {
            Value::Null => return None,
            Value::Object(map) => map,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                let message = format!("is no mapping; it has the keys {}", known.join(", "));
                self.problem(path, Which::Value, message);
                return None;
            }
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let hint = nearest(key, known.iter().copied()).map_or_else(
                || format!("known here: {}", known.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            self.problem(&at, Which::Key, format!("is no setting; {hint}"));
        }
        Some(map)
    }

    fn problem(&mut self, path: &str, which: Which, message: String) {
        self.problems.push(placed_at(self.document, path, which, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_refused_without_waiting_for_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("svcctl.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let problems = read(&path).unwrap_err();
        assert_eq!(problems[0].message, "cannot be read: it is no regular file");
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        for text in ["", "# nothing\n", "daemon:\n", "daemon: {}\n", "daemon: {auto_apply: false}\n"] {
            assert_eq!(parse(text), Ok(Settings { auto_apply: false }), "{text:?}");
        }
        assert_eq!(parse("daemon:\n  auto_apply: true\n"), Ok(Settings { auto_apply: true }));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_the_nearest_name() {
        let problems = parse("daemon:\n  auto_aply: true\nother: 1\n").unwrap_err();
        let told: Vec<String> = problems.iter().map(crate::store::files::told).collect();
        assert_eq!(
            told,
            [
                "3:1: other: is no setting; known here: daemon",
                "2:3: daemon.auto_aply: is no setting; did you mean auto_apply?"
            ]
        );
        let problems = parse("daemon: {auto_apply: yes}\n").unwrap_err();
        assert_eq!((problems[0].line, problems[0].column), (1, 22), "{problems:?}");
        assert!(parse("daemon: [\n").is_err());
        assert!(parse("daemon: 1\n").is_err());
    }
}
