//! Systems for which no process machine is built yet.

use crate::Unsupported;

/// Says that there is no exec helper on this system, and gives exit code 7.
pub fn helper_main() -> u8 {
    eprintln!("svcctl: {}", Unsupported { what: "the exec helper" });
    7
}
