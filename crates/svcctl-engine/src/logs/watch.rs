//! Who waits for new records: followers wake when a log has grown, without asking again and again.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use svcctl_core::ident::ServiceName;
use tokio::sync::watch;

/// The followers of all services.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watchers(Arc<Mutex<BTreeMap<ServiceName, watch::Sender<u64>>>>);

impl Watchers {
    /// Follows a service's log: the value is the length of its current file when it last grew (0: not since it is
    /// followed).
    pub(crate) fn subscribe(&self, service: &ServiceName) -> watch::Receiver<u64> {
        self.lock().entry(service.clone()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// A log has grown. The length is asked for only if somebody waits.
    pub(crate) fn tell(&self, service: &ServiceName, length: impl FnOnce() -> io::Result<u64>) {
        let mut watchers = self.lock();
        let Some(sender) = watchers.get(service) else { return };
        if sender.receiver_count() == 0 {
            watchers.remove(service);
            return;
        }
        // A length that cannot be read still is a reason to look.
        let length = length().unwrap_or(0);
        sender.send_modify(|value| *value = length);
    }

    /// Nothing will come any more: followers are told by the end of their channel.
    pub(crate) fn forget(&self, service: &ServiceName) {
        self.lock().remove(service);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ServiceName, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
