//! What makes a service run, reload, and what is run around it.

use super::super::template::Template;
use super::{Check, Signal};
use crate::schedule::Cron;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a service runs by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// When.
    pub timing: Timing,
    /// The IANA name of the time zone that `timing` is read in; the machine's own when absent.
    pub timezone: Option<String>,
    /// What a due time does while the last run is not over.
    pub overlap: Overlap,
    /// What happens for times that passed while nobody was there to start it.
    pub missed: Missed,
}

/// The times of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timing {
    /// At the times that match.
    Cron(Cron),
    /// So long after the last due time (the first: after it was armed); at least a second.
    Every(Duration),
}

/// What a due time does while the last run is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// Nothing; it is counted as skipped.
    Skip,
    /// One more run follows the one under way, however many times are due meanwhile.
    Queue,
    /// The run under way is stopped, then the new one starts.
    Restart,
}

/// What happens for times that passed while the daemon or the machine was down or asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Nothing.
    Skip,
    /// One run, as soon as possible, however many were missed.
    Once,
}

/// What makes a service run, other than time. A trigger that fires while it runs makes it run once more after that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What.
    pub on: TriggerOn,
}

/// What a trigger is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerOn {
    /// Something happens at a path.
    Path {
        /// A file, a directory (for what is directly in it) or a glob; absolute.
        path: String,
        /// What; at least one.
        events: Vec<PathEvent>,
    },
    /// A question is answered with yes; it is not asked during a run.
    Condition {
        /// Which.
        check: Check,
        /// How long between two attempts.
        every: Duration,
        /// How long one attempt may take.
        timeout: Duration,
    },
}

/// What can happen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathEvent {
    /// A new file is there, and whole.
    Create,
    /// A file's content is another.
    Modify,
    /// A file is gone.
    Delete,
}

/// How a service takes up a changed configuration of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// What is done.
    pub how: ReloadHow,
    /// Files, directories or globs (absolute) whose change does it; burst of changes count as one.
    pub watch: Vec<String>,
}

/// What a reload does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReloadHow {
    /// A signal to the main process.
    Signal(Signal),
    /// A program that tells it.
    Command(Hook),
    /// A restart.
    Restart,
}

/// A program that is run for a service, as the service is (user, directory, environment, limits), with
/// `SVCCTL_SERVICE`, `SVCCTL_HOOK` and, where they are known, `SVCCTL_PID`, `SVCCTL_EXIT_CODE` and
/// `SVCCTL_EXIT_SIGNAL` in its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Program and arguments.
    pub exec: Vec<Template>,
    /// When its tree is killed, and it has failed.
    pub timeout: Duration,
}

/// Programs that are run around a service, each list in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Before each spawn; a failure is a failed start.
    pub before_start: Vec<Hook>,
    /// After it is ready (a oneshot: after its spawn); a failure is told, no more.
    pub after_start: Vec<Hook>,
    /// Before the first step of a stop by command (not when it ended by itself); a failure is told, no more.
    pub before_stop: Vec<Hook>,
    /// After nothing of it is left, before what follows; a failure is told, no more.
    pub after_exit: Vec<Hook>,
}
