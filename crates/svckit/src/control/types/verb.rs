//! What can be done with services, and its words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be done with services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Want them up.
    Start,
    /// Want them down.
    Stop,
    /// Stop and start them.
    Restart,
    /// Let them take up their own changed configuration.
    Reload,
    /// Clear a failure.
    Reset,
    /// Start nothing of them any more.
    Hold,
    /// Take back a hold.
    Unhold,
    /// Start them at boot.
    Enable,
    /// Do not start them at boot.
    Disable,
    /// Send a signal to their main processes.
    Signal,
    /// Stop and forget them.
    Uninstall,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 11] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Reload,
        Self::Reset,
        Self::Hold,
        Self::Unhold,
        Self::Enable,
        Self::Disable,
        Self::Signal,
        Self::Uninstall,
    ];

    /// The word in the API's paths.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Reset => "reset",
            Self::Hold => "hold",
            Self::Unhold => "unhold",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Signal => "signal",
            Self::Uninstall => "uninstall",
        }
    }

    /// The verb of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}
