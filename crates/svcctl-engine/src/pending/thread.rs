//! The thread that compares, tells and takes up.

use super::compare::{Compared, accepted, compare};
use super::report::Report;
use super::{OwnWrites, Pending, PendingConfig};
use crate::answer;
use crate::queue::Refused;
use crate::settings::{self, Settings};
use crate::store::files::{self, Found};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::supervisor::event::{Command, Source};
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::view::ServiceView;
use svcctl_os::paths::Paths;
use svckit::control::types::Failure;

/// How long a file must have been at rest before anything is concluded from it.
const AT_REST: Duration = Duration::from_millis(250);
/// How long after a look that was disturbed the next one is.
const AGAIN: Duration = Duration::from_millis(100);

/// Looks, tells and takes up.
pub(super) struct Scanner {
    config: PendingConfig,
    own: OwnWrites,
    pending: Pending,
    report: Report,
    settings: Settings,
    /// What was refused last, so that the same is not tried for ever.
    refused: Option<Attempt>,
}

/// What was to be taken up, and over what.
#[derive(Debug, PartialEq, Eq)]
struct Attempt {
    accepted: BTreeMap<ServiceName, u64>,
    taken: Vec<Arc<ServiceSpec>>,
}

/// What a look came to.
enum Looked {
    /// All is told and done.
    Done,
    /// It is to be repeated after this time.
    Again(Duration),
    /// There is nobody to ask any more.
    Ended,
}

impl Scanner {
    pub(super) fn new(config: PendingConfig, own: OwnWrites, pending: Pending) -> Self {
        let report = Report::new(config.events.clone());
        let settings = Settings::default();
        Self { config, own, pending, report, settings, refused: None }
    }

    pub(super) fn paths(&self) -> &Paths {
        &self.config.paths
    }

    /// Looks when nudged, until the driver has ended.
    pub(super) fn work(mut self, nudges: &Receiver<()>) {
        let mut again = None;
        loop {
            let heard = match again {
                None => nudges.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => nudges.recv_timeout(pause),
            };
            if matches!(heard, Err(RecvTimeoutError::Disconnected)) {
                return;
            }
            again = match self.look() {
                Looked::Done => None,
                Looked::Again(pause) => Some(pause),
                Looked::Ended => return,
            };
        }
    }

    fn look(&mut self) -> Looked {
        self.read_settings();
        // While a write of ours is under way, its end is a nudge.
        let Some(mark) = self.own.quiet() else { return Looked::Again(Duration::from_secs(1)) };
        let views = match self.views() {
            Ok(Some(views)) => views,
            Ok(None) => return Looked::Done,
            Err(Refused::Full) => return Looked::Again(AGAIN),
            Err(Refused::Ended) => return Looked::Ended,
        };
        let files = match files::read_all(&self.config.paths.services) {
            Ok(files) => files,
            Err(error) => {
                self.report.trouble(&format!("failed to {error}"));
                return Looked::Done;
            }
        };
        if !self.own.is_still(mark) {
            return Looked::Again(AGAIN);
        }
        let known = accepted(&views);
        let restless = restless(&files, &known);
        let running: BTreeSet<ServiceName> =
            views.iter().filter(|view| view.pid.is_some()).map(|view| view.name.clone()).collect();
        let at_rest = |file: &Found| !restless.contains(&file.path);
        let compared = compare(&known, &running, files, at_rest);
        self.publish(&compared);
        let took = self.take_up(&compared, &views);
        if restless.is_empty() { took } else { Looked::Again(AT_REST) }
    }

    fn read_settings(&mut self) {
        let path = self.config.paths.settings();
        match settings::read(&path) {
            Ok(settings) => {
                self.report.settings(&path, &[]);
                self.settings = settings;
                self.pending.set(|latest| latest.settings = settings);
            }
            Err(problems) => self.report.settings(&path, &problems),
        }
    }

