//! A log as it comes over the API: newline-delimited JSON for what is there, server-sent events for what follows.

use super::error::ClientError;
use super::exchange::{Answer, broken};
use super::sse::{EVENT_MAX_BYTES, Events, Lines, TooLong};
use http_body_util::BodyExt;

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands; given back as [`super::LogQuery::after`], the log goes on behind it. Absent when the log
    /// was not followed.
    pub cursor: Option<String>,
    /// The record as JSON text, on one line.
    pub json: String,
}

/// Records, one after the other.
#[derive(Debug)]
pub struct LogStream {
    answer: Answer,
    lines: Lines,
    /// Absent for newline-delimited JSON.
    events: Option<Events>,
    ended: bool,
}

impl LogStream {
    pub(super) fn new(answer: Answer, follow: bool) -> Self {
        Self { answer, lines: Lines::default(), events: follow.then(Events::default), ended: false }
    }

    /// The next record; `None` at the end of the log, or when the engine ended a followed one.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when the connection ended in the middle: connect again with the last cursor.
    pub async fn next(&mut self) -> Result<Option<Record>, ClientError> {
        loop {
            if let Some(record) = self.buffered()? {
                return Ok(Some(record));
            }
            if self.ended {
                return Ok(None);
            }
            self.read().await?;
        }
    }

    /// Where the log has been read to, as the engine last said; it may say so before the first record.
    pub fn cursor(&self) -> Option<&str> {
        self.events.as_ref().and_then(Events::id)
    }

    fn buffered(&mut self) -> Result<Option<Record>, ClientError> {
        loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(None),
                Err(TooLong) => return Err(self.too_long()),
            };
            let Some(events) = &mut self.events else {
                return Ok(Some(Record { cursor: None, json: String::from_utf8_lossy(line).into_owned() }));
            };
            match events.line(line) {
                Ok(Some(event)) => return Ok(Some(Record { cursor: event.id, json: event.data })),
                Ok(None) => {}
                Err(TooLong) => return Err(self.too_long()),
            }
        }
    }

    async fn read(&mut self) -> Result<(), ClientError> {
        match self.answer.body.frame().await {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    self.lines.push(bytes);
                }
                Ok(())
            }
            Some(Err(error)) => Err(broken(&self.answer.socket, &error)),
            None => {
                self.ended = true;
                // A last line without its end is a record cut short, or half an event.
                if self.lines.rest().is_empty() {
                    Ok(())
                } else {
                    Err(ClientError::Lost { path: self.answer.socket.clone() })
                }
            }
        }
    }

    fn too_long(&self) -> ClientError {
        ClientError::Protocol {
            path: self.answer.socket.clone(),
            what: format!("a record has more than {EVENT_MAX_BYTES} bytes"),
        }
    }
}
