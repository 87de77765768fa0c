//! The runs of a service that has a schedule or a trigger, as the API has them.

use super::timestamp;
use svcctl_core::spec::duration;
use svcctl_core::spec::model::{Check, PathEvent, Schedule, TcpTarget, Timing, TriggerOn};
use svcctl_core::spec::{ServiceSpec, Template};
use svcctl_core::supervisor::event::{JobCause, JobRun};
use svcctl_core::supervisor::view::JobView;
use svckit::control::types;

/// A job as the API's document.
pub(super) fn job(spec: &ServiceSpec, view: JobView) -> types::Job {
    let record = view.record;
    types::Job {
        when: when(spec),
        next: view.next_due.map(timestamp),
        last: record.last_run.map(run),
        runs: record.runs,
        failures: record.failures,
        skipped: record.skipped,
        missed: record.missed,
        queued: view.queued,
    }
}

fn run(run: JobRun) -> types::JobRun {
    let cause = match run.cause {
        JobCause::Schedule(_) => "schedule",
        JobCause::Missed(_) => "missed",
        JobCause::Trigger(_) => "trigger",
        JobCause::Command => "command",
    };
    types::JobRun {
        cause: cause.to_owned(),
        started: timestamp(run.started),
        ended: run.ended.map(timestamp),
        succeeded: run.succeeded,
        result: run.result,
    }
}

/// What makes it run, for people.
fn when(spec: &ServiceSpec) -> String {
    let schedule = spec.schedule.as_ref().map(scheduled);
    let trigger = spec.trigger.as_ref().map(|trigger| triggered(&trigger.on));
    let both: Vec<String> = schedule.into_iter().chain(trigger).collect();
    if both.is_empty() { "by command".to_owned() } else { both.join("; ") }
}

fn scheduled(schedule: &Schedule) -> String {
    let timing = match &schedule.timing {
        Timing::Cron(cron) => cron.as_str().to_owned(),
        Timing::Every(interval) => format!("every {}", duration::format(*interval)),
    };
    match &schedule.timezone {
        Some(zone) => format!("{timing} ({zone})"),
        None => timing,
    }
}

fn triggered(on: &TriggerOn) -> String {
    match on {
        TriggerOn::Path { path, events } => {
            let words: Vec<&str> = events
                .iter()
                .map(|event| match event {
                    PathEvent::Create => "create",
                    PathEvent::Modify => "modify",
                    PathEvent::Delete => "delete",
                })
                .collect();
            format!("{} in {path}", words.join(", "))
        }
        TriggerOn::Condition { check, every, timeout: _ } => {
            format!("{} every {}", asked(check), duration::format(*every))
        }
    }
}

fn asked(check: &Check) -> String {
    match check {
        Check::Tcp(TcpTarget::Address(address)) => format!("tcp {address}"),
        Check::Tcp(TcpTarget::Name(host, port)) => format!("tcp {host}:{port}"),
        Check::Tcp(TcpTarget::Template(address)) => format!("tcp {}", address.as_written()),
        Check::Http(http) => format!("http {}", http.url.as_written()),
        Check::Exec(words) => {
            let words: Vec<&str> = words.iter().map(Template::as_written).collect();
            format!("exec {}", words.join(" "))
        }
        Check::Log(pattern) => format!("log {pattern}"),
        Check::Exists(path) => format!("exists {}", path.as_written()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn when_of(key: &str, value: Value) -> String {
        let mut document = json!({"spec": 1, "name": "job", "exec": ["/bin/true"]});
        document[key] = value;
        when(&svcctl_core::spec::decode(&document).unwrap())
    }

    #[test]
    fn what_makes_a_job_run_is_told_for_people() {
        let zoned = json!({"cron": "30 2 * * *", "timezone": "Europe/Prague"});
        assert_eq!(when_of("schedule", zoned), "30 2 * * * (Europe/Prague)");
        assert_eq!(when_of("schedule", json!({"every": "5m"})), "every 5m");
        assert_eq!(when_of("trigger", json!({"path": "/in", "on": ["create"]})), "create in /in");
        let asked = json!({"condition": {"exec": ["/bin/due", "now"]}, "every": "30s"});
        assert_eq!(when_of("trigger", asked), "exec /bin/due now every 30s");
    }
}