    /// What is accepted; `None` when it is no time to ask.
    fn views(&self) -> Result<Option<Vec<ServiceView>>, Refused> {
        match self.config.driver.ask_blocking(Command::Show(None))?.reply {
            Reply::Views(views) => Ok(Some(views)),
            Reply::Done(_)
            | Reply::Applied(_)
            | Reply::Refused(_)
            | Reply::Failed(_)
            | Reply::TimedOut(_)
            | Reply::Superseded(_) => Ok(None),
        }
    }

    fn publish(&mut self, compared: &Compared) {
        let names = compared.names();
        self.pending.set(|latest| latest.names = Arc::new(names));
        self.report.compared(compared, self.settings.auto_apply);
    }

    /// Takes up what differs, if that is wanted.
    fn take_up(&mut self, compared: &Compared, views: &[ServiceView]) -> Looked {
        if !self.settings.auto_apply || compared.take.is_empty() {
            self.refused = None;
            return Looked::Done;
        }
        if let Some(pause) = self.config.not_before.and_then(|at| at.checked_duration_since(Instant::now())) {
            return Looked::Again(pause.max(AGAIN));
        }
        let mut services: Vec<(Arc<ServiceSpec>, Option<Source>)> = Vec::new();
        for file in &compared.take {
            let Ok(spec) = &file.spec else { continue };
            match crate::names::require_free(&self.config.paths, &spec.name) {
                Ok(()) => services.push((Arc::clone(spec), Some(file.source()))),
                Err(failure) => self.report.refused(&file.path, &failure),
            }
        }
        let attempt = Attempt {
            accepted: views.iter().map(|view| (view.name.clone(), view.revision)).collect(),
            taken: services.iter().map(|(spec, _)| Arc::clone(spec)).collect(),
        };
        if services.is_empty() || self.refused.as_ref() == Some(&attempt) {
            return Looked::Done;
        }
        match self.apply(services.clone()) {
            Ok(None) => {
                self.refused = None;
                self.report.taken(compared);
                Looked::Done
            }
            Ok(Some(failure)) => {
                self.one_by_one(compared, services, &failure);
                self.refused = Some(attempt);
                Looked::Done
            }
            Err(Refused::Full) => Looked::Again(AGAIN),
            Err(Refused::Ended) => Looked::Ended,
        }
    }

    /// After the whole was refused: what can be taken alone is.
    fn one_by_one(
        &mut self,
        compared: &Compared,
        services: Vec<(Arc<ServiceSpec>, Option<Source>)>,
        whole: &Failure,
    ) {
        if services.len() == 1 {
            for file in &compared.take {
                self.report.refused(&file.path, whole);
            }
            return;
        }
        for (spec, source) in services {
            let Some(file) = compared.take.iter().find(|file| file.name().as_ref() == Some(&spec.name))
            else {
                continue;
            };
            if let Ok(Some(failure)) = self.apply(vec![(spec, source)]) {
                self.report.refused(&file.path, &failure);
            }
        }
    }

    /// Why it was refused, if it was.
    fn apply(&self, services: Vec<(Arc<ServiceSpec>, Option<Source>)>) -> Result<Option<Failure>, Refused> {
        let answer = self.config.driver.ask_blocking(Command::Apply { services, prune: false })?;
        Ok(answer::outcome(answer).err())
    }
}

/// The files that were written a moment ago and say something new: they may be half written.
fn restless(
    files: &[Found],
    known: &BTreeMap<ServiceName, Arc<ServiceSpec>>,
) -> BTreeSet<std::path::PathBuf> {
    let now = SystemTime::now();
    let is_restless = |file: &&Found| {
        let same = file.spec.as_ref().is_ok_and(|spec| known.get(&spec.name) == Some(spec));
        let changed = std::fs::metadata(&file.path).and_then(|metadata| metadata.modified());
        // A file from the future has no age; it is taken to be at rest.
        !same && changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age < AT_REST))
    };
    files.iter().filter(is_restless).map(|file| file.path.clone()).collect()
}
