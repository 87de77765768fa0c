//! One thing that is wrong with a specification.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that is wrong, where it stands, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: keys and indexes from the root, such as `restart.backoff.max` or `exec[0]`; empty for the whole.
    pub path: String,
    /// Which part of that place is meant.
    #[serde(default)]
    pub which: Which,
    /// What is wrong and what would be right, as a lowercase sentence fragment.
    pub message: String,
}

/// Which part of a place in a document is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The key itself, such as an unknown one.
    Key,
    /// Its value; or, where there is none, that it is missing.
    #[default]
    Value,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}
