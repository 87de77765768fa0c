//! One thing that is wrong with a specification.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that is wrong, where it stands, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: keys and indexes from the root, such as `restart.backoff.max` or `exec[0]`; empty for the whole.
    pub path: String,
    /// What is wrong and what would be right, as a lowercase sentence fragment.
    pub message: String,
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
