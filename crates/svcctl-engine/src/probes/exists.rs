//! Whether there is something at a path.

use super::Asker;
use crate::logs::reason;
use std::io::ErrorKind;
use svcctl_core::spec::Template;
use svcctl_core::supervisor::action::Probe;

/// One attempt. A symbolic link to nothing is nothing.
pub(super) async fn ask(asker: &Asker, probe: &Probe, path: &Template) -> Result<(), String> {
    let meant = asker.text(probe, "exists", path).await?;
    let looked = asker.files.call(probe, move || std::fs::metadata(meant).map(drop)).await;
    match looked {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(format!("there is nothing at {path}"))
        }
        Ok(Err(error)) => Err(format!("{path} cannot be looked at: {}", reason(&error))),
        Err(why) => Err(format!("{path} could not be looked at: {why}")),
    }
}
