//! Paths that services watch, for their `reload` and their `trigger`: one watcher for all of them, which is made with
//! the first and ends with the last.

use crate::lifeline::{Lifeline, Lifelines};
use crate::logs::{Level, LogsHandle, Note};
use crate::queue::{DriverHandle, Input};
use crate::say;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use svcctl_core::spec::model::PathEvent;
use svcctl_core::supervisor::action::Watch;
use svcctl_core::supervisor::event::{Event, WatchId};
use svckit::watch::{Change, Kinds, Pattern, WatchError, WatchOptions, WatchSpec, Watcher};

/// Has paths watched. Nothing here waits: looking at paths may take long, and is done on a thread of its own, which is
/// started with the first watch.
pub(crate) struct Watches {
    tell: Teller,
    lifelines: Lifelines,
    queue: Option<Sender<Command>>,
}

enum Command {
    Watch(Watch),
    Unwatch(WatchId),
}

/// All watches.
struct Table {
    tell: Teller,
    wanted: BTreeMap<WatchId, Wanted>,
    last: u64,
    watcher: Option<Watcher>,
}

/// What is watched for one id.
struct Wanted {
    number: u64,
    texts: Vec<String>,
    specs: Vec<WatchSpec>,
    /// The trouble with it that has been told.
    told: BTreeSet<String>,
}

/// Tells of changes, on the watcher's thread, and of trouble.
#[derive(Clone)]
struct Teller {
    driver: DriverHandle,
    logs: LogsHandle,
    /// Whose a number is.
    known: Arc<Mutex<BTreeMap<u64, WatchId>>>,
}

impl Watches {
    /// No watch yet.
    pub(crate) fn new(driver: DriverHandle, logs: LogsHandle, lifelines: Lifelines) -> Self {
        Self { tell: Teller { driver, logs, known: Arc::default() }, lifelines, queue: None }
    }

    /// Watches these paths, in place of what the id watched before.
    pub(crate) fn watch(&mut self, watch: Watch) {
        if self.queue.is_none() {
            match Table::start(self.tell.clone(), self.lifelines.of("watches")) {
                Ok(queue) => self.queue = Some(queue),
                Err(error) => return self.tell.trouble(&watch.id, &format!("watch files: {error}")),
            }
        }
        self.send(Command::Watch(watch));
    }

    /// Watches for this no more.
    pub(crate) fn unwatch(&mut self, id: &WatchId) {
        self.send(Command::Unwatch(id.clone()));
    }

    fn send(&self, command: Command) {
        if let Some(queue) = &self.queue {
            // The thread ends with this queue alone.
            let (Ok(()) | Err(_)) = queue.send(command);
        }
    }
}

impl Table {
    fn start(tell: Teller, lifeline: Lifeline) -> std::io::Result<Sender<Command>> {
        let (queue, commands) = channel();
        let mut table = Self { tell, wanted: BTreeMap::new(), last: 0, watcher: None };
        std::thread::Builder::new().name("watches".to_owned()).spawn(move || {
            let _held = lifeline;
            for command in commands {
                table.take(command);
                table.set();
            }
        })?;
        Ok(queue)
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Watch(watch) => self.watch(watch),
            Command::Unwatch(id) => {
                if let Some(wanted) = self.wanted.remove(&id) {
                    self.tell.forget(wanted.number);
                }
            }
        }
    }

    fn watch(&mut self, watch: Watch) {
        let Watch { id, patterns, events } = watch;
        self.last += 1;
        let number = self.last;
        let mut kinds = Kinds::default();
        for event in events {
            match event {
                PathEvent::Create => kinds.create = true,
                PathEvent::Modify => kinds.modify = true,
                PathEvent::Delete => kinds.delete = true,
            }
        }
        let mut specs = Vec::new();
        for pattern in &patterns {
            match Pattern::new(pattern) {
                Ok(pattern) => specs.push(WatchSpec { id: number, pattern, kinds }),
                Err(error) => self.tell.trouble(&id, &error.to_string()),
            }
        }
        self.tell.know(number, &id);
        self.wanted.insert(id, Wanted { number, texts: patterns, specs, told: BTreeSet::new() });
    }

    fn set(&mut self) {
        if self.wanted.is_empty() {
            self.watcher = None;
            return;
        }
        if self.watcher.is_none() {
            let tell = self.tell.clone();
            match Watcher::new(WatchOptions::default(), move |change| tell.change(change)) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => return self.trouble(&error),
            }
        }
        let Some(watcher) = &self.watcher else { return };
        let specs = self.wanted.values().flat_map(|wanted| wanted.specs.iter().cloned()).collect();
        if let Err(errors) = watcher.set(specs) {
            for error in errors {
                self.trouble(&error);
            }
        }
    }

    /// Tells of trouble those whom it concerns, once.
    fn trouble(&mut self, error: &WatchError) {
        let why = error.to_string();
        for (id, wanted) in &mut self.wanted {
            if wanted.texts.iter().any(|text| concerns(error, text)) && wanted.told.insert(why.clone()) {
                self.tell.trouble(id, &why);
            }
        }
    }
}

/// Whether trouble may be that of the pattern that is written so.
fn concerns(error: &WatchError, text: &str) -> bool {
    match error {
        WatchError::WatchLimit { path } | WatchError::Io { path, .. } => {
            Path::new(text).starts_with(path) || path.starts_with(text) || text.contains(['*', '?', '['])
        }
        WatchError::TooMany { pattern } => pattern == text,
        WatchError::WatcherLimit | WatchError::System(_) | WatchError::Unsupported => true,
    }
}

impl Teller {
    fn know(&self, number: u64, id: &WatchId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, other| other != id);
        known.insert(number, id.clone());
    }

    fn forget(&self, number: u64) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    fn change(&self, change: Change) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&change.id).cloned();
        let Some(id) = known else { return };
        if let Some(trouble) = change.trouble {
            self.trouble(&id, &trouble.to_string());
        }
        let happened = change.kinds.create || change.kinds.modify || change.kinds.delete;
        if happened || change.overflow {
            let paths = change.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            self.driver.push(Input::Event(Event::Changed(id, paths)));
        }
    }

    /// What cannot be watched is told where its owner looks, and in the daemon's log.
    fn trouble(&self, id: &WatchId, why: &str) {
        say::warn(&format!("{}: failed to {why}", id.name));
        self.logs.note(Note {
            service: id.name.clone(),
            index: 0,
            pid: None,
            level: Level::Error,
            message: format!("failed to {why}; changes there are not seen"),
            fields: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests;
