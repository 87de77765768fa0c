//! A record for people, and as the bytes that the program wrote.

use super::record::{ESCAPED, Field, Kind, PARTIAL, scan, unescape, unmark};

/// Renders records; keeps its buffers.
#[derive(Debug, Default)]
pub struct Renderer {
    fields: Vec<Field>,
    message: Vec<u8>,
}

impl Renderer {
    /// Appends `record` (one line of a log, without its newline) as a line of text:
    /// `2026-11-23T05:13:57.123Z web stdout | message`. Control characters of the message are escaped, so that output
    /// cannot drive a terminal; labels follow where there is no message. What is no record of ours is given as it is,
    /// with its control characters escaped.
    pub fn text(&mut self, record: &[u8], out: &mut Vec<u8>) {
        if scan(record, &mut self.fields) {
            self.read_message(record);
            let empty = self.message.is_empty();
            write_parts(out, record, &self.fields);
            write_printable(out, &self.message);
            if empty {
                write_labels(out, record, &self.fields);
            }
        } else {
            write_printable(out, record);
        }
        out.push(b'\n');
    }

    /// Appends the bytes of the program's line: of a record whose message was escaped, the original ones. A line that
    /// was split into several records comes out as one again. Of a line that was JSON it is the message alone.
    pub fn raw(&mut self, record: &[u8], out: &mut Vec<u8>) {
        if !scan(record, &mut self.fields) {
            out.extend_from_slice(record);
            out.push(b'\n');
            return;
        }
        self.read_message(record);
        if has_label(record, &self.fields, ESCAPED) {
            unmark(out, &self.message);
        } else {
            out.extend_from_slice(&self.message);
        }
        if !has_label(record, &self.fields, PARTIAL) {
            out.push(b'\n');
        }
    }

    fn read_message(&mut self, record: &[u8]) {
        self.message.clear();
        unescape(&mut self.message, text_of(record, &self.fields, "message"));
    }
}

/// The text of a field at the top of the record, without quotes, still escaped; empty if there is none.
fn text_of<'a>(record: &'a [u8], fields: &[Field], key: &str) -> &'a [u8] {
    let wanted = |field: &&Field| {
        field.within.is_none() && field.kind == Kind::Text && record[field.key.clone()] == *key.as_bytes()
    };
    fields.iter().find(wanted).map_or(b"", |field| &record[field.value.start + 1..field.value.end - 1])
}

fn has_label(record: &[u8], fields: &[Field], key: &str) -> bool {
    fields.iter().any(|field| {
        field.within.is_some()
            && record[field.key.clone()] == *key.as_bytes()
            && record[field.value.clone()] == *b"\"true\""
    })
}

fn write_parts(out: &mut Vec<u8>, record: &[u8], fields: &[Field]) {
    out.extend_from_slice(text_of(record, fields, "@timestamp"));
    out.push(b' ');
    out.extend_from_slice(text_of(record, fields, "service.name"));
    out.push(b' ');
    out.extend_from_slice(text_of(record, fields, "event.dataset"));
    out.extend_from_slice(b" | ");
}

fn write_labels(out: &mut Vec<u8>, record: &[u8], fields: &[Field]) {
    let labels = fields.iter().filter(|field| field.within.is_some());
    for (at, field) in labels.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        write_printable(out, &record[field.key.clone()]);
        out.push(b'=');
        write_printable(out, &record[field.value.clone()]);
    }
}

/// Appends UTF-8 with control characters (but tabs) as `\n`, `\u{1b}` and the like.
fn write_printable(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && character != '\t' {
                out.extend(character.escape_default().map(|part| part as u8));
            } else {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        for byte in chunk.invalid() {
            out.extend(byte.escape_ascii());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Maker, Origin};
    use super::*;

    fn records(lines: &[(&[u8], bool)]) -> Vec<Vec<u8>> {
        let mut maker = Maker::default();
        let now = "2026-11-23T05:13:57.123Z".parse().expect("a time");
        maker.begin(now, Origin { service: "web", index: 0, dataset: "stdout", pid: Some(1) });
        let record = |(line, partial): &(&[u8], bool)| {
            let mut out = Vec::new();
            maker.line(&mut out, line, *partial);
            out.strip_suffix(b"\n").expect("a newline").to_vec()
        };
        lines.iter().map(record).collect()
    }

    fn text(line: &[u8]) -> String {
        let mut out = Vec::new();
        Renderer::default().text(&records(&[(line, false)])[0], &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_is_one_line_without_control_characters() {
        assert_eq!(text(b"hello"), "2026-11-23T05:13:57.123Z web stdout | hello\n");
        assert_eq!(
            text(b"\x1b[31mred\ttab\r"),
            "2026-11-23T05:13:57.123Z web stdout | \\u{1b}[31mred\ttab\\r\n"
        );
        assert_eq!(text("\u{9b}ž".as_bytes()), "2026-11-23T05:13:57.123Z web stdout | \\u{9b}ž\n");
        assert_eq!(text(br#"{"a":1,"b":"x"}"#), "2026-11-23T05:13:57.123Z web stdout | a=1 b=\"x\"\n");
        let mut out = Vec::new();
        Renderer::default().text(b"foreign \x07\xff", &mut out);
        assert_eq!(out, b"foreign \\u{7}\\xff\n");
    }

    #[test]
    fn raw_gives_the_original_bytes_and_joins_what_was_split() {
        let lines: [(&[u8], bool); 5] = [
            (b"plain \\ \"quoted\" \x1b", false),
            (b"\xff\\x41 \xc5", false),
            (b"first ", true),
            (b"second \xfe", true),
            (b"third", false),
        ];
        let mut out = Vec::new();
        let mut renderer = Renderer::default();
        for record in records(&lines) {
            renderer.raw(&record, &mut out);
        }
        assert_eq!(out, b"plain \\ \"quoted\" \x1b\n\xff\\x41 \xc5\nfirst second \xfethird\n");
    }
}
