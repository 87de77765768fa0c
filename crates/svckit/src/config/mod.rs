//! Configuration documents: text to and from a tree of values.
//!
//! A document is YAML, of which JSON is a part. [`parse`] reads one with line and column for what is wrong, within
//! [limits](DOCUMENT_MAX_BYTES) that no honest document meets; [`render`] writes one to be read by people, its keys in
//! the order they were given. What the keys mean is not known here.

mod read;
mod write;

pub use read::{DOCUMENT_MAX_BYTES, DOCUMENT_MAX_DEPTH, DOCUMENT_MAX_NODES, ParseError, parse};
pub use write::{RenderError, render};
