//! When something is due: cron expressions, fixed intervals, time zones and their changes of summer time.
//!
//! Pure: the wall clock, the time zones and what ran last are arguments.

mod cron;
mod due;
mod field;

pub use crate::spec::model::Timing;
pub use cron::{Cron, CronError};
pub use due::{count_due, next_due};

use jiff::tz::TimeZone;
use std::fmt;
use std::sync::Arc;

/// Where time zones come from: the shell gives the system's database or one of its own.
pub trait Zones: Send + Sync {
    /// The zone of this IANA name; the machine's own for `None`. `None` if there is no such zone.
    fn zone(&self, name: Option<&str>) -> Option<TimeZone>;
}

/// Time zones to be shared.
#[derive(Clone)]
pub struct SharedZones(pub Arc<dyn Zones>);

impl fmt::Debug for SharedZones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedZones")
    }
}

/// A place where every zone is UTC, for what needs none.
#[derive(Clone, Copy, Debug)]
pub struct OnlyUtc;

impl Zones for OnlyUtc {
    fn zone(&self, _name: Option<&str>) -> Option<TimeZone> {
        Some(TimeZone::UTC)
    }
}
