//! The engine of svcctl: one process that decides (by the core) and acts (by the keeper).
//!
//! Threads: the *driver* owns the core's supervisor and never waits for anything but its queue; the *store* makes
//! durable; the *logs* thread moves every program's output; a reader takes the keeper's notices; the *control plane*
//! (API, probes) runs on the first thread, in a small asynchronous runtime. They speak by queues only, and a panic or
//! a stall of one that is not the driver delays no restart.
#![forbid(unsafe_code)]

mod answer;
mod api;
mod auxiliary;
mod barrier;
mod driver;
mod events;
mod execute;
mod image;
mod keeper_link;
mod life;
mod lifeline;
pub mod logs;
mod names;
pub mod offline;
mod offload;
mod pending;
mod prepare;
mod probes;
mod queue;
mod roles;
mod run_mode;
mod say;
mod settings;
mod store;
mod watches;
mod zones;

use svcctl_keeper::client::Link;
use svcctl_os::paths::Paths;

/// How an engine is to run.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where everything is.
    pub paths: Paths,
    /// `daemon`, or `run-NAME`.
    pub id: String,
    /// Whether its endpoint is the system's: every local user may look then (else only the owner and root).
    pub system: bool,
    /// For `svcctl run`: the one specification (a JSON document), which is not stored.
    pub run_spec: Option<String>,
    /// Whether that service's output is shown on standard output and error as it comes.
    pub echo: bool,
}

/// Runs an engine under the keeper that started this process, until the daemon ends.
/// Gives the process's exit code; the daemon's own is told to the keeper.
pub fn main(config: EngineConfig) -> u8 {
    let (keeper, receiver) = match Link::from_environment() {
        Ok(halves) => halves,
        Err(error) => {
            say::error(&format!("failed to {error}"));
            return 1;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say::error(&format!("failed to start the control plane: {error}"));
            return 1;
        }
    };
    let code = runtime.block_on(life::live(config, keeper, receiver));
    // What still runs there (a follower of a log, a name being looked up) must not hold up the end.
    runtime.shutdown_background();
    code
}
