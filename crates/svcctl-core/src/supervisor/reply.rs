//! What a command is answered with.

use super::view::ServiceView;
use crate::ident::ServiceName;
use crate::spec::Problem;
use crate::spec::plan::Plan;

/// The one answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done, or accepted under `no_wait`: one entry for each service that the command was about, those that were
    /// taken along (dependencies of a start, dependants of a stop) included.
    Done(Vec<Done>),
    /// Accepted: what was (or, asked for without doing it, would be) done.
    Applied(Plan),
    /// The state asked for.
    Views(Vec<ServiceView>),
    /// Nothing was done.
    Refused(Refusal),
    /// Tried, and at least one failed. `left` go on being tried where their policy says so.
    Failed(Vec<Failure>),
    /// The deadline passed; these are not done yet. The intent stays.
    TimedOut(Vec<Left>),
    /// A later command wants the opposite.
    Superseded(ServiceName),
}

/// What came of a command for one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub name: ServiceName,
    /// Whether anything had to be changed for it.
    pub changed: bool,
    /// Whether it was taken along rather than named.
    pub taken_along: bool,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such service; with the nearest known name, if one is near.
    NoSuchService(ServiceName, Option<ServiceName>),
    /// Installed with another specification: the keys that differ, each `path: old → new`.
    Differs(ServiceName, Vec<String>),
    /// Running services depend on it.
    Needed(ServiceName, Vec<ServiceName>),
    /// The specification does not fit the set (unknown dependency, cycle).
    Invalid(Vec<Problem>),
    /// What was asked for has no meaning for this service, for this reason: `has no reload; …`.
    NotApplicable(ServiceName, String),
    /// It is held, with the reason that was given.
    Held(ServiceName, String),
    /// The engine is ending.
    ShuttingDown,
}

/// A service that did not come to where it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub name: ServiceName,
    /// Why, as a sentence fragment.
    pub why: String,
    /// What happens next, such as `the next attempt is in 2 s`; `None` when nothing does.
    pub next: Option<String>,
}

/// A service that is not yet where it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub name: ServiceName,
    /// What it waits for, as a sentence fragment.
    pub why: String,
    /// Processes that are left, for a stop.
    pub pids: Vec<u32>,
}
