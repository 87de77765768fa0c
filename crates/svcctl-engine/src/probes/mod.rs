//! Probes: asked by the control plane, decided upon by the core.
//!
//! The driver notes what is to be asked and goes on; a task here makes it so. There is no queue between them that
//! could fill: what is wanted is a table, and a change of it a wake-up. At most [`ATTEMPTS_MAX`] attempts are under way
//! at the same time; others wait for their turn, which is not counted as their own time.
//!
//! Placeholders are replaced anew at each attempt. What they stand for is in no message, since it may be a secret: a
//! failure names the question as it is written in the specification.

mod exec;
mod exists;
mod files;
mod http;
mod log;
mod names;
mod tcp;

use crate::auxiliary::{Auxiliary, place_of_probe};
use crate::logs::{LogsHandle, Seen};
use crate::prepare::{Preparer, Text};
use crate::queue::{DriverHandle, Input};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use svcctl_core::ident::InstanceId;
use svcctl_core::spec::model::Check;
use svcctl_core::spec::{ServiceSpec, Template, duration};
use svcctl_core::supervisor::action::Probe;
use svcctl_core::supervisor::event::{Event, ProbeId, ProbeResult, ProbeWhat, Process};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// The most attempts under way.
const ATTEMPTS_MAX: usize = 64;

/// What asking needs.
#[derive(Clone)]
pub(crate) struct Means {
    /// Where it is told.
    pub(crate) driver: DriverHandle,
    /// Whose threads read what stands in the log.
    pub(crate) preparer: Preparer,
    /// Where programs are run.
    pub(crate) auxiliary: Auxiliary,
    /// Where programs' lines are seen.
    pub(crate) logs: LogsHandle,
    /// The folder of logs, where what an earlier engine saw stands.
    pub(crate) log_folder: PathBuf,
}

/// What is to be asked.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Each with a number of its own, so that one that is replaced is known from the next.
    wanted: BTreeMap<ProbeId, (u64, Probe)>,
    touched: BTreeSet<ProbeId>,
    /// What is awaited in the output of programs that are being started.
    awaited: BTreeMap<InstanceId, Seen>,
    /// Processes that an earlier engine started.
    adopted: BTreeMap<InstanceId, Process>,
    last: u64,
}

impl Probes {
    /// Ask this from now on, in place of what was asked under the same id.
    pub(crate) fn start(&self, probe: Probe) {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        state.touched.insert(probe.id.clone());
        state.wanted.insert(probe.id.clone(), (number, probe));
        drop(state);
        self.changed.notify_one();
    }

    /// Ask no more.
    pub(crate) fn stop(&self, id: &ProbeId) {
        let mut state = self.lock();
        if id.what == ProbeWhat::Ready {
            state.awaited.remove(&id.id);
        }
        if state.wanted.remove(id).is_some() {
            state.touched.insert(id.clone());
            drop(state);
            self.changed.notify_one();
        }
    }

    /// A process is about to be made: if its readiness is a line of its output, that is looked for from the first on.
    pub(crate) fn look_for_ready_line(&self, id: &InstanceId, spec: &ServiceSpec, logs: &LogsHandle) {
        let Some(Check::Log(pattern)) = spec.ready.as_ref().map(|ready| &ready.check) else { return };
        let seen = logs.look_for(id.slot.clone(), id.generation, pattern);
        let mut state = self.lock();
        state.awaited.retain(|other, _| other.slot != id.slot);
        state.awaited.insert(id.clone(), seen);
    }

    /// A process of an earlier engine: its first lines have been seen by that one, and stand in the log.
    pub(crate) fn adopted(&self, id: InstanceId, process: Process) {
        self.lock().adopted.insert(id, process);
    }

