//! What probes want of the file system, which may hang: on threads of their own, and one for each probe at most. So a dead
//! mount takes no thread from the programs that are to be started, and no second one from a probe that it holds already.

use crate::offload::Offload;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use svcctl_core::ident::SlotKey;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::action::Probe;
use svcctl_core::supervisor::event::ProbeWhat;

/// The most threads that may hang in files for probes.
const THREADS_MAX: usize = 64;

/// The threads; clones are the same ones.
#[derive(Clone)]
pub(super) struct Files {
    pool: Offload,
    under_way: UnderWay,
}

/// The probes that a thread works for, or will; it may be one whose attempt is over.
type UnderWay = Arc<Mutex<Vec<Asked>>>;

/// A probe through all generations of its instance. Another specification may ask for other files.
#[derive(Clone, PartialEq)]
struct Asked {
    slot: SlotKey,
    what: ProbeWhat,
    spec: Arc<ServiceSpec>,
}

impl Files {
    pub(super) fn new() -> Self {
        Self { pool: Offload::new("probe", THREADS_MAX), under_way: UnderWay::default() }
    }

    /// Has this done for a probe.
    ///
    /// # Errors
    /// A sentence fragment for people that says why it was not done.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        probe: &Probe,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let slot = probe.id.id.slot.clone();
        let asked = Asked { slot, what: probe.id.what, spec: Arc::clone(&probe.spec) };
        let held =
            Held::take(&self.under_way, asked).ok_or_else(|| "the last attempt has not ended".to_owned())?;
        let job = move || {
            let result = job();
            // Before the result is told, as the next call may come at once.
            drop(held);
            result
        };
        self.pool.call(job).await.map_err(|error| error.to_string())
    }
}

/// The right of a probe to its thread, until this is dropped.
struct Held {
    under_way: UnderWay,
    asked: Asked,
}

impl Held {
    fn take(under_way: &UnderWay, asked: Asked) -> Option<Self> {
        let mut all = lock(under_way);
        if all.contains(&asked) {
            return None;
        }
        all.push(asked.clone());
        Some(Self { under_way: Arc::clone(under_way), asked })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.under_way).retain(|asked| *asked != self.asked);
    }
}

fn lock(under_way: &UnderWay) -> MutexGuard<'_, Vec<Asked>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{exists, probe, spec};
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use svcctl_core::ident::Generation;

    #[test]
    fn a_probe_that_hangs_takes_one_thread_however_often_it_is_asked_and_holds_up_no_other() {
        let files = Files::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut hanging = probe(ProbeWhat::Liveness, exists("/"), spec(&[]));
        let (release, held) = channel::<()>();
        let attempt = files.call(&hanging, move || held.recv().unwrap_or_default());
        let late = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(20), attempt).await });
        assert!(late.is_err());
        // As often as there are threads and more, and also after the service was restarted.
        for generation in 0..2 * THREADS_MAX as u64 {
            hanging.id.id.generation = Generation(generation);
            let again = runtime.block_on(files.call(&hanging, || ()));
            assert_eq!(again, Err("the last attempt has not ended".to_owned()));
        }
        let other = probe(ProbeWhat::Ready, exists("/"), spec(&[]));
        assert_eq!(runtime.block_on(files.call(&other, || 1)), Ok(1));
        let mended = probe(ProbeWhat::Liveness, exists("/"), spec(&[("A", "b")]));
        assert_eq!(runtime.block_on(files.call(&mended, || 2)), Ok(2));
        drop(release);
        while runtime.block_on(files.call(&hanging, || ())).is_err() {
            std::thread::yield_now();
        }
    }
}
