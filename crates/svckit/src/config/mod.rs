//! Configuration documents: text to and from a tree of values, and what is wrong with a text shown at its place.
//!
//! A document is YAML, JSON or TOML ([`DocumentFormat`]). [`Document::parse`] reads one and remembers the place of each
//! key and value, within [limits](DOCUMENT_MAX_BYTES) that no honest document meets; [`Document::place_of`] finds the
//! place again by the path that a check of the tree names, and [`render_problems`] shows it. [`render_as`] writes a
//! tree to be read by people, its keys in the order they were given. What the keys mean is not known here.

mod document;
mod error;
mod format;
mod json;
mod lines;
mod places;
mod problems;
mod toml;
mod write;
mod yaml;

pub use document::{
    DOCUMENT_MAX_BYTES, DOCUMENT_MAX_DEPTH, DOCUMENT_MAX_NODES, DOCUMENTS_MAX, Document, parse,
};
pub use error::ParseError;
pub use format::DocumentFormat;
pub use places::{Of, Place, Which};
pub use problems::{InFile, Located, Style, render_problems};
pub use write::{RenderError, render, render_as};

#[cfg(test)]
mod tests;
