//! One name, one engine: what `svcctl run` runs cannot be installed meanwhile.

use crate::answer::failure;
use svcctl_core::ident::ServiceName;
use svcctl_os::lock::Lock;
use svcctl_os::paths::Paths;
use svckit::control::types::{Failure, FailureKind};

/// Makes sure that no `svcctl run` has this name now.
///
/// # Errors
/// `Conflict`, with the process that has it; `Failed` when it cannot be known.
pub(crate) fn require_free(paths: &Paths, name: &ServiceName) -> Result<(), Failure> {
    match Lock::holder(&paths.service_lock(name.as_str())) {
        Ok(None) => Ok(()),
        Ok(Some(holder)) => Err(failure(
            FailureKind::Conflict,
            format!(
                "{holder} under svcctl run, and would write to the same log; end that first, or choose another name"
            ),
        )),
        Err(error) => Err(failure(FailureKind::Failed, format!("failed to {error}"))),
    }
}
