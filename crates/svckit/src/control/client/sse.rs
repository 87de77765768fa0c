//! Server-sent events from bytes (WHATWG HTML, section 9.2.6), as far as a log needs them.
//!
//! Comments keep a connection alive and are dropped, as are events of another type than `message`.

/// The longest event that is taken.
pub(super) const EVENT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The last id that was given, by this event or one before.
    pub(super) id: Option<String>,
    /// Its data, lines joined by line feeds.
    pub(super) data: String,
}

/// An event or line that does not fit [`EVENT_MAX_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes that are not a whole line yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    begin: usize,
    /// Up to where there is known to be no line feed.
    searched: usize,
}

impl Lines {
    /// Takes what came in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.begin);
        self.searched -= self.begin;
        self.begin = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(length) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return if self.searched - self.begin > EVENT_MAX_BYTES { Err(TooLong) } else { Ok(None) };
        };
        let end = self.searched + length;
        let line = &self.bytes[self.begin..end];
        self.begin = end + 1;
        self.searched = self.begin;
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// What is left without an end.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }
}

/// Lines to events.
#[derive(Debug, Default)]
pub(super) struct Events {
    id: Option<String>,
    data: Option<String>,
    other_type: bool,
}

impl Events {
    /// The last id that was given.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Takes one line; gives the event that it ends.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Event>, TooLong> {
        if line.is_empty() {
            return Ok(self.end());
        }
        let text = String::from_utf8_lossy(line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "event" => self.other_type = value != "message",
            "data" => self.append(value)?,
            // A comment, or a field that a later version may know.
            _ => {}
        }
        Ok(None)
    }

    fn append(&mut self, value: &str) -> Result<(), TooLong> {
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + value.len() >= EVENT_MAX_BYTES => return Err(TooLong),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Option<Event> {
        let data = self.data.take();
        let other_type = std::mem::take(&mut self.other_type);
        data.filter(|_| !other_type).map(|data| Event { id: self.id.clone(), data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&str]) -> Vec<(Option<String>, String)> {
        let (mut lines, mut events, mut found) = (Lines::default(), Events::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk.as_bytes());
            while let Some(line) = lines.next().unwrap() {
                found.extend(events.line(line).unwrap().map(|event| (event.id, event.data)));
            }
        }
        found
    }

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let text = ": hello\n\nid: 7\ndata: {\"a\":1}\n\nevent: other\ndata: x\n\ndata: one\r\ndata:two\r\n\r\ndata: cut";
        let expected = vec![
            (Some("7".to_owned()), "{\"a\":1}".to_owned()),
            (Some("7".to_owned()), "one\ntwo".to_owned()),
        ];
        assert_eq!(events(&[text]), expected);
        for at in 0..text.len() {
            assert_eq!(events(&[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; EVENT_MAX_BYTES + 1]);
        assert_eq!(lines.next(), Err(TooLong));
    }
}
