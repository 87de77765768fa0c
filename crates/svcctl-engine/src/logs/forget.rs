//! Forgetting a service where no logs thread runs.

use super::paths::{Paths, parse_spool};
use std::path::PathBuf;
use svcctl_core::ident::ServiceName;

/// Deletes a service's checkpoint and spools; its log stays. `logs` and `spools` are the folders of all services.
pub(crate) fn forget_files(logs: PathBuf, spools: PathBuf, service: &ServiceName) {
    let paths = Paths { logs, spools };
    let found = std::fs::read_dir(&paths.spools).into_iter().flatten().flatten().map(|entry| entry.path());
    let of_service = found.filter(|path| parse_spool(path).is_some_and(|(name, _)| name == *service));
    for path in of_service.chain([paths.checkpoint(service)]) {
        // What is not there needs no deletion; what cannot be deleted means nothing without its service.
        drop(std::fs::remove_file(path));
    }
}
