//! One attempt as the world knows it, and what commands that start and stop nothing mean for a service.

use crate::around::{self, is_job};
use crate::model::{Model, Track};
use crate::policy::End;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{Kind, Pause};
use svcctl_core::supervisor::event::{Command, ExitStatus};
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::time::Mono;

/// One attempt, from the spawn that was asked for until the core was told that nothing is left.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one fact that the world has seen, independent of the others"
)]
pub(crate) struct Known {
    pub(crate) generation: u64,
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) spawned: bool,
    pub(crate) ready: bool,
    pub(crate) running_since: Option<Mono>,
    pub(crate) exit: Option<ExitStatus>,
    /// The exit came after a run that was long enough.
    pub(crate) stable: bool,
    /// The core has sent it a signal or a kill.
    pub(crate) stopping: bool,
    pub(crate) stuck: bool,
    /// When its tree must be killed at the latest, once its stop has begun.
    pub(crate) kill_by: Option<Mono>,
    /// The kill of its tree was asked for.
    pub(crate) killed: bool,
    /// The start deadline passed.
    pub(crate) late: bool,
    /// A command wants a fresh start after it.
    pub(crate) fresh: bool,
    /// It outlived an engine.
    pub(crate) survived: bool,
    /// Its `before_start` hooks run; there is no process yet.
    pub(crate) hooking: bool,
    /// Nothing is left of it, and its `after_exit` hooks run.
    pub(crate) over: Option<End>,
    /// How many of those were begun.
    pub(crate) hooks_done: u16,
    pub(crate) live_failures: u32,
    pub(crate) ready_failures: u32,
    /// Its liveness failed too often.
    pub(crate) unwell: bool,
    /// The next run of its job may be due.
    pub(crate) cut: bool,
    /// Its readiness failed too often.
    pub(crate) unready: bool,
    /// When its start counts as failed.
    pub(crate) deadline: Option<Mono>,
}

impl Known {
    /// An attempt that was just asked for.
    pub(crate) fn asked(generation: u64, spec: Arc<ServiceSpec>, asked: Mono) -> Self {
        let deadline = spec.start.timeout.map(|timeout| asked.after(timeout));
        Self {
            generation,
            spec,
            spawned: false,
            ready: false,
            running_since: None,
            exit: None,
            stable: false,
            stopping: false,
            stuck: false,
            kill_by: None,
            killed: false,
            late: false,
            fresh: false,
            survived: false,
            hooking: false,
            over: None,
            hooks_done: 0,
            live_failures: 0,
            ready_failures: 0,
            unwell: false,
            cut: false,
            unready: false,
            deadline,
        }
    }

    /// What a new engine finds.
    pub(crate) fn survived(
        generation: u64,
        spec: Arc<ServiceSpec>,
        now: Mono,
        spawned: bool,
        ready: bool,
    ) -> Self {
        Self { spawned, ready, survived: true, ..Self::asked(generation, spec, now) }
    }
}

impl Model {
    /// A specification was taken; `phase` tells where each service was.
    pub(crate) fn installed(&mut self, spec: &Arc<ServiceSpec>, phase: &BTreeMap<ServiceName, Phase>) {
        let new = || Track::new(spec.clone(), Desired::Down);
        let track = self.services.entry(spec.name.clone()).or_insert_with(new);
        let other = track.spec.schedule != spec.schedule || track.spec.trigger != spec.trigger;
        track.changed |= other;
        if other && track.desired == Desired::Up {
            track.job_ok = false;
            track.last_due = None;
        }
        if is_job(spec) != is_job(&track.spec) {
            track.not_before = None;
        }
        if spec.kind == Kind::Simple && (track.once || is_job(&track.spec)) {
            track.once = false;
            track.run_open = false;
        }
        track.spec = spec.clone();
        track.leaving = false;
        let running = phase.get(&spec.name) == Some(&Phase::Running);
        if let Some(known) = track.process.as_mut().filter(|_| running) {
            known.refresh(spec);
        }
    }

    /// A command that starts and stops nothing by itself was accepted, or one for a single run.
    pub(crate) fn said(&mut self, number: u64, command: &Command, names: &[ServiceName]) {
        let names: BTreeSet<&ServiceName> = names.iter().collect();
        for name in names {
            let Some(track) = self.services.get_mut(name) else { continue };
            match command {
                Command::Hold(..) => track.held = true,
                Command::Unhold(_) => track.held = false,
                Command::Signal(..) => track.signals += 1,
                Command::Reload(_) => track.reload(true),
                _ => {
                    track.command = number;
                    track.count_anew();
                    track.completed = false;
                    around::once(track, true);
                }
            }
        }
    }
}

/// Whether it ran long enough for the next exit to be the first in a row.
pub(crate) fn is_stable(known: &Known, now: Mono) -> bool {
    match (&known.spec.restart.pause, known.running_since) {
        (Pause::Backoff(backoff), Some(since)) => now.since(since) >= backoff.reset_after,
        (Pause::Fixed(_), _) | (Pause::Backoff(_), None) => false,
    }
}
