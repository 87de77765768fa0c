//! The record of a line that is itself a JSON object.
//!
//! The first field with a role is taken over for it, if it can be; all others become labels under their own names,
//! with their values as they were written. A line without a message gets an empty one.

use super::alias::{self, Role};
use super::json::{Field, Kind, Wrapper};
use super::{DEFAULT_LEVEL, Maker, time, unescape, write_escaped};
use jiff::Timestamp;
use std::io::Write as _;

/// Which fields were taken over, each by its place among the line's fields.
#[derive(Default)]
struct Taken {
    timestamp: Option<(usize, Timestamp)>,
    level: Option<(usize, &'static str)>,
    message: Option<usize>,
    trace: Option<usize>,
    span: Option<usize>,
    request: Option<usize>,
}

impl Taken {
    fn has(&self, at: usize) -> bool {
        [
            self.timestamp.map(|(place, _)| place),
            self.level.map(|(place, _)| place),
            self.message,
            self.trace,
            self.span,
            self.request,
        ]
        .contains(&Some(at))
    }
}

/// Appends the record of `line`, whose fields `maker` has scanned.
pub(super) fn write(maker: &mut Maker, out: &mut Vec<u8>, line: &[u8]) {
    let taken = take(&maker.fields, line, &mut maker.scratch);
    out.extend_from_slice(br#"{"@timestamp":""#);
    match taken.timestamp {
        Some((_, at)) => time::write_timestamp(out, at),
        None => out.extend_from_slice(&maker.time),
    }
    let level = taken.level.map_or(DEFAULT_LEVEL, |(_, level)| level);
    // Writing into a Vec cannot fail.
    let _ = write!(out, r#"","log.level":"{level}","message":"#);
    match taken.message {
        Some(at) => write_as_text(out, line, &maker.fields[at]),
        None => out.extend_from_slice(b"\"\""),
    }
    out.extend_from_slice(&maker.who);
    for (name, place) in
        [("trace.id", taken.trace), ("span.id", taken.span), ("http.request.id", taken.request)]
    {
        if let Some(at) = place {
            let _ = write!(out, r#","{name}":"#);
            write_as_text(out, line, &maker.fields[at]);
        }
    }
    write_labels(out, line, &maker.fields, &taken);
    out.extend_from_slice(b"}\n");
}

fn take(fields: &[Field], line: &[u8], scratch: &mut Vec<u8>) -> Taken {
    let mut taken = Taken::default();
    for (at, field) in fields.iter().enumerate() {
        let role = alias::role_of(&line[field.key.clone()]);
        let value = &line[field.value.clone()];
        let id = matches!(field.kind, Kind::Text | Kind::Number).then_some(at);
        match (field.within, role) {
            (Some(Wrapper::Labels), _) | (None, None | Some(Role::Schema)) => {}
            (Some(Wrapper::Fields), role) => {
                if role == Some(Role::Message) {
                    taken.message = taken.message.or(Some(at));
                }
            }
            (None, Some(Role::Timestamp)) => {
                taken.timestamp =
                    taken.timestamp.or_else(|| Some((at, timestamp(field.kind, value, scratch)?)));
            }
            (None, Some(Role::Level)) => {
                taken.level = taken.level.or_else(|| Some((at, level(field.kind, value)?)));
            }
            (None, Some(Role::Message)) => taken.message = taken.message.or(Some(at)),
            (None, Some(Role::Trace)) => taken.trace = taken.trace.or(id),
            (None, Some(Role::Span)) => taken.span = taken.span.or(id),
            (None, Some(Role::Request)) => taken.request = taken.request.or(id),
        }
    }
    taken
}

fn timestamp(kind: Kind, value: &[u8], scratch: &mut Vec<u8>) -> Option<Timestamp> {
    match kind {
        Kind::Text => {
            scratch.clear();
            unescape(scratch, inside(value));
            time::from_text(scratch)
        }
        Kind::Number => time::from_number(value),
        Kind::Word | Kind::Object | Kind::Array => None,
    }
}

fn level(kind: Kind, value: &[u8]) -> Option<&'static str> {
    match kind {
        Kind::Text => alias::level_of_word(inside(value)),
        Kind::Number => alias::level_of_number(value),
        Kind::Word | Kind::Object | Kind::Array => None,
    }
}

/// The inside of a quoted text.
fn inside(quoted: &[u8]) -> &[u8] {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default()
}

/// Appends a value as a JSON string: what is none becomes the text of what was written.
fn write_as_text(out: &mut Vec<u8>, line: &[u8], field: &Field) {
    let value = &line[field.value.clone()];
    match field.kind {
        Kind::Text => out.extend_from_slice(value),
        Kind::Number | Kind::Word | Kind::Object | Kind::Array => {
            out.push(b'"');
            write_escaped(out, value);
            out.push(b'"');
        }
    }
}

fn write_labels(out: &mut Vec<u8>, line: &[u8], fields: &[Field], taken: &Taken) {
    let mut any = false;
    for (at, field) in fields.iter().enumerate() {
        let key = &line[field.key.clone()];
        let own_schema = field.within.is_none() && alias::role_of(key) == Some(Role::Schema);
        if taken.has(at) || own_schema {
            continue;
        }
        out.extend_from_slice(if any { b",\"" } else { br#","labels":{""# });
        out.extend_from_slice(key);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(&line[field.value.clone()]);
        any = true;
    }
    if any {
        out.push(b'}');
    }
}
