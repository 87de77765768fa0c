//! What a keeper is told when it begins.

use std::ffi::OsString;
use std::path::PathBuf;
use svcctl_os::background::Reporter;
use svcctl_os::lock::Lock;

/// How the processes of a service are kept together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Containment {
    /// By cgroup where there is one, else by walking the process table.
    #[default]
    Auto,
    /// By walking the process table. The environment variable [`crate::FORCE_VARIABLE`] set to `no-cgroup` does the same.
    WalkOnly,
}

/// What a keeper is told when it begins.
#[derive(Debug)]
pub struct KeeperConfig {
    /// The engine's arguments after the program's name, such as `["__engine", "--root", "/srv"]`.
    pub engine_args: Vec<OsString>,
    /// The directory of sockets and locks; gives the cgroups of this keeper their name.
    pub run_dir: PathBuf,
    /// What keeps a second daemon away, held until the keeper ends.
    pub lock: Option<Lock>,
    /// Who waits to hear whether the daemon serves.
    pub reporter: Option<Reporter>,
    /// Whether the engine has the keeper's standard streams; else it has `/dev/null`.
    pub inherit_stdio: bool,
    /// How the processes of a service are kept together.
    pub containment: Containment,
}
