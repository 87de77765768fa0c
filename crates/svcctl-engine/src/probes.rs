//! Readiness probes: asked by the control plane, decided upon by the core.
//!
//! The driver notes what is to be asked and goes on; a task here makes it so. There is no queue between them that
//! could fill: what is wanted is a table, and a change of it a wake-up.

use crate::queue::{DriverHandle, Input};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use svcctl_core::ident::InstanceId;
use svcctl_core::spec::model::{Check, TcpTarget};
use svcctl_core::supervisor::event::{Event, ProbeResult};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// One question, to be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// What to ask.
    pub(crate) check: Check,
    /// The pause between two attempts.
    pub(crate) interval: Duration,
    /// The longest that one attempt takes.
    pub(crate) timeout: Duration,
}

/// What is to be asked.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    wanted: Mutex<BTreeMap<InstanceId, Probe>>,
    changed: Notify,
}

impl Probes {
    /// Ask this about `id` from now on.
    pub(crate) fn start(&self, id: InstanceId, probe: Probe) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(id, probe);
        self.changed.notify_one();
    }

    /// Ask nothing more about `id`.
    pub(crate) fn stop(&self, id: &InstanceId) {
        if self.wanted.lock().unwrap_or_else(PoisonError::into_inner).remove(id).is_some() {
            self.changed.notify_one();
        }
    }

    /// Keeps one task for each wanted probe, for ever.
    pub(crate) async fn run(self: Arc<Self>, driver: DriverHandle) {
        let mut running: BTreeMap<InstanceId, JoinHandle<()>> = BTreeMap::new();
        loop {
            let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            running.retain(|id, task| {
                let keep = wanted.contains_key(id);
                if !keep {
                    task.abort();
                }
                keep
            });
            for (id, probe) in wanted {
                running.entry(id.clone()).or_insert_with(|| tokio::spawn(ask_on(id, probe, driver.clone())));
            }
            self.changed.notified().await;
        }
    }
}

/// Asks until it is aborted.
async fn ask_on(id: InstanceId, probe: Probe, driver: DriverHandle) {
    loop {
        let answered = tokio::time::timeout(probe.timeout, ask(&probe.check)).await;
        let result = match answered {
            Ok(Ok(())) => ProbeResult::Ok,
            Ok(Err(why)) => ProbeResult::Failed(why),
            Err(_) => ProbeResult::Failed(format!(
                "no answer from {} within {:?}",
                target(&probe.check),
                probe.timeout
            )),
        };
        driver.offer(Input::Event(Event::Probe(id.clone(), result)));
        // real delay: the pause that the specification asks for.
        tokio::time::sleep(probe.interval).await;
    }
}

async fn ask(check: &Check) -> Result<(), String> {
    let Check::Tcp(address) = check;
    let connected = match address {
        TcpTarget::Address(address) => TcpStream::connect(address).await,
        TcpTarget::Name(host, port) => TcpStream::connect((host.as_str(), *port)).await,
    };
    connected.map(drop).map_err(|error| format!("no connection to {}: {error}", target(check)))
}

fn target(check: &Check) -> String {
    let Check::Tcp(address) = check;
    match address {
        TcpTarget::Address(address) => address.to_string(),
        TcpTarget::Name(host, port) => format!("{host}:{port}"),
    }
}
