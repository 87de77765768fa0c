//! Systems whose table is not read yet.

use super::Process;
use crate::Unsupported;

pub(super) fn read(_main: u32) -> Result<Vec<Process>, Unsupported> {
    Err(Unsupported { what: "showing the processes of a service" })
}
