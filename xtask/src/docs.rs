//! `cargo xtask docs`: writes the reference of the specification, in every language of the guide, from its JSON Schema.
//!
//! The schema is the product's own (a test of svcctl-core holds `docs/schema/service.schema.json` to it) and speaks
//! English; `docs/guide/zh/descriptions.json` has each of its sentences in Chinese.

use crate::arguments::Arguments;
use crate::repo::Repo;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// The schema, below the repository.
const SCHEMA: &str = "docs/schema/service.schema.json";
/// English sentences and their translations, below the repository.
const CHINESE: &str = "docs/guide/zh/descriptions.json";

/// One language of the guide.
struct Language {
    code: &'static str,
    head: &'static str,
    columns: &'static str,
    required: &'static str,
    translations: Option<&'static str>,
}

const LANGUAGES: [Language; 2] = [
    Language {
        code: "en",
        head: "# The specification, key by key\n\nWritten from the JSON Schema by `cargo xtask docs`. `svcctl schema` \
               prints the schema itself; the keys that can be left out have a default.\n",
        columns: "| key | what it says | when it is left out | for example |",
        required: "(needed)",
        translations: None,
    },
    Language {
        code: "zh",
        head: "# 规格：逐个键说明\n\n由 `cargo xtask docs` 从 JSON Schema 生成。`svcctl schema` 打印这份 \
               Schema；可以省略的键都有默认值。\n",
        columns: "| 键 | 含义 | 省略时 | 示例 |",
        required: "（必需）",
        translations: Some(CHINESE),
    },
];

/// The task: writes every reference.
///
/// # Errors
/// The schema cannot be read, a sentence has no translation, or a file cannot be written.
pub(crate) fn task(repo: &Repo, arguments: Arguments) -> Result<ExitCode> {
    arguments.finish()?;
    for (path, text) in references(repo)? {
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether every reference is what the task would write.
///
/// # Errors
/// One is not; it is named.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    for (path, text) in references(repo)? {
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        ensure!(found == text, "{} is not current; run: cargo xtask docs", path.display());
    }
    Ok(())
}

fn references(repo: &Repo) -> Result<Vec<(PathBuf, String)>> {
    let schema = json(repo, SCHEMA)?;
    let reference = |language: &Language| {
        let translations = language.translations.map(|path| json(repo, path)).transpose()?;
        let path = repo.root.join(format!("docs/guide/{}/src/reference.md", language.code));
        Ok((path, Reference::new(&schema, language, translations).write()?))
    };
    LANGUAGES.iter().map(reference).collect()
}

fn json(repo: &Repo, path: &str) -> Result<Value> {
    let text =
        std::fs::read_to_string(repo.root.join(path)).with_context(|| format!("failed to read {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} is no JSON"))
}

/// A reference that is being written.
struct Reference<'s> {
    schema: &'s Value,
    language: &'s Language,
    translations: Option<Value>,
    missing: BTreeMap<String, String>,
}

impl<'s> Reference<'s> {
    fn new(schema: &'s Value, language: &'s Language, translations: Option<Value>) -> Self {
        Self { schema, language, translations, missing: BTreeMap::new() }
    }

    fn write(mut self) -> Result<String> {
        let mut text = format!("{}\n{}\n|---|---|---|---|\n", self.language.head, self.language.columns);
        let schema = self.schema;
        self.rows("", schema, &mut text);
        if self.missing.is_empty() {
            return Ok(text);
        }
        let missing = serde_json::to_string_pretty(&self.missing).unwrap_or_default();
        bail!("{CHINESE} lacks these sentences:\n{missing}")
    }

    /// One row for each key of a mapping, each followed by those of the mappings in it.
    fn rows(&mut self, at: &str, mapping: &Value, text: &mut String) {
        let Some(keys) = mapping.get("properties").and_then(Value::as_object) else { return };
        for (name, key) in keys {
            let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            let described = key.get("description").and_then(Value::as_str).unwrap_or_default();
            let (what, note) = split_note(described);
            let needed = is_required(mapping, name);
            let left_out = match (key.get("default"), note) {
                (Some(default), _) => code(default),
                (None, Some(note)) => self.translated(note),
                (None, None) if needed => self.language.required.to_owned(),
                (None, None) => "–".to_owned(),
            };
            let what = self.translated(what);
            let example =
                key.get("examples").and_then(|examples| examples.get(0)).map(code).unwrap_or_default();
            let _ = writeln!(text, "| `{path}` | {} | {} | {example} |", cell(&what), cell(&left_out));
            self.rows_below(&path, key, text);
        }
    }

    fn rows_below(&mut self, path: &str, key: &Value, text: &mut String) {
        self.rows(path, key, text);
        if let Some(items) = key.get("items") {
            self.rows(&format!("{path}[]"), items, text);
        }
        for choice in key.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
            self.rows(path, choice, text);
        }
    }

    fn translated(&mut self, sentence: &str) -> String {
        let Some(translations) = &self.translations else { return sentence.to_owned() };
        if let Some(translation) = translations.get(sentence).and_then(Value::as_str) {
            return translation.to_owned();
        }
        self.missing.insert(sentence.to_owned(), String::new());
        String::new()
    }
}

/// A description without its `(Left out: …)`, and what stands there.
fn split_note(description: &str) -> (&str, Option<&str>) {
    match description.split_once(" (Left out: ") {
        Some((what, note)) => (what, Some(note.trim_end_matches(')').trim_end_matches('.'))),
        None => (description, None),
    }
}

fn is_required(mapping: &Value, name: &str) -> bool {
    let required = mapping.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|one| one == name))
}

/// A value as a person writes it in YAML, on one line.
fn code(value: &Value) -> String {
    format!("`{}`", flow(value)).replace('|', "\\|")
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(values) => format!("[{}]", values.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => format!("{{{}}}", pairs(map).join(", ")),
    }
}

fn pairs(map: &Map<String, Value>) -> Vec<String> {
    map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect()
}

fn is_plain(text: &str) -> bool {
    let sound = |character: char| character.is_ascii_alphanumeric() || "/._- ".contains(character);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/') && text.chars().all(sound)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_as_in_a_file() {
        assert_eq!(flow(&json!({"a": ["/x", "b c", "1", true, 2.5]})), "{a: [/x, b c, \"1\", true, 2.5]}");
        assert_eq!(split_note("What. (Left out: none.)"), ("What.", Some("none")));
        assert_eq!(split_note("What."), ("What.", None));
    }
}
