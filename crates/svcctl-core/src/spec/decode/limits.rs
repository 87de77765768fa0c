//! The keys of resource limits.

use super::super::keys;
use super::super::model::{Amount, Limits};
use super::super::size;
use super::reader::Reader;
use serde_json::Value;

/// The largest count of anything.
const COUNT_MAX: i64 = 0x7fff_ffff;

pub(super) fn limits(reader: &mut Reader, at: &str, value: &Value) -> Option<Limits> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::LIMITS, &["memory", "cpu", "pids"]);
    Some(Limits {
        open_files: reader.optional(&section, "open_files", count),
        processes: reader.optional(&section, "processes", count),
        core: reader.optional(&section, "core", bytes),
        file_size: reader.optional(&section, "file_size", bytes),
        stack: reader.optional(&section, "stack", bytes),
        locked_memory: reader.optional(&section, "locked_memory", bytes),
        address_space: reader.optional(&section, "address_space", bytes),
    })
}

fn is_unlimited(value: &Value) -> bool {
    value.as_str() == Some("unlimited")
}

fn count(reader: &mut Reader, at: &str, value: &Value) -> Option<Amount> {
    if is_unlimited(value) {
        return Some(Amount::Unlimited);
    }
    let count = value.as_u64().filter(|count| *count <= COUNT_MAX.unsigned_abs());
    if count.is_none() {
        reader.problem(at, &format!("must be a whole number from 0 to {COUNT_MAX}, or \"unlimited\""));
    }
    count.map(Amount::At)
}

fn bytes(reader: &mut Reader, at: &str, value: &Value) -> Option<Amount> {
    if is_unlimited(value) {
        return Some(Amount::Unlimited);
    }
    let read = match value {
        Value::String(text) => size::parse(text).map_err(|error| error.to_string()),
        Value::Number(number) => number.as_u64().filter(|bytes| *bytes <= size::LARGEST).ok_or_else(|| {
            "must be a whole number of bytes, a size such as \"64MiB\", or \"unlimited\"".to_owned()
        }),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            reader.mismatch(at, "a size such as \"64MiB\", or \"unlimited\"", value);
            return None;
        }
    };
    read.map(Amount::At).map_err(|message| reader.problem(at, &message)).ok()
}
