//! Spools that earlier engines left: of this boot, to be recorded; of other boots, deleted, because a power loss may
//! have left anything in them.

use crate::logs::files::Files;
use crate::logs::paths::{Paths, StreamKey, parse_spool};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use svcctl_core::ident::ServiceName;

/// Spools without a stream yet.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(BTreeMap<ServiceName, BTreeSet<StreamKey>>);

impl Leftovers {
    /// Looks through the folder of spools, which is made if need be.
    pub(crate) fn find(files: &Files, paths: &Paths, boot: &str) -> io::Result<Self> {
        std::fs::create_dir_all(&paths.spools)?;
        let same_boot = std::fs::read_to_string(paths.boot()).is_ok_and(|found| found == boot);
        let mut found = Self::default();
        for entry in std::fs::read_dir(&paths.spools)? {
            let path = entry?.path();
            let Some((service, key)) = parse_spool(&path) else { continue };
            if same_boot {
                found.0.entry(service).or_default().insert(key);
            } else {
                files.remove(&path)?;
            }
        }
        if !same_boot {
            std::fs::write(paths.boot(), boot)?;
        }
        Ok(found)
    }

    /// Whether there was a spool of this stream; it is no leftover any more.
    pub(crate) fn take(&mut self, service: &ServiceName, key: StreamKey) -> bool {
        self.0.get_mut(service).is_some_and(|keys| keys.remove(&key))
    }

    /// Those of one service; they are no leftovers any more.
    pub(crate) fn take_of(&mut self, service: &ServiceName) -> BTreeSet<StreamKey> {
        self.0.remove(service).unwrap_or_default()
    }

    /// All, in order; none is left.
    pub(crate) fn take_all(&mut self) -> Vec<(ServiceName, StreamKey)> {
        let all = std::mem::take(&mut self.0);
        all.into_iter()
            .flat_map(|(service, keys)| keys.into_iter().map(move |key| (service.clone(), key)))
            .collect()
    }
}
