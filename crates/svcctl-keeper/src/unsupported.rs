//! Systems that have no keeper: on Windows the engine is the only process, on macOS it is not built yet.

use crate::KeeperConfig;
use std::path::Path;
use svcctl_os::Unsupported;

/// Says that there is no keeper on this system, and gives exit code 7.
pub fn run(config: KeeperConfig) -> u8 {
    let message = Unsupported { what: "the keeper" }.to_string();
    match config.reporter {
        Some(reporter) => reporter.fail(7, &message),
        None => eprintln!("svcctl: {message}"),
    }
    7
}

/// The name of a keeper's directory of cgroups, of which there are none on this system.
pub fn subtree_name(_run_dir: &Path) -> String {
    String::new()
}
