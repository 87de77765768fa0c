//! Jobs: services that run by themselves, when a schedule is due or a trigger fires. Between two runs they rest in
//! `Scheduled`; a run is one start with all that belongs to it (gates, hooks, restarts), until it succeeded or was
//! given up.
//!
//! Due times are of the wall clock, timers are monotonic: when the clock was set, everything is looked at anew. The
//! last due time that was taken into account never goes back (for cron), so that none runs twice; it is in the memo of
//! each decision, since the record itself is written behind.

use super::Supervisor;
use super::action::{Action, NoteKind, NoteLevel, Persist, Probe};
use super::event::{JobCause, JobRecord, JobRun, ProbeId, ProbeResult, ProbeWhat};
use super::memo::{Cause, JobMemo, Then};
use super::slot::{Service, State};
use super::state::Desired;
use super::timer::Timer;
use super::view::JobView;
use crate::ident::{InstanceId, ServiceName};
use crate::schedule::{Timing, count_due, next_due};
use crate::spec::model::{Kind, Missed, Overlap, Schedule, TriggerOn};
use crate::time::Wall;
use jiff::tz::TimeZone;
use std::time::Duration;

/// A due time that is taken up later than this was missed.
const LATE_MS: i64 = 60_000;
/// The most due times that are counted at once.
const COUNT_MAX: u64 = 1_000;
/// A last due time that is further ahead than this came from a clock that was wrong; up to here it is a clock that was
/// set back (by a wrong time zone at most), and nothing runs twice.
const AHEAD_MS: i64 = 25 * 60 * 60 * 1000;

/// What belongs to the runs of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Job {
    pub(super) record: JobRecord,
    /// Whether due times and triggers make it run.
    pub(super) armed: bool,
    pub(super) due: Option<Wall>,
    /// The run under way, and since when.
    pub(super) run: Option<(JobCause, Wall)>,
    /// Why one more run follows.
    pub(super) queued: Option<JobCause>,
    /// Whether the last run since it was armed succeeded.
    pub(super) succeeded: bool,
}

impl Job {
    /// What the next engine has to know.
    pub(super) fn memo(&self) -> JobMemo {
        JobMemo {
            last_due: self.record.last_due,
            run: self.run.as_ref().map(|(cause, since)| (short(cause), *since)),
            queued: self.queued.as_ref().map(short),
            succeeded: self.succeeded,
        }
    }

    /// Takes over what the last engine knew. The record may be older than the memo.
    pub(super) fn adopt(&mut self, memo: &JobMemo) {
        self.record.last_due = self.record.last_due.max(memo.last_due);
        self.queued = memo.queued.map(long);
        self.succeeded = memo.succeeded;
        let Some((cause, since)) = memo.run else { return };
        let known = self.record.last_run.as_ref().filter(|run| run.started == since);
        let cause = known.map_or_else(|| long(cause), |run| run.cause.clone());
        if known.is_none() {
            self.record.runs = self.record.runs.saturating_add(1);
        }
        self.record.last_run = Some(begun(cause.clone(), since));
        self.run = Some((cause, since));
    }
}

fn short(cause: &JobCause) -> Cause {
    match cause {
        JobCause::Schedule(due) => Cause::Schedule(*due),
        JobCause::Missed(due) => Cause::Missed(*due),
        JobCause::Trigger(_) => Cause::Trigger,
        JobCause::Command => Cause::Command,
    }
}

fn long(cause: Cause) -> JobCause {
    match cause {
        Cause::Schedule(due) => JobCause::Schedule(due),
        Cause::Missed(due) => JobCause::Missed(due),
        Cause::Trigger => JobCause::Trigger(Vec::new()),
        Cause::Command => JobCause::Command,
    }
}

fn begun(cause: JobCause, started: Wall) -> JobRun {
    JobRun { cause, started, ended: None, succeeded: None, result: String::new() }
}

