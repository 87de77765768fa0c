//! The states of a service, and the words and exit codes that people see for them.
//!
//! What is wanted (`Desired`) and where a slot is (`Phase`) are two things. With `Desired` Down a slot is `Stopping`
//! until no process is left, then `Stopped`; everything else below happens while it is Up.
//!
//! ```text
//!             start                      gates open                exec succeeded, ready
//!  Stopped ───────────► Waiting ───────────────────────► Starting ───────────────────────► Running
//!     ▲                  ▲  ▲                            ▲  │  │                           │  │  │
//!     │                  │  │ a gate is closed           │  │  │ ended, no process         │  │  │
//!     │                  │  └────────────┬───────────────┘  │  ├───────────────────────────┘  │  │
//!     │                  │   the pause   │                  │  ▼                              │  │
//!     │                  │   is over ┌───┴─────┐ restart    │  the restart policy decides:    │  │
//!     │                  └───────────┤ Backoff │◄───────────┼── at once ► Starting/Waiting    │  │
//!     │                              └─────────┘ later      │   later   ► Backoff             │  │
//!     │                                                     │   never   ► Failed              │  │
//!     │ stop: at once from Waiting, Backoff,                │   success ► Completed           │  │
//!     │ Failed, Completed                                   │                                 │  │
//!     │                                                     ▼ stop, start timeout,            │  │
//!     └───────────────────────────────────────────────── Stopping ◄── tree outlived its main ─┴──┘
//!        no process left, wanted down                       │         process; restart
//!                                                           └► wanted up: as after an exit, or a fresh start
//! ```
//!
//! The table of [`Phase::may_become`], `x` where the transition exists (the column is where it leads):
//!
//! ```text
//!            Stopped Scheduled Waiting Starting Running Stopping Backoff Failed Completed
//! Stopped       .        x        x       x        .       .        .       .       .
//! Scheduled     x        .        x       x        .       .        .       .       .
//! Waiting       x        x        .       x        .       .        .       .       .
//! Starting      x        x        x       x        x       x        x       x       x
//! Running       x        x        x       x        .       x        x       x       x
//! Stopping      x        x        x       x        .       .        x       x       x
//! Backoff       x        x        x       x        .       .        .       .       .
//! Failed        x        x        x       x        .       .        .       .       .
//! Completed     x        x        x       x        .       .        .       .       .
//! ```
//!
//! A job (a service with a schedule or a trigger) that is wanted up rests in `Scheduled` instead of `Failed` and
//! `Completed`, and leaves it for a run. What is run once while it is wanted down ends in `Stopped`.

use crate::ident::{ServiceName, SlotKey};
use crate::time::Now;
use serde::{Deserialize, Serialize};

/// What is wanted of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    /// It should run (or complete).
    Up,
    /// It should not.
    Down,
}

/// Which state a slot is in, without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Wanted down, no process.
    Stopped,
    /// Wanted up, and waits for its schedule or trigger.
    Scheduled,
    /// Wanted up; a gate is closed.
    Waiting,
    /// A process is being made, or is there and not ready yet.
    Starting,
    /// The process is there, and ready (or has been).
    Running,
    /// The process, or what is left of its tree, is being ended.
    Stopping,
    /// Wanted up; the next attempt comes at a known time.
    Backoff,
    /// Given up; `reset`, `start` or `restart` leads out of it.
    Failed,
    /// A oneshot ended with success.
    Completed,
}

impl Phase {
    /// Whether a slot may go from this phase to `to`: the table at the head of this file.
    pub fn may_become(self, to: Self) -> bool {
        match self {
            Self::Stopped => matches!(to, Self::Scheduled | Self::Waiting | Self::Starting),
            Self::Scheduled => matches!(to, Self::Stopped | Self::Waiting | Self::Starting),
            Self::Waiting => matches!(to, Self::Stopped | Self::Scheduled | Self::Starting),
            Self::Starting => true,
            Self::Running => to != Self::Running,
            Self::Stopping => !matches!(to, Self::Running | Self::Stopping),
            Self::Backoff | Self::Failed | Self::Completed => {
                matches!(to, Self::Stopped | Self::Scheduled | Self::Waiting | Self::Starting)
            }
        }
    }

    /// The word that people see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting | Self::Starting | Self::Backoff => "STARTING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Failed => "ERROR",
            Self::Stopped => "STOPPED",
            Self::Scheduled => "SCHEDULED",
            Self::Completed => "COMPLETED",
        }
    }

    /// The exit code of `svcctl status` for it: 0 running or completed, 3 not running, 1 failed.
    pub fn status_exit_code(self) -> u8 {
        match self {
            Self::Running | Self::Completed | Self::Scheduled => 0,
            Self::Failed => 1,
            Self::Stopped | Self::Waiting | Self::Starting | Self::Stopping | Self::Backoff => 3,
        }
    }
}

/// A transition that is not in the table was refused: a defect of this crate, of which the shell tells in its log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("take {slot} from {from:?} to {to:?}, which is no transition ({why})")]
pub struct IllegalTransition {
    /// Whose.
    pub slot: SlotKey,
    /// Where it stays.
    pub from: Phase,
    /// Where it was to go.
    pub to: Phase,
    /// Why it was to go there.
    pub why: String,
}

/// One change of state, as observers, the log and (later) metrics and alerts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Whose.
    pub slot: SlotKey,
    /// When.
    pub at: Now,
    /// The process it is about, if there is one.
    pub pid: Option<u32>,
    /// From where.
    pub from: Phase,
    /// To where.
    pub to: Phase,
    /// Why, as a sentence without a full stop: `killed by SIGKILL; restart 3 in 4 s`.
    pub why: String,
}

/// A gate that holds back a spawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Gate {
    /// A service that is not yet as it must be.
    Dependency {
        /// Which.
        on: ServiceName,
        /// What is missing, such as `is not ready`.
        missing: String,
    },
    /// A condition of `start.when` that does not hold.
    Condition {
        /// Which, as text: `tcp 127.0.0.1:5432`.
        check: String,
        /// Why it does not hold, as far as it was asked already.
        missing: Option<String>,
    },
    /// Somebody holds it.
    Hold {
        /// What they said; may be empty.
        reason: String,
    },
}
