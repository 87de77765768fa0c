//! What happened, read from the files while no engine runs.

use super::failure;
use crate::events::{Query, window};
use svcctl_os::paths::Paths;
use svckit::control::types::{Event, Failure, FailureKind};

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventsWanted {
    /// The last so many of what is asked for; all when absent.
    pub lines: Option<usize>,
    /// Only those since this time.
    pub since: Option<jiff::Timestamp>,
    /// Only those of this service.
    pub service: Option<String>,
}

/// The events that stand in the files, the oldest first; none where no daemon ever ran.
///
/// # Errors
/// `Denied` or `Failed`, for a file that cannot be read.
pub fn events(paths: &Paths, wanted: EventsWanted) -> Result<Vec<Event>, Failure> {
    let EventsWanted { lines, since, service } = wanted;
    let query = Query { lines, since, service, after: None };
    let (found, _) = window(&paths.events(), &query).map_err(|error| {
        let kind = if error.is_denied() { FailureKind::Denied } else { FailureKind::Failed };
        failure(kind, format!("failed to {error}"))
    })?;
    Ok(found.into_iter().map(|(_, event)| event).collect())
}
