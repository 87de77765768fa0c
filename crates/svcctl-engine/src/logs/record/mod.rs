//! Records: one line of output as one line of JSON in the Elastic Common Schema (DESIGN §6).
//!
//! The order of the keys is fixed. The level is `info` for both streams unless a JSON line says its own: many programs
//! write all they have to say to stderr, and a reader who wants stderr alone has `event.dataset`. A record has one
//! newline, at its end, whatever the line held. After the first records nothing here allocates.

mod alias;
mod escape;
mod json;
pub(crate) mod split;
mod structured;
mod time;

pub(crate) use escape::{unescape, unmark, write_escaped};
pub(crate) use json::{Field, Kind, scan};

use jiff::Timestamp;
use std::io::Write as _;

/// The version of the Elastic Common Schema that the records follow.
const ECS_VERSION: &str = "8.17.0";
/// The level of a line that does not say its own.
const DEFAULT_LEVEL: &str = "info";
/// The label of a record whose line goes on in the next one.
pub(crate) const PARTIAL: &str = "svcctl.partial";
/// The label of a record whose message is not UTF-8 and therefore escaped.
pub(crate) const ESCAPED: &str = "svcctl.escaped";

/// Who wrote something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// `service.name`.
    pub(crate) service: &'a str,
    /// `service.instance`.
    pub(crate) index: u32,
    /// `event.dataset`: `stdout`, `stderr` or `svcctl`.
    pub(crate) dataset: &'a str,
    /// `process.pid`.
    pub(crate) pid: Option<u32>,
}

/// Makes records; keeps its buffers.
#[derive(Debug, Default)]
pub(crate) struct Maker {
    /// The time of the batch.
    time: Vec<u8>,
    /// All of a plain record before its message.
    head: Vec<u8>,
    /// What every record has between message and ids or labels, from the comma on.
    who: Vec<u8>,
    fields: Vec<Field>,
    scratch: Vec<u8>,
}

impl Maker {
    /// The records that follow are from `origin`, read at `now`.
    pub(crate) fn begin(&mut self, now: Timestamp, origin: Origin<'_>) {
        self.time.clear();
        time::write_timestamp(&mut self.time, to_millis(now));
        self.head.clear();
        self.head.extend_from_slice(br#"{"@timestamp":""#);
        self.head.extend_from_slice(&self.time);
        // Writing into a Vec cannot fail, here and below.
        let _ = write!(self.head, r#"","log.level":"{DEFAULT_LEVEL}","message":""#);
        self.who.clear();
        let Origin { service, index, dataset, pid } = origin;
        let _ = write!(self.who, r#","ecs.version":"{ECS_VERSION}","service.name":"{service}""#);
        let _ = write!(self.who, r#","service.instance":{index},"event.dataset":"{dataset}""#);
        if let Some(pid) = pid {
            let _ = write!(self.who, r#","process.pid":{pid}"#);
        }
    }

    /// Appends the record of `line`, which has no newline. `partial` says that the line goes on.
    pub(crate) fn line(&mut self, out: &mut Vec<u8>, line: &[u8], partial: bool) {
        if !partial && looks_like_object(line) && scan(line, &mut self.fields) {
            structured::write(self, out, line);
        } else {
            self.plain(out, line, partial);
        }
    }

    fn plain(&self, out: &mut Vec<u8>, line: &[u8], partial: bool) {
        out.extend_from_slice(&self.head);
        let escaped = write_escaped(out, line);
        out.push(b'"');
        out.extend_from_slice(&self.who);
        match (partial, escaped) {
            (false, false) => {}
            (true, false) => write_label_flags(out, &[PARTIAL]),
            (false, true) => write_label_flags(out, &[ESCAPED]),
            (true, true) => write_label_flags(out, &[PARTIAL, ESCAPED]),
        }
        out.extend_from_slice(b"}\n");
    }

    /// Appends a record of svcctl's own.
    pub(crate) fn note(&self, out: &mut Vec<u8>, level: &str, message: &str, labels: &[(String, String)]) {
        out.extend_from_slice(br#"{"@timestamp":""#);
        out.extend_from_slice(&self.time);
        let _ = write!(out, r#"","log.level":"{level}","message":""#);
        write_escaped(out, message.as_bytes());
        out.push(b'"');
        out.extend_from_slice(&self.who);
        if !labels.is_empty() {
            out.extend_from_slice(br#","labels":{"#);
            for (at, (key, value)) in labels.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
                write_escaped(out, key.as_bytes());
                out.extend_from_slice(b"\":\"");
                write_escaped(out, value.as_bytes());
                out.push(b'"');
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Our own readings of the clock are told in milliseconds.
fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn looks_like_object(line: &[u8]) -> bool {
    line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn write_label_flags(out: &mut Vec<u8>, labels: &[&str]) {
    out.extend_from_slice(br#","labels":{"#);
    for (at, label) in labels.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, r#"{comma}"{label}":"true""#);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests;
