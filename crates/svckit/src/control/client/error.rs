//! What can go wrong between a client and its engine.

use crate::control::types::{Failure, FailureKind};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens: there is no socket, or a dead engine left it.
    #[error("reach the daemon: nothing listens at {}", path.display())]
    NoDaemon {
        /// The socket.
        path: PathBuf,
    },
    /// The socket may not be used by this user.
    #[error("reach the daemon: the permissions of {} do not let you in", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// The system refused the connection for another reason.
    #[error("connect to {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The connection ended before the answer did. What was asked for may have been done.
    #[error("hear the daemon out: the connection to {} ended in the middle", path.display())]
    Lost {
        /// The socket.
        path: PathBuf,
    },
    /// There was no answer in time. What was asked for may have been done.
    #[error("hear from the daemon: {} gave no answer within {} s", path.display(), after.as_secs())]
    Late {
        /// The socket.
        path: PathBuf,
        /// How long was waited.
        after: Duration,
    },
    /// The engine answered, and its answer is no.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The answer is not one of this API.
    #[error("understand the answer from {}: {what}", path.display())]
    Protocol {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl ClientError {
    /// The kind of failure that this is, which decides the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NoDaemon { .. } => FailureKind::NoDaemon,
            Self::Denied { .. } => FailureKind::Denied,
            Self::Late { .. } => FailureKind::TimedOut,
            Self::Connect { .. } | Self::Lost { .. } | Self::Protocol { .. } => FailureKind::Failed,
            Self::Refused(failure) => failure.kind,
        }
    }

    /// Whether the engine was not there, or went away: a next one may answer the same question.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::NoDaemon { .. } | Self::Lost { .. } => true,
            Self::Refused(failure) => failure.kind == FailureKind::NoDaemon,
            Self::Denied { .. } | Self::Connect { .. } | Self::Late { .. } | Self::Protocol { .. } => false,
        }
    }
}
