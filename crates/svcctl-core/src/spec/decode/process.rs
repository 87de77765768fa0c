//! The keys that say what process is made: program, directory, identity, environment.

use super::super::model::InheritEnv;
use super::super::words;
use super::reader::{Reader, child};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most words of a command line.
const ARGUMENTS_MAX: usize = 4_096;
/// The most variables of an environment.
const VARIABLES_MAX: usize = 4_096;
/// The most supplementary groups (`NGROUPS_MAX` is 65,536; nobody means that).
const GROUPS_MAX: usize = 1_024;
/// The most variables taken over by name.
const INHERITED_MAX: usize = 1_024;

/// A list of words, or a text that is split into words.
pub(super) fn exec(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<String>> {
    let before = reader.problems.len();
    let words = if let Value::String(_) = value {
        let line = reader.text(at, value)?;
        words::split(&line).map_err(|error| reader.problem(at, &error.to_string())).ok()?
    } else {
        reader.list(at, value, ARGUMENTS_MAX, Reader::text)?
    };
    if reader.problems.len() > before {
        return None;
    }
    if words.len() > ARGUMENTS_MAX {
        reader.problem(at, &format!("has more than {ARGUMENTS_MAX} words"));
        return None;
    }
    let Some(program) = words.first().filter(|program| !program.is_empty()) else {
        reader.problem(at, "names no program");
        return None;
    };
    if program.contains('/') && !is_absolute(program) {
        reader.problem(at, &format!("has the relative program {program:?}; give its absolute path"));
        return None;
    }
    Some(words)
}

/// Whether a path is absolute on any system: this crate does not know which one it runs on.
fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    path.starts_with('/') || path.starts_with("\\\\") || (drive && matches!(bytes[2], b'\\' | b'/'))
}

/// An absolute directory.
pub(super) fn cwd(reader: &mut Reader, at: &str, value: &Value) -> Option<String> {
    let path = reader.text(at, value)?;
    if !is_absolute(&path) {
        reader.problem(at, &format!("must be an absolute path, and is {path:?}"));
        return None;
    }
    Some(path)
}

/// A user or group, by name or number.
pub(super) fn identity(reader: &mut Reader, at: &str, value: &Value) -> Option<String> {
    if let Some(id) = value.as_u64() {
        return u32::try_from(id)
            .map_err(|_| reader.problem(at, "is no id; ids end at 4294967295"))
            .ok()
            .map(|id| id.to_string());
    }
    let name = reader.text(at, value)?;
    if name.is_empty() || name.contains([':', '/', '\n']) {
        reader.problem(at, &format!("must be a name or a number, and is {name:?}"));
        return None;
    }
    Some(name)
}

/// Supplementary groups; an empty list means none at all.
pub(super) fn groups(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<String>> {
    reader.list(at, value, GROUPS_MAX, identity)
}

/// Variables and their values.
pub(super) fn env(reader: &mut Reader, at: &str, value: &Value) -> Option<BTreeMap<String, String>> {
    let section = reader.section(at, value)?;
    if section.map.len() > VARIABLES_MAX {
        reader.problem(at, &format!("has more than {VARIABLES_MAX} entries"));
        return None;
    }
    let mut env = BTreeMap::new();
    for (name, value) in section.map {
        let path = child(at, name);
        let text = reader.text(&path, value);
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

/// What is taken over when nothing is said: the usual few.
pub(in crate::spec) fn inherit_nothing_more() -> InheritEnv {
    InheritEnv::These(Vec::new())
}
