//! The time zones of this machine: its own database (`/usr/share/zoneinfo`), else the copy that comes along, so that a
//! container without one reads schedules as every other machine.

use jiff::tz::{TimeZone, TimeZoneDatabase, db};
use svcctl_core::schedule::Zones;

/// Zones by name from the machine, and its own zone from `TZ` or `/etc/localtime`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineZones;

impl Zones for MachineZones {
    fn zone(&self, name: Option<&str>) -> Option<TimeZone> {
        match name {
            Some(name) => db().get(name).or_else(|_| TimeZoneDatabase::bundled().get(name)).ok(),
            // A machine that does not say has UTC, as every program there sees it.
            None => Some(TimeZone::try_system().unwrap_or(TimeZone::UTC)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_its_name_whatever_the_machine_has() {
        let zone = MachineZones.zone(Some("Europe/Prague")).unwrap();
        let summer: jiff::Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(zone.to_offset(summer).seconds(), 7200);
        assert!(MachineZones.zone(Some("Europe/Atlantis")).is_none());
        assert!(MachineZones.zone(None).is_some());
        assert!(TimeZoneDatabase::bundled().get("Asia/Kathmandu").is_ok(), "the copy does not come along");
    }
}
