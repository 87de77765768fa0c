//! `GET /v1/services/{name}/processes`: the tree under a service's main process.

use super::Problem;
use crate::answer::failure;
use svcctl_os::tree;
use svckit::control::types::{FailureKind, Process, Processes};

/// The tree under `pid`; empty without one.
pub(super) async fn tree(pid: Option<u32>) -> Result<Processes, Problem> {
    let Some(pid) = pid else { return Ok(Processes::default()) };
    match tokio::task::spawn_blocking(move || tree::read(pid)).await {
        Ok(Ok(found)) => Ok(Processes { processes: found.into_iter().map(shown).collect() }),
        Ok(Err(error)) => Err(failure(FailureKind::Unsupported, error.to_string()).into()),
        Err(_) => {
            Err(failure(FailureKind::Failed, "failed to read the processes: the engine is ending").into())
        }
    }
}

fn shown(process: tree::Process) -> Process {
    let tree::Process { pid, parent, depth, command, memory_bytes, cpu_ms } = process;
    Process { pid, parent, depth, command, memory_bytes, cpu_ms }
}