    /// Keeps one task for each wanted probe, for ever.
    pub(crate) async fn run(self: Arc<Self>, means: Means) {
        let asker = Asker {
            means,
            probes: Arc::clone(&self),
            turns: Arc::new(Semaphore::new(ATTEMPTS_MAX)),
            files: files::Files::new(),
            names: names::Names::new(),
        };
        let mut running: BTreeMap<ProbeId, (u64, JoinHandle<()>)> = BTreeMap::new();
        loop {
            for (id, wanted) in self.touched() {
                let same =
                    |(number, _): &(u64, Probe)| running.get(&id).is_some_and(|(known, _)| known == number);
                if wanted.as_ref().is_some_and(same) {
                    continue;
                }
                if let Some((_, task)) = running.remove(&id) {
                    task.abort();
                }
                if let Some((number, probe)) = wanted {
                    running.insert(id, (number, tokio::spawn(asker.clone().ask_on(probe))));
                }
            }
            self.changed.notified().await;
        }
    }

    fn touched(&self) -> Vec<(ProbeId, Option<(u64, Probe)>)> {
        let mut state = self.lock();
        let touched = std::mem::take(&mut state.touched);
        touched.into_iter().map(|id| (id.clone(), state.wanted.get(&id).cloned())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks one question on and on.
#[derive(Clone)]
struct Asker {
    means: Means,
    probes: Arc<Probes>,
    turns: Arc<Semaphore>,
    files: files::Files,
    names: names::Names,
}

impl Asker {
    /// Asks until it is aborted.
    async fn ask_on(self, probe: Probe) {
        if !probe.delay.is_zero() {
            // real delay: the pause that the specification asks for.
            tokio::time::sleep(probe.delay).await;
        }
        if let Check::Log(pattern) = &probe.check {
            return self.look_on(&probe, pattern).await;
        }
        loop {
            let result = self.ask(&probe).await;
            self.tell(&probe, result);
            // real delay: the pause that the specification asks for.
            tokio::time::sleep(probe.interval).await;
        }
    }

    fn tell(&self, probe: &Probe, result: Result<(), String>) {
        let result = match result {
            Ok(()) => ProbeResult::Ok,
            Err(why) => ProbeResult::Failed(why),
        };
        self.means.driver.offer(Input::Event(Event::Probe(probe.id.clone(), result)));
    }

    /// One attempt.
    async fn ask(&self, probe: &Probe) -> Result<(), String> {
        let Ok(_turn) = self.turns.acquire().await else { return Err("is not asked any more".to_owned()) };
        if let Check::Exec(words) = &probe.check {
            // Its time is kept where its process is.
            return exec::ask(&self.means.auxiliary, probe, words).await;
        }
        tokio::time::timeout(probe.timeout, self.ask_once(probe)).await.unwrap_or_else(|_| {
            let within = duration::for_people(probe.timeout);
            Err(format!("no answer from {} within {within}", target(&probe.check)))
        })
    }

    async fn ask_once(&self, probe: &Probe) -> Result<(), String> {
        match &probe.check {
            Check::Tcp(to) => tcp::ask(self, probe, to).await,
            Check::Http(check) => http::ask(self, probe, check).await,
            Check::Exists(path) => exists::ask(self, probe, path).await,
            Check::Exec(_) | Check::Log(_) => Err("is asked in another way".to_owned()),
        }
    }
}

impl Asker {
    /// What a text of the question means now; `key` is its place in there.
    async fn text(&self, probe: &Probe, key: &str, template: &Template) -> Result<String, String> {
        let at = format!("{}.{key}", place_of_probe(probe.id.what));
        match Preparer::text(&probe.spec, at, template) {
            Text::Known(result) => result,
            Text::InFiles(read) => self
                .files
                .call(probe, read)
                .await
                .unwrap_or_else(|why| Err(format!("its files could not be read: {why}"))),
        }
    }
}

/// What is asked, as the specification has it.
fn target(check: &Check) -> String {
    match check {
        Check::Tcp(to) => tcp::target(to),
        Check::Http(check) => check.url.to_string(),
        Check::Exec(words) => words.first().map(ToString::to_string).unwrap_or_default(),
        Check::Log(pattern) => format!("a line that matches {pattern}"),
        Check::Exists(path) => path.to_string(),
    }
}

#[cfg(test)]
mod tests;
