//! The keeper: the small process that owns the services, so that the engine may die.
//!
//! [`run`] is the keeper's whole life. It starts the engine (the same binary with other arguments), does what the engine
//! asks in [`protocol::Request`]s, tells it what happens in [`protocol::Notice`]s, and starts it again when it dies.
//! [`client`] is the engine's end. Nothing is decided here but how to stay alive: when a service is started, stopped or
//! given up is the engine's.
#![forbid(unsafe_code)]

pub mod client;
mod config;
#[cfg_attr(target_os = "linux", path = "keeper/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "unsupported.rs")]
mod keeper;
pub mod protocol;
pub mod wire;

pub use config::{Containment, KeeperConfig};
pub use keeper::{run, subtree_name};

/// The environment variable that tells the engine the number of its socket to the keeper.
pub const KEEPER_FD_VARIABLE: &str = "SVCCTL_KEEPER_FD";
/// The environment variable that each service's process has: `SLOT:GENERATION`. A hint, since programs may change it.
pub const INSTANCE_VARIABLE: &str = "SVCCTL_INSTANCE";
/// The environment variable that forces a fallback, for tests: `no-cgroup`.
pub const FORCE_VARIABLE: &str = "SVCCTL_FORCE";
