//! The keys of the environment.

use super::super::keys;
use super::super::model::{EnvFile, InheritEnv};
use super::super::template::Template;
use super::process::path_template;
use super::reader::{Reader, child};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most variables of an environment.
const VARIABLES_MAX: usize = 4_096;
/// The most variables taken over by name.
const INHERITED_MAX: usize = 1_024;
/// The most files of variables.
const FILES_MAX: usize = 64;

/// Variables and their values.
pub(super) fn env(reader: &mut Reader, at: &str, value: &Value) -> Option<BTreeMap<String, Template>> {
    let section = reader.section(at, value)?;
    if section.map.len() > VARIABLES_MAX {
        reader.problem(at, &format!("has more than {VARIABLES_MAX} entries"));
        return None;
    }
    let mut env = BTreeMap::new();
    for (name, value) in section.map {
        let path = child(at, name);
        let text = reader.template(&path, value);
        if variable_name(reader, &path, name) {
            env.extend(text.map(|text| (name.clone(), text)));
        }
    }
    Some(env)
}

fn variable_name(reader: &mut Reader, at: &str, name: &str) -> bool {
    let sound = !name.is_empty() && !name.contains(['=', '\0']);
    if !sound {
        reader.problem(at, "is no name of a variable; it must not be empty or contain `=` or a NUL byte");
    }
    sound
}

/// `all`, or a list of names.
pub(super) fn inherit_env(reader: &mut Reader, at: &str, value: &Value) -> Option<InheritEnv> {
    if let Value::String(_) = value {
        let word = reader.text(at, value)?;
        if word == "all" {
            return Some(InheritEnv::All);
        }
        reader.problem(at, "must be a list of names, or the word `all`");
        return None;
    }
    let names = reader.list(at, value, INHERITED_MAX, |reader, path, value| {
        let name = reader.text(path, value)?;
        variable_name(reader, path, &name).then_some(name)
    })?;
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() < names.len() {
        reader.problem(at, "names a variable twice");
        return None;
    }
    Some(InheritEnv::These(names))
}

/// One path, or a list of paths and of mappings that say whether one may be missing.
pub(super) fn env_file(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<EnvFile>> {
    match value {
        Value::Array(_) => reader.list(at, value, FILES_MAX, one_file),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            one_file(reader, at, value).map(|file| vec![file])
        }
    }
}

fn one_file(reader: &mut Reader, at: &str, value: &Value) -> Option<EnvFile> {
    if let Value::Object(_) = value {
        let section = reader.section(at, value)?;
        reader.keys(&section, keys::ENV_FILE, &[]);
        let example = "the file's path, as in `{path: /etc/default/web, optional: true}`";
        let path = reader.required(&section, "path", example, path_template);
        let optional = reader.optional(&section, "optional", Reader::boolean).unwrap_or(false);
        return Some(EnvFile { path: path?, optional });
    }
    if let Some(path) = value.as_str().and_then(|text| text.strip_prefix('-')) {
        let message = format!(
            "begins with `-`; for a file that may be missing write {{path: {path:?}, optional: true}}"
        );
        reader.problem(at, &message);
        return None;
    }
    path_template(reader, at, value).map(|path| EnvFile { path, optional: false })
}

/// What is taken over when nothing is said: the usual few.
pub(in crate::spec) fn inherit_nothing_more() -> InheritEnv {
    InheritEnv::These(Vec::new())
}
