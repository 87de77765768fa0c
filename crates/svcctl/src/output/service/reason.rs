//! Why a service is as it is, and what comes next, in a few words.

use super::super::age::{Clock, ago, since, until};
use super::super::printable::printable;
use jiff::Timestamp;
use std::time::Duration;
use svcctl_core::spec::duration;
use svckit::control::types::{JobRun, LastExit, Service};

/// What calls for somebody's attention, a word each: `held`, `unhealthy`, `outdated`, `pending`.
pub(super) fn marks(service: &Service) -> Vec<&'static str> {
    let marks = [
        (service.held.is_some(), "held"),
        (service.health == "unhealthy", "unhealthy"),
        (service.outdated, "outdated"),
        (service.pending, "pending"),
    ];
    marks.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
}

/// The why and the next of one row: `restart in 4 s, attempt 3`, `waits for db, which is not ready`.
pub(super) fn glance(service: &Service, now: Timestamp) -> String {
    let text = match service.phase.as_str() {
        "backoff" => {
            [attempt(service), cause(service, now)].into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
        "waiting" => waits(&service.waiting_for).unwrap_or_else(|| service.why.clone()),
        "failed" => short(&service.why),
        "scheduled" => scheduled(service, now),
        "starting" => match &service.last_probe_error {
            Some(error) => format!("not ready: {error}"),
            None => service.why.clone(),
        },
        "running" => running(service, now),
        "stopping" if !service.stuck.is_empty() => stuck(&service.stuck),
        "stopped" => stopped(service),
        _ => service.why.clone(),
    };
    printable(&text).into_owned()
}

/// `restart in 4 s, attempt 3`, while a next attempt is due.
pub(super) fn attempt(service: &Service) -> Option<String> {
    let wait = duration::for_people(Duration::from_millis(service.next_attempt_ms?));
    Some(format!("restart in {wait}, attempt {}", service.restarts.max(1)))
}

/// How the last attempt ended.
fn cause(service: &Service, now: Timestamp) -> Option<String> {
    match (&service.last_spawn_error, &service.last_exit) {
        (Some(error), _) => Some(format!("could not be started: {error}")),
        (None, Some(exit)) => Some(ended(exit, now)),
        (None, None) => None,
    }
}

/// `killed by SIGKILL 3 m ago`, `exit 1, 3 m ago`.
fn ended(exit: &LastExit, now: Timestamp) -> String {
    let comma = if exit.code.is_some() { "," } else { "" };
    format!("{}{comma} {}", short(&exit.text), ago(&exit.at, now))
}

fn running(service: &Service, now: Timestamp) -> String {
    if let Some(run) =
        service.job.as_ref().and_then(|job| job.last.as_ref()).filter(|run| run.ended.is_none())
    {
        return format!("runs for {} ({})", since(&run.started, now), run.cause);
    }
    if service.health == "unhealthy" {
        return service.health_error.clone().unwrap_or_else(|| "its health check fails".to_owned());
    }
    if let (1.., Some(exit)) = (service.restarts, &service.last_exit) {
        return ended(exit, now);
    }
    service.why.clone()
}

fn stopped(service: &Service) -> String {
    match &service.held {
        Some(held) if held.reason.is_empty() => "held".to_owned(),
        Some(held) => format!("held: {}", held.reason),
        None => service.why.clone(),
    }
}

fn scheduled(service: &Service, now: Timestamp) -> String {
    let next = service.job.as_ref().and_then(|job| job.next.as_ref());
    match next.and_then(|next| next.parse::<Timestamp>().ok()) {
        Some(next) => format!("next run {} ({})", until(next, now), clock(service).short(next, now)),
        None => {
            service.job.as_ref().map_or_else(|| service.why.clone(), |job| format!("runs at: {}", job.when))
        }
    }
}

/// The clock that the schedule of a service goes by.
pub(super) fn clock(service: &Service) -> Clock {
    Clock::of(service.spec.get("schedule").and_then(|schedule| schedule.get("timezone")?.as_str()))
}

/// What is done next by itself: `restart in 4 s, attempt 3`, `next run 2026-11-25 02:30 Europe/Prague (in 5 h)`.
pub(super) fn next(service: &Service, now: Timestamp) -> Option<String> {
    if let Some(attempt) = attempt(service) {
        return Some(attempt);
    }
    if let Some(next) = service.job.as_ref().and_then(|job| job.next.as_ref()?.parse::<Timestamp>().ok()) {
        return Some(format!("next run {} ({})", clock(service).long(next), until(next, now)));
    }
    (service.phase == "failed")
        .then(|| format!("nothing, it was given up; try it again with: svcctl reset {}", service.name))
}

/// `waits for db, which is not ready; for cache, which is not ready`; none when it waits for nothing.
pub(super) fn waits(waiting_for: &[String]) -> Option<String> {
    (!waiting_for.is_empty()).then(|| format!("waits for {}", waited(waiting_for)))
}

/// `db, which is not ready; cache, which is not ready`.
pub(super) fn waited(waiting_for: &[String]) -> String {
    let parts = waiting_for.iter().map(|sentence| match sentence.split_once(" is ") {
        Some(("it", state)) => format!("a change, since it is {state}"),
        Some((on, state)) if !on.contains(' ') => format!("{on}, which is {state}"),
        Some(_) | None => sentence.clone(),
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// `exit 78, never restarted` for `exited with code 78, which is never restarted`.
pub(super) fn short(text: &str) -> String {
    text.replace("exited with code ", "exit ").replace(", which is never restarted", ", never restarted")
}

pub(super) fn stuck(pids: &[u32]) -> String {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    format!("processes that cannot be ended: {}", pids.join(", "))
}

/// How the last process ended: `killed by SIGKILL, 3 m ago`, `exited with code 78, never restarted, 3 m ago`.
pub(super) fn last_exit(service: &Service, now: Timestamp) -> Option<String> {
    let exit = service.last_exit.as_ref()?;
    let is_final = service.phase == "failed" && service.why.contains("never restarted");
    let never = if is_final { ", never restarted" } else { "" };
    Some(format!("{}{never}, {}", exit.text, ago(&exit.at, now)))
}

/// `exited with code 0, 3 m ago (schedule)`, `under way for 3 m (command)`.
pub(super) fn run(run: &JobRun, now: Timestamp) -> String {
    match &run.ended {
        Some(ended) => format!("{}, {} ({})", run.result, ago(ended, now), run.cause),
        None => format!("under way for {} ({})", since(&run.started, now), run.cause),
    }
}
