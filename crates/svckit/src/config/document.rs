//! Text to a tree of values that knows where each of them stands.
//!
//! Invariants, in each of the three formats: a key stands once in its mapping; numbers are finite; a small text cannot
//! become a large tree. Merge keys (`<<`) and tags of YAML are refused: a reader of the file should see what is in it.

use super::error::{Fault, ParseError};
use super::format::DocumentFormat;
use super::lines::Lines;
use super::places::{Of, Place, Spot, Which};
use super::{json, toml, yaml};
use serde_json::Value;
use std::ops::Range;

/// The longest text, in bytes.
pub const DOCUMENT_MAX_BYTES: usize = 1024 * 1024;
/// How deep mappings and lists may be nested.
pub const DOCUMENT_MAX_DEPTH: usize = 32;
/// How many values a text may have, those that aliases expand to included.
pub const DOCUMENT_MAX_NODES: usize = 50_000;
/// How many documents a text may have.
pub const DOCUMENTS_MAX: usize = 4096;

/// What editors of Windows write in front.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A tree of values, its text and its places there.
#[derive(Clone, Debug)]
pub struct Document {
    /// The tree.
    pub value: Value,
    /// The whole text, of which the document may be a part, without a byte order mark.
    text: Lines,
    /// The document's part of it.
    part: Range<usize>,
    /// How many bytes of byte order mark stood in front of `text`.
    skipped: usize,
    root: Spot,
}

/// What a reader makes of a document.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) value: Value,
    pub(super) root: Spot,
    /// The bytes of the text that belong to it.
    pub(super) part: Range<usize>,
}

/// Reads one document as YAML, of which JSON is nearly a part; [`Document::parse`] reads more and knows places. An empty
/// text is `Value::Null`.
///
/// # Errors
/// [`ParseError`] says what is wrong, and where.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    Document::parse(text, DocumentFormat::Yaml).map(|document| document.value)
}

impl Document {
    /// Reads a text that has one document. An empty text of YAML is `Value::Null`, of TOML an empty mapping.
    ///
    /// # Errors
    /// [`ParseError`] says what is wrong, and where.
    pub fn parse(text: &str, format: DocumentFormat) -> Result<Self, ParseError> {
        let (bare, skipped) = accept(text)?;
        let text = Lines::of(bare);
        let read = match format {
            DocumentFormat::Yaml => yaml::read(&text),
            DocumentFormat::Json => json::read(bare),
            DocumentFormat::Toml => toml::read(bare),
        };
        let read = read.map_err(|fault| fault.explain(&text))?;
        Ok(Self { value: read.value, text, part: read.part, skipped, root: read.root })
    }

    /// Reads a text that may have many documents: of YAML with `---` between them, of JSON one after the other. Empty
    /// ones are skipped.
    ///
    /// # Errors
    /// [`ParseError`] says what is wrong first, and where.
    pub fn parse_all(text: &str, format: DocumentFormat) -> Result<Vec<Self>, ParseError> {
        let (bare, skipped) = accept(text)?;
        let text = Lines::of(bare);
        let reads = match format {
            DocumentFormat::Yaml => yaml::read_all(&text),
            DocumentFormat::Json => json::read_all(bare),
            DocumentFormat::Toml => toml::read(bare).map(|read| vec![read]),
        };
        let reads = reads.map_err(|fault| fault.explain(&text))?;
        let documents = reads.into_iter().filter(|read| !read.value.is_null()).map(|read| {
            let Read { value, root, part } = read;
            Self { value, text: text.clone(), part, skipped, root }
        });
        Ok(documents.collect())
    }

    /// Reads a text that comes without a name, as [`Self::parse_all`] does: what looks like JSON and is not is tried as
    /// YAML, which has comments and more.
    ///
    /// # Errors
    /// [`ParseError`] as in [`Self::parse_all`], of the format that the text looks like.
    pub fn parse_all_detected(text: &str) -> Result<Vec<Self>, ParseError> {
        match DocumentFormat::detect(text) {
            DocumentFormat::Json => Self::parse_all(text, DocumentFormat::Json)
                .or_else(|error| Self::parse_all(text, DocumentFormat::Yaml).map_err(|_| error)),
            format @ (DocumentFormat::Yaml | DocumentFormat::Toml) => Self::parse_all(text, format),
        }
    }

    /// The part of the text that is this document, comments included.
    pub fn source(&self) -> &str {
        &self.text.text()[self.part.clone()]
    }

    /// The line of the whole text, from 1, with which [`Self::source`] begins.
    pub fn first_line(&self) -> u64 {
        self.text.position(self.part.start).0
    }

    /// Where the key or the value at `path` stands in the whole text. Paths are keys joined by dots, with `[0]` for the
    /// first of a list; an empty one is the whole document. The place of what is not there is its nearest parent's key,
    /// or the beginning of the document. A value that an alias of YAML brings stands where the alias does.
    pub fn place_of(&self, path: &str, which: Which) -> Place {
        let found = self.root.find(path);
        let value = &found.value.bytes;
        // The parent without a key is a whole list or mapping: its beginning is enough.
        let beginning = value.start..value.start + usize::from(!value.is_empty());
        let (bytes, of) = match (which, found.key) {
            (Which::Key, Some(key)) if found.whole => (key.clone(), Of::Key),
            // Nothing is written as the value: its key is shown.
            (Which::Value, Some(key)) if found.whole && value.is_empty() => (key.clone(), Of::Key),
            (Which::Value | Which::Key, _) if found.whole && !path.is_empty() => (value.clone(), Of::Value),
            (Which::Value | Which::Key, None) if found.whole => (beginning, Of::Value),
            (Which::Value | Which::Key, Some(key)) => (key.clone(), Of::Parent),
            (Which::Value | Which::Key, None) => (beginning, Of::Parent),
        };
        self.place(bytes, of)
    }

    fn place(&self, bytes: Range<usize>, of: Of) -> Place {
        let (line, column) = self.text.position(bytes.start);
        let len_chars = self.text.length_in_line(&bytes).max(1);
        Place { line, column, len_chars, bytes: bytes.start + self.skipped..bytes.end + self.skipped, of }
    }
}

/// The text without a byte order mark, and the mark's length.
fn accept(text: &str) -> Result<(&str, usize), ParseError> {
    if text.len() > DOCUMENT_MAX_BYTES {
        return Err(ParseError::TooLong(text.len()));
    }
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    Ok((bare, text.len() - bare.len()))
}

/// Counts the values of a text against [`DOCUMENT_MAX_NODES`] and [`DOCUMENT_MAX_DEPTH`], where the parser does not.
#[derive(Default)]
pub(super) struct Limits {
    nodes: usize,
}

impl Limits {
    /// Counts the value at `bytes`, inside `depth` others.
    pub(super) fn count(&mut self, bytes: &Range<usize>, depth: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > DOCUMENT_MAX_NODES {
            return Err(Fault::at(bytes.clone(), "the document has too many parts"));
        }
        if depth > DOCUMENT_MAX_DEPTH {
            let message = format!("this is nested deeper than {DOCUMENT_MAX_DEPTH} levels");
            return Err(Fault::at(bytes.start..bytes.start + 1, message));
        }
        Ok(())
    }
}
