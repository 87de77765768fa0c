//! The keys that say what process is made: program, directory, identity; and paths as other keys have them too.

use super::super::template::Template;
use super::super::words;
use super::reader::Reader;
use serde_json::Value;

/// The most words of a command line.
const ARGUMENTS_MAX: usize = 4_096;
/// The most supplementary groups (`NGROUPS_MAX` is 65,536; nobody means that).
const GROUPS_MAX: usize = 1_024;

/// A list of words, or a text that is split into words.
pub(super) fn exec(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<Template>> {
    let before = reader.problems.len();
    let words = if let Value::String(_) = value {
        let line = reader.raw_text(at, value)?;
        let words =
            words::split_templates(line).map_err(|error| reader.problem(at, &error.to_string())).ok()?;
        let templates = words.iter().map(|word| Template::parse(word));
        templates.collect::<Result<_, _>>().map_err(|error| reader.problem(at, &error.to_string())).ok()?
    } else if value.is_array() {
        reader.list(at, value, ARGUMENTS_MAX, Reader::template)?
    } else {
        reader.mismatch(at, "a list of words, or a text that is split into words", value);
        return None;
    };
    if reader.problems.len() > before {
        return None;
    }
    if words.len() > ARGUMENTS_MAX {
        reader.problem(at, &format!("has more than {ARGUMENTS_MAX} words"));
        return None;
    }
    let Some(program) = words.first().map(Template::as_written).filter(|program| !program.is_empty()) else {
        reader.problem(at, "names no program");
        return None;
    };
    if program.contains('/') && !may_be_absolute(program) {
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

/// Whether a path with placeholders can be absolute: what a placeholder in front stands for is seen at the start.
fn may_be_absolute(path: &str) -> bool {
    is_absolute(path) || path.starts_with("${")
}

/// An absolute path in which placeholders may stand.
pub(super) fn path_template(reader: &mut Reader, at: &str, value: &Value) -> Option<Template> {
    let path = reader.template(at, value)?;
    if !may_be_absolute(path.as_written()) {
        reader.problem(at, &format!("must be an absolute path, and is {:?}", path.as_written()));
        return None;
    }
    Some(path)
}

/// An absolute path, or a pattern (`*`, `?`, `[a-z]`, `**`) of such.
pub(super) fn path_pattern(reader: &mut Reader, at: &str, value: &Value) -> Option<String> {
    let path = reader.text(at, value)?;
    let wrong = if !is_absolute(&path) {
        format!("must be an absolute path, and is {path:?}")
    } else if path.split(['/', '\\']).any(|part| part.contains("**") && part != "**") {
        "has a `**` that is not a whole part of the path, as in \"/etc/**/*.conf\"".to_owned()
    } else if has_open_bracket(&path) {
        "has a `[` that is not closed with `]`; for the character itself write `[[]`".to_owned()
    } else {
        return Some(path);
    };
    reader.problem(at, &wrong);
    None
}

fn has_open_bracket(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some((_, after)) = rest.split_once('[') {
        // A bracket right after the opening one (or its `!`) is a character of the set.
        let inside = after.strip_prefix('!').unwrap_or(after);
        let skipped = usize::from(inside.starts_with(']'));
        let Some((_, after)) = inside[skipped..].split_once(']') else { return true };
        rest = after;
    }
    false
}

/// The mask of permission bits, in octal text.
pub(super) fn umask(reader: &mut Reader, at: &str, value: &Value) -> Option<u32> {
    let Value::String(_) = value else {
        let example = value
            .as_u64()
            .filter(|mask| *mask <= 777)
            .map_or_else(|| "\"027\"".to_owned(), |mask| format!("\"{mask:03}\""));
        let message = format!(
            "must be an octal number in quotes, as in {example}; without them 027 is 23 to some and 27 to others"
        );
        reader.problem(at, &message);
        return None;
    };
    let text = reader.text(at, value)?;
    let digits = text.strip_prefix("0o").unwrap_or(&text);
    let octal = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mask = u32::from_str_radix(digits, 8).ok().filter(|mask| octal && *mask <= 0o777);
    if mask.is_none() {
        reader.problem(at, &format!("must be an octal number from \"000\" to \"777\", and is {text:?}"));
    }
    mask
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