/// Why a run begins, for people.
fn why(cause: &JobCause) -> &'static str {
    match cause {
        JobCause::Schedule(_) => "due by its schedule",
        JobCause::Missed(_) => "makes up for a missed run",
        JobCause::Trigger(_) => "its trigger fired",
        JobCause::Command => "run once by command",
    }
}

impl Supervisor {
    /// From now on the schedule or trigger of `name` makes it run; what was due before counts no more.
    pub(super) fn arm(&mut self, name: &ServiceName) {
        let now = self.now.wall;
        let Some(service) = self.services.get_mut(name) else { return };
        if service.job.armed || service.desired == Desired::Down || !service.is_job() {
            return;
        }
        service.job.armed = true;
        service.job.succeeded = false;
        if let Some(schedule) = &service.spec.schedule {
            let last = &mut service.job.record.last_due;
            *last = match schedule.timing {
                Timing::Cron(_) => (*last).max(Some(now)),
                Timing::Every(_) => Some(now),
            };
            self.persist_job(name);
        }
        self.look_at_clock(name);
    }

    /// As [`Supervisor::arm`], for a new engine: what was due since the last one is looked at.
    pub(super) fn arm_again(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        if service.spec.kind == Kind::Simple {
            // The specification was changed, and the memo did not come to know.
            self.end_run(name, false, "its specification was changed");
        }
        let Some(service) = self.services.get_mut(name) else { return };
        close_lost_run(service, self.now.wall);
        if service.desired == Desired::Down || !service.is_job() {
            // It was stopped, or changed, and the memo did not come to know.
            service.job.queued = None;
            return;
        }
        if service.spec.schedule.is_some() && service.job.record.last_due.is_none() {
            return self.arm(name);
        }
        service.job.armed = true;
        self.look_at_clock(name);
    }

    /// Nothing makes `name` run by itself any more.
    pub(super) fn disarm(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        service.job.armed = false;
        service.job.due = None;
        service.job.queued = None;
        self.timers.set(Timer::Job(service.slot.key.clone()), None);
    }

