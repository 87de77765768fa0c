//! What is watched: a path, or a pattern of paths.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin at the root, and what it is relative to is not known here.
    #[error("watch {0:?}: give the whole path, from the root on")]
    NotAbsolute(String),
    /// A wildcard is malformed.
    #[error("watch {pattern:?}: {what}; write a literal bracket or asterisk as [[] or [*]")]
    Malformed {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A file, a directory, or a pattern that many paths match.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What comes before the first wildcard.
    pub(super) base: PathBuf,
    /// What follows, one name a step; nothing for a plain path.
    pub(super) steps: Vec<Step>,
}

/// A part of a pattern between two separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A name without wildcards.
    Literal(String),
    /// A name with wildcards. It does not match names that begin with a dot unless it does so itself.
    Name(glob::Pattern),
    /// `**`: any number of directories, none included. Links to directories are not followed.
    Deep,
}

impl Pattern {
    /// A path as it is: a file, or a directory, which stands for what is in it (but not deeper, and without names that
    /// begin with a dot). It need not exist.
    ///
    /// # Errors
    /// [`PatternError::NotAbsolute`].
    pub fn path(path: &Path) -> Result<Self, PatternError> {
        if !path.is_absolute() {
            return Err(PatternError::NotAbsolute(path.display().to_string()));
        }
        Ok(Self { base: path.components().collect(), steps: Vec::new() })
    }

    /// A path in which `*`, `?`, `[a-z]` stand for parts of a name and `**` for directories.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let mut pattern = Self::path(Path::new(text))?;
        let mut base = PathBuf::new();
        for component in pattern.base.components() {
            let name = component.as_os_str().to_string_lossy();
            let is_wild = matches!(component, Component::Normal(_)) && name.contains(['*', '?', '[']);
            if pattern.steps.is_empty() && !is_wild {
                base.push(component);
            } else if name == "**" {
                pattern.steps.push(Step::Deep);
            } else if is_wild {
                let wild = glob::Pattern::new(&name)
                    .map_err(|error| PatternError::Malformed { pattern: text.to_owned(), what: error.msg })?;
                pattern.steps.push(Step::Name(wild));
            } else {
                pattern.steps.push(Step::Literal(name.into_owned()));
            }
        }
        pattern.base = base;
        Ok(pattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = self.base.clone();
        for step in &self.steps {
            path.push(match step {
                Step::Literal(name) => name.as_str(),
                Step::Name(pattern) => pattern.as_str(),
                Step::Deep => "**",
            });
        }
        path.display().fmt(f)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({self})")
    }
}
