//! Why a text is not a document.

use super::document::DOCUMENT_MAX_BYTES;
use super::lines::Lines;
use super::problems::Located;
use std::ops::Range;

/// Why a text is not a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is longer than [`DOCUMENT_MAX_BYTES`].
    #[error("read the document: it has {0} bytes, and at most {DOCUMENT_MAX_BYTES} are taken")]
    TooLong(usize),
    /// Something in it is not of the format, or not what is taken here.
    #[error("read the document at line {line}, column {column}: {message}")]
    At {
        /// The line, from 1.
        line: u64,
        /// The character in the line, from 1.
        column: u64,
        /// How many characters it concerns.
        length: u64,
        /// What is wrong there.
        message: String,
    },
    /// The same, where no place is known.
    #[error("read the document: {0}")]
    Whole(String),
}

impl ParseError {
    /// The error as a problem at its place, to be shown by [`super::render_problems`].
    pub fn located(&self) -> Located {
        match self {
            Self::TooLong(_) => {
                // The message is a fragment after "failed to"; here it stands alone.
                let message = self.to_string().replacen("read the document: it", "the document", 1);
                Located { line: 0, column: 0, length: 0, message }
            }
            Self::At { line, column, length, message } => {
                Located { line: *line, column: *column, length: *length, message: message.clone() }
            }
            Self::Whole(message) => Located { line: 0, column: 0, length: 0, message: message.clone() },
        }
    }
}

/// What a reader found wrong, by bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where, if that is known.
    pub(super) bytes: Option<Range<usize>>,
    /// What.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn at(bytes: Range<usize>, message: impl Into<String>) -> Self {
        Self { bytes: Some(bytes), message: message.into() }
    }

    /// The error for users; `lines` are those of the text that was read.
    pub(super) fn explain(self, lines: &Lines) -> ParseError {
        let Some(bytes) = self.bytes else { return ParseError::Whole(self.message) };
        let (line, column) = lines.position(bytes.start);
        let length = lines.length_in_line(&bytes).max(1);
        ParseError::At { line, column, length, message: self.message }
    }
}