    /// The wall clock was set: everything that is due by it is looked at anew.
    pub(super) fn handle_clock_jumped(&mut self) {
        let scheduled = self.services.iter().filter(|(_, service)| service.spec.schedule.is_some());
        let names: Vec<ServiceName> = scheduled.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.look_at_clock(&name);
        }
    }

    /// Takes up what is due by the schedule of `name`, and sets the timer for what is due next.
    pub(super) fn look_at_clock(&mut self, name: &ServiceName) {
        let (now, ending) = (self.now, self.is_ending());
        let Some(service) = self.services.get_mut(name) else { return };
        let key = service.slot.key.clone();
        let Some(schedule) = service.spec.schedule.clone().filter(|_| service.job.armed && !ending) else {
            service.job.due = None;
            return self.timers.set(Timer::Job(key), None);
        };
        let zone = self.zones.0.zone(schedule.timezone.as_deref()).unwrap_or(TimeZone::UTC);
        let mut base = service.job.record.last_due.unwrap_or(now.wall);
        if matches!(schedule.timing, Timing::Every(_)) && base > now.wall {
            // The clock was set back: the interval is counted from now.
            base = now.wall;
        }
        let ahead = base.0.saturating_sub(now.wall.0) > AHEAD_MS;
        if ahead {
            base = now.wall;
        }
        service.job.record.last_due = Some(base);
        let (count, last) = count_due(&schedule.timing, base, now.wall, &zone, COUNT_MAX);
        let last = last.filter(|_| count > 0);
        let due = next_due(&schedule.timing, last.unwrap_or(base), &zone);
        service.job.due = due;
        let wait = due.map(|due| u64::try_from(due.0.saturating_sub(now.wall.0)).unwrap_or(0));
        self.timers.set(Timer::Job(key), wait.map(|ms| now.mono.after(Duration::from_millis(ms))));
        if let Some(last) = last {
            service.job.record.last_due = Some(last);
            self.came_due(name, &schedule, count, last);
        }
        if ahead {
            self.persist_job(name);
            let message = "its last run was due more than a day from now, by a clock that was wrong then; its \
                           schedule counts from now";
            self.note(name, None, NoteKind::Job, NoteLevel::Warn, message.to_owned());
        }
    }

    /// `count` times were due, the last of them at `last`.
    fn came_due(&mut self, name: &ServiceName, schedule: &Schedule, count: u64, last: Wall) {
        let late = self.now.wall.0.saturating_sub(last.0) >= LATE_MS;
        let Some(service) = self.services.get_mut(name) else { return };
        let (held, record) = (service.held.is_some(), &mut service.job.record);
        let missed = match (held, late) {
            (true, _) => 0,
            (false, true) => count,
            (false, false) => count.saturating_sub(1),
        };
        record.missed = record.missed.saturating_add(missed);
        if held {
            record.skipped = record.skipped.saturating_add(count);
        } else if !late {
            self.fire(name, JobCause::Schedule(last));
        } else if schedule.missed == Missed::Once {
            self.fire(name, JobCause::Missed(last));
        } else {
            let message = format!("was due {count} times while nobody was there to start it; skipped");
            self.note(name, None, NoteKind::Job, NoteLevel::Warn, message);
        }
        self.persist_job(name);
        self.remember(name);
    }

    /// Something makes `name` run: now, or by its rule for overlaps.
    pub(super) fn fire(&mut self, name: &ServiceName, cause: JobCause) {
        let Some(service) = self.services.get_mut(name) else { return };
        if !service.job.armed {
            return;
        }
        let overlap = service.spec.schedule.as_ref().map_or(Overlap::Queue, |schedule| schedule.overlap);
        let job = &mut service.job;
        if service.held.is_some() {
            job.record.skipped = job.record.skipped.saturating_add(1);
            self.persist_job(name);
            let message = "was to run, and is held; skipped".to_owned();
            return self.note(name, None, NoteKind::Job, NoteLevel::Info, message);
        }
        if job.run.is_none() {
            job.queued = Some(cause);
            self.unsettled.insert(name.clone());
            return self.remember(name);
        }
        match overlap {
            Overlap::Queue => {
                job.queued.get_or_insert(cause);
                self.remember(name);
            }
            Overlap::Skip => {
                job.record.skipped = job.record.skipped.saturating_add(1);
                self.persist_job(name);
                let message = "was due while its last run is not over; skipped".to_owned();
                self.note(name, None, NoteKind::Job, NoteLevel::Warn, message);
            }
            Overlap::Restart => {
                job.queued = Some(cause);
                self.cut_run(name, "stopped, since the next run is due");
            }
        }
    }

    /// Ends the run under way, so that the next one begins.
    pub(super) fn cut_run(&mut self, name: &ServiceName, why: &str) {
        self.end_run(name, false, why);
        let Some(slot) = self.slot_mut(name) else { return };
        slot.history.count_anew();
        match &mut slot.state {
            State::Starting(_) | State::Running(_) => self.stop_process(name, Then::Fresh, why.to_owned()),
            State::Stopping(stopping) => {
                stopping.then = Then::Fresh;
                self.remember(name);
            }
            State::Waiting(_) | State::Backoff { .. } => self.try_start(name, why, None),
            State::Stopped | State::Scheduled | State::Failed | State::Completed => {}
        }
    }

    /// Begins a run.
    pub(super) fn begin_run(&mut self, name: &ServiceName, cause: JobCause) {
        let now = self.now.wall;
        let Some(service) = self.services.get_mut(name) else { return };
        service.slot.history.count_anew();
        let why = why(&cause);
        service.job.run = Some((cause.clone(), now));
        if service.is_job() {
            service.job.record.runs = service.job.record.runs.saturating_add(1);
            service.job.record.last_run = Some(begun(cause, now));
        }
        self.persist_job(name);
        self.try_start(name, why, None);
    }

    /// The run under way is over.
    pub(super) fn end_run(&mut self, name: &ServiceName, succeeded: bool, result: &str) {
        let now = self.now.wall;
        let Some(service) = self.services.get_mut(name) else { return };
        let Some((cause, started)) = service.job.run.take() else { return };
        let (is_job, job) = (service.is_job(), &mut service.job);
        job.succeeded = succeeded;
        if job.record.last_run.as_ref().is_none_or(|run| run.started != started) {
            // It was no job when the run began.
            job.record.runs = job.record.runs.saturating_add(1);
        }
        job.record.failures = job.record.failures.saturating_add(u64::from(!succeeded));
        job.record.last_run = Some(JobRun {
            ended: Some(now),
            succeeded: Some(succeeded),
            result: result.to_owned(),
            ..begun(cause, started)
        });
        self.persist_job(name);
        if is_job && !succeeded {
            self.note(name, None, NoteKind::Job, NoteLevel::Error, format!("its run failed: {result}"));
        }
        self.ticket_ran(name, succeeded, result);
    }

    fn persist_job(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        if service.is_job() {
            let record = service.job.record.clone();
            self.actions.push_back(Action::Persist(Persist::Job(name.clone(), record)));
        }
    }

    /// A job that rests: what is queued begins.
    pub(super) fn settle_job(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        if let Some(cause) = service.job.queued.take() {
            self.begin_run(name, cause);
        }
    }

    /// Begins to ask the condition of a trigger.
    pub(super) fn start_trigger(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let Some(TriggerOn::Condition { check, every, timeout }) =
            service.spec.trigger.as_ref().map(|trigger| &trigger.on)
        else {
            return;
        };
        let probe = Probe {
            id: trigger_probe(service),
            spec: service.spec.clone(),
            check: check.clone(),
            delay: *every,
            interval: *every,
            timeout: *timeout,
        };
        self.actions.push_back(Action::StartProbe(probe));
    }

    /// Asks the condition of a trigger no more; `service` is as it was when it was asked.
    pub(super) fn stop_trigger(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        if matches!(service.spec.trigger.as_ref().map(|one| &one.on), Some(TriggerOn::Condition { .. })) {
            let id = trigger_probe(service);
            self.actions.push_back(Action::StopProbe(id));
        }
    }

    /// The condition of a trigger was answered.
    pub(super) fn trigger_told(&mut self, probe: &ProbeId, result: &ProbeResult) {
        let name = &probe.id.slot.name;
        let Some(service) = self.services.get(name) else { return };
        let rests = matches!(service.slot.state, State::Scheduled) && service.held.is_none();
        let asked =
            matches!(service.spec.trigger.as_ref().map(|one| &one.on), Some(TriggerOn::Condition { .. }));
        if rests && asked && *probe == trigger_probe(service) && *result == ProbeResult::Ok {
            self.fire(name, JobCause::Trigger(Vec::new()));
        }
    }

    /// What is shown of the runs of a service.
    pub(super) fn job_view(service: &Service) -> Option<JobView> {
        service.is_job().then(|| JobView {
            record: service.job.record.clone(),
            next_due: service.job.due,
            queued: service.job.queued.is_some(),
        })
    }
}

fn trigger_probe(service: &Service) -> ProbeId {
    let id = InstanceId { slot: service.slot.key.clone(), generation: service.slot.generation };
    ProbeId { id, what: ProbeWhat::Trigger }
}

/// A run that the record knows and no engine any more: nobody saw its end.
fn close_lost_run(service: &mut Service, now: Wall) {
    let lost = service.job.run.is_none();
    let open = service.job.record.last_run.as_mut().filter(|run| lost && run.ended.is_none());
    if let Some(run) = open {
        run.ended = Some(now);
        run.succeeded = Some(false);
        "ended unseen".clone_into(&mut run.result);
        service.job.record.failures = service.job.record.failures.saturating_add(1);
    }
}
