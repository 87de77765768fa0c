//! Edits of the files in services/ by hand: seen, told, and, with `daemon.auto_apply`, taken up.
//!
//! A thread of its own looks through the files when something changed there (or in svcctl.yaml), at the start, and when
//! the accepted set changed. What it finds is kept for whoever shows services. A service whose file is invalid stays as
//! it is, and so does one whose file is gone: only a command takes a service away.
//!
//! What svcctl itself writes is no edit: nothing is compared while a write is under way ([`own`]). A file that changed a
//! moment ago may be half written, so nothing is concluded from it before it has been at rest for a while.

pub(crate) mod compare;
mod own;
mod report;
mod thread;

pub(crate) use own::OwnWrites;

use crate::EngineConfig;
use crate::events::Events;
use crate::queue::DriverHandle;
use crate::settings::Settings;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;
use svcctl_core::ident::ServiceName;
use svcctl_os::paths::Paths;
use svckit::watch::{Change, Kinds, Pattern, WatchOptions, WatchSpec, Watcher};

/// What the scanner needs.
#[derive(Debug)]
pub(crate) struct PendingConfig {
    /// Where the files are.
    pub(crate) paths: Paths,
    /// What is accepted, and where what is found is taken up.
    pub(crate) driver: DriverHandle,
    /// Where it is told.
    pub(crate) events: Events,
    /// Nothing is taken up before this time.
    pub(crate) not_before: Option<Instant>,
}

/// That it is time to look; one waiting nudge does for all.
#[derive(Clone, Debug)]
pub(crate) struct Nudge(SyncSender<()>);

impl Nudge {
    /// Has the files looked at soon, without waiting.
    pub(crate) fn now(&self) {
        // One that waits already does for this one too.
        let (Ok(()) | Err(_)) = self.0.try_send(());
    }
}

/// What was found last; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending(Arc<RwLock<Latest>>);

/// What was found last.
#[derive(Clone, Debug, Default)]
struct Latest {
    /// Services whose file differs, cannot be taken, or is gone.
    names: Arc<BTreeSet<ServiceName>>,
    settings: Settings,
}

impl Pending {
    /// The services whose file means something else than what is accepted, as of the last look.
    pub(crate) fn names(&self) -> Arc<BTreeSet<ServiceName>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).names)
    }

    /// The daemon's settings, as last read.
    pub(crate) fn settings(&self) -> Settings {
        self.0.read().unwrap_or_else(PoisonError::into_inner).settings
    }

    fn set(&self, change: impl FnOnce(&mut Latest)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A scanner that is not at work yet: the driver is told of it before it begins.
#[derive(Debug)]
pub(crate) struct Looking {
    own: OwnWrites,
    nudge: Nudge,
    nudges: Receiver<()>,
}

impl Looking {
    /// One for this engine; that of `svcctl run` has no files to look at.
    pub(crate) fn prepare(config: &EngineConfig) -> Option<Self> {
        let (sender, nudges) = sync_channel(1);
        config.run_spec.is_none().then(|| Self { own: OwnWrites::default(), nudge: Nudge(sender), nudges })
    }

    /// What the driver tells it by.
    pub(crate) fn telling(&self) -> (OwnWrites, Nudge) {
        (self.own.clone(), self.nudge.clone())
    }

    /// Starts looking. The thread ends with the driver.
    ///
    /// # Errors
    /// When the system gives no thread. Files that cannot be watched are told in the log, and looked at when the
    /// accepted set changes.
    pub(crate) fn start(self, config: PendingConfig) -> std::io::Result<Pending> {
        let Self { own, nudge, nudges } = self;
        let pending = Pending::default();
        let scanner = thread::Scanner::new(config, own, pending.clone());
        nudge.now();
        std::thread::Builder::new().name("pending".to_owned()).spawn(move || {
            let _watcher = watch(&scanner, nudge);
            scanner.work(&nudges);
        })?;
        Ok(pending)
    }
}

fn watch(scanner: &thread::Scanner, nudge: Nudge) -> Option<Watcher> {
    let said = |error: &dyn std::fmt::Display| {
        crate::say::warn(&format!(
            "{error}; edits of services/ are seen by svcctl diff and taken by svcctl apply --pending only"
        ));
    };
    let on_change = move |change: Change| {
        if let Some(trouble) = &change.trouble {
            crate::say::warn(&format!("{trouble}; edits of services/ may be seen late"));
        }
        nudge.now();
    };
    let watcher = Watcher::new(WatchOptions::default(), on_change).map_err(|error| said(&error)).ok()?;
    let mut specs = Vec::new();
    for path in [scanner.paths().services.clone(), scanner.paths().settings()] {
        match Pattern::path(&path) {
            Ok(pattern) => specs.push(WatchSpec { id: 0, pattern, kinds: Kinds::ALL }),
            Err(error) => said(&error),
        }
    }
    if let Err(errors) = watcher.set(specs) {
        for error in &errors {
            said(error);
        }
    }
    Some(watcher)
}
