//! `svcctl run`: one service, not stored, and the engine ends with it.

use crate::answer::failure;
use crate::queue::DriverHandle;
use std::sync::Arc;
use svcctl_core::spec::{self, ServiceSpec};
use svcctl_core::supervisor::event::{Command, ExitStatus, Restored};
use svcctl_core::supervisor::reply::Reply;
use svcctl_core::supervisor::state::{Desired, Phase};
use svckit::control::types::{Failure, FailureKind};

/// What a shell adds to the number of the signal that killed a program (POSIX: greater than 128).
const SIGNAL_CODE_BASE: i32 = 128;

/// The one service.
#[derive(Clone, Debug)]
pub(crate) struct RunMode {
    spec: Arc<ServiceSpec>,
}

impl RunMode {
    /// Reads the specification (JSON).
    ///
    /// # Errors
    /// `Invalid`, with every problem.
    pub(crate) fn parse(document: &str) -> Result<Self, Failure> {
        let document: serde_json::Value = serde_json::from_str(document).map_err(|error| {
            failure(FailureKind::Invalid, format!("the specification cannot be read: {error}"))
        })?;
        let spec = spec::decode(&document).map_err(|problems| {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure { kind: FailureKind::Invalid, message: told.join("; "), problems }
        })?;
        Ok(Self { spec: Arc::new(spec) })
    }

    /// The service as if a store had it: wanted up, whatever engine this is.
    pub(crate) fn restored(&self) -> Restored {
        Restored { spec: Arc::clone(&self.spec), revision: 1, desired: Desired::Up, held: None, job: None }
    }

    /// Whether nothing may follow this phase by itself.
    pub(crate) fn may_be_the_end(phase: Phase) -> bool {
        match phase {
            Phase::Stopped | Phase::Completed | Phase::Failed => true,
            Phase::Waiting
            | Phase::Scheduled
            | Phase::Starting
            | Phase::Running
            | Phase::Stopping
            | Phase::Backoff => false,
        }
    }

    /// The exit code of `svcctl run`, if its service has come to its end: the program's own, as a shell gives it; 0
    /// after a stop that was asked for; 1 when there never was a process.
    pub(crate) async fn ended(&self, driver: &DriverHandle) -> Option<u8> {
        let answer = driver.ask(Command::Show(Some(self.spec.name.clone()))).await.ok()?;
        let Reply::Views(views) = answer.reply else { return None };
        let view = views.into_iter().next()?;
        match view.phase {
            Phase::Stopped => Some(0),
            Phase::Completed => Some(view.last_exit.map_or(0, |(status, _)| exit_code(status))),
            Phase::Failed => Some(view.last_exit.map_or(1, |(status, _)| exit_code(status).max(1))),
            Phase::Waiting
            | Phase::Scheduled
            | Phase::Starting
            | Phase::Running
            | Phase::Stopping
            | Phase::Backoff => None,
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    match status {
        ExitStatus::Code(code) => u8::try_from(code).unwrap_or(1),
        ExitStatus::Signal(signal) => u8::try_from(SIGNAL_CODE_BASE + signal).unwrap_or(1),
        ExitStatus::Unknown => 1,
    }
}
