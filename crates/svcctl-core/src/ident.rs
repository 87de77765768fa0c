//! Who is meant: names of services, slots and the processes that fill them.

use crate::time::Mono;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The longest name of a service, in bytes.
pub const NAME_MAX_BYTES: usize = 64;

/// Why a text is not a service's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a service's name cannot be empty")]
    Empty,
    /// More than [`NAME_MAX_BYTES`].
    #[error("a service's name has at most {NAME_MAX_BYTES} characters, this one has {0}")]
    TooLong(usize),
    /// A character that is not allowed, or not in this place.
    #[error(
        "a service's name is made of letters, digits, '.', '_' and '-' and begins with a letter or digit; {0:?} has {1:?}"
    )]
    Character(String, char),
}

/// A service's name: ASCII letters, digits, `.`, `_`, `-`, beginning with a letter or digit; at most
/// [`NAME_MAX_BYTES`] bytes. It is a file name on every system, so no path separator and no leading dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Arc<str>);

impl ServiceName {
    /// Checks `text` and takes it as a name.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_MAX_BYTES {
            return Err(NameError::TooLong(text.chars().count()));
        }
        for (at, character) in text.chars().enumerate() {
            let inner = at > 0 && matches!(character, '.' | '_' | '-');
            if !(character.is_ascii_alphanumeric() || inner) {
                return Err(NameError::Character(text.to_owned(), character));
            }
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ServiceName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The place that one instance of a service fills, whatever process is in it now.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SlotKey {
    /// The service.
    pub name: ServiceName,
    /// Which of its instances, from 0.
    pub index: u32,
}

impl fmt::Display for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.index)
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The number of a process in its slot. It rises with every attempt to start and never falls during a boot of the
/// machine, so an event about an earlier process is known by it and dropped. It is at least the milliseconds since the
/// boot: so it rises also where an engine has died and nothing was kept for the slot, while output of an earlier process
/// may still be on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation(pub u64);

impl Generation {
    /// The number of an attempt at `now` that follows this one.
    #[must_use]
    pub fn next(self, now: Mono) -> Self {
        const NANOS_IN_A_MILLISECOND: u64 = 1_000_000;
        Self((self.0 + 1).max(now.0 / NANOS_IN_A_MILLISECOND))
    }
}

/// One process of one slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId {
    /// Its slot.
    pub slot: SlotKey,
    /// Its number there.
    pub generation: Generation,
}
