//! Many services under one supervisor: svcctl's peers of Debian, each as its manual says.
//!
//! For runit and s6 a service is a directory with a shell script `run` that becomes the program; capturing output
//! takes a second supervised program a service, `log/run`. supervisord has one file, and captures always.

use super::guard::{Guarded, Times};
use super::restart::monotonic;
use crate::test::find_program;
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use svcctl_tests::{Fixture, wait_until};

/// How many services there are.
pub(super) const SERVICES: usize = 1_000;

/// What a service writes.
pub(super) const LINE: &str = "hello";

/// How long all may take to start: the slowest peer takes half a minute on a quiet machine.
const STARTED_WITHIN: Duration = Duration::from_mins(3);

/// A supervisor of many services.
pub(super) struct Supervisor {
    /// What it is called in tables.
    pub(super) name: &'static str,
    /// Its program.
    program: &'static str,
    /// Writes what it needs into the directory; gives its arguments.
    prepare: fn(&Path, &[String]) -> Result<Vec<String>>,
    /// The command that shows one service, if this is the row to ask.
    pub(super) status: Option<Status>,
    /// Whether it captures what services write.
    pub(super) captures: bool,
    /// How often its start is measured: the slow ones less often.
    pub(super) starts: usize,
}

/// How a peer is asked about one service.
pub(super) struct Status {
    /// What is shown of it.
    pub(super) shown: &'static str,
    /// How often.
    pub(super) times: usize,
    command: fn(&Path, &str) -> Vec<String>,
}

pub(super) const SUPERVISORS: &[Supervisor] = &[
    Supervisor {
        name: "s6-svscan",
        program: "s6-svscan",
        prepare: |place, exec| s6(place, exec, None),
        status: Some(Status {
            shown: "`s6-svstat DIR`",
            times: 500,
            command: |place, name| vec!["s6-svstat".to_owned(), directory(place, name)],
        }),
        captures: false,
        starts: 3,
    },
    Supervisor {
        name: "s6-svscan, an s6-log each",
        program: "s6-svscan",
        prepare: |place, exec| s6(place, exec, Some("s6-log n20 s1000000 T ./main")),
        status: None,
        captures: true,
        starts: 2,
    },
    Supervisor {
        name: "runsvdir",
        program: "runsvdir",
        prepare: |place, exec| runit(place, exec, None),
        status: Some(Status {
            shown: "`sv status DIR`",
            times: 500,
            command: |place, name| vec!["sv".to_owned(), "status".to_owned(), directory(place, name)],
        }),
        captures: false,
        starts: 3,
    },
    Supervisor {
        name: "runsvdir, an svlogd each",
        program: "runsvdir",
        prepare: |place, exec| runit(place, exec, Some("svlogd -tt ./main")),
        status: None,
        captures: true,
        starts: 2,
    },
    Supervisor {
        name: "supervisord",
        program: "supervisord",
        prepare: supervisord,
        status: Some(Status {
            shown: "`supervisorctl status NAME`",
            times: 10,
            command: |place, name| {
                let conf = conf(place).to_string_lossy().into_owned();
                ["supervisorctl", "-c", &conf, "status", name].map(str::to_owned).into()
            },
        }),
        captures: true,
        starts: 2,
    },
];

impl Supervisor {
    /// Starts it with [`SERVICES`] services that all run `exec`, its files in `place`, which is made anew; `None` if
    /// it is not installed.
    ///
    /// # Errors
    /// Its files cannot be written, or it cannot be started.
    pub(super) fn start(&self, place: &Path, exec: &[String]) -> Result<Option<Guarded>> {
        let Some(program) = find_program(self.program) else { return Ok(None) };
        if place.exists() {
            std::fs::remove_dir_all(place)
                .with_context(|| format!("failed to remove {}", place.display()))?;
        }
        std::fs::create_dir_all(place).with_context(|| format!("failed to make {}", place.display()))?;
        let mut words = vec![program.to_string_lossy().into_owned()];
        words.extend((self.prepare)(place, exec)?);
        Guarded::start(Times::Once, &words, place).map(Some)
    }
}

impl Status {
    /// The command line that asks about the service `name` of the supervisor in `place`.
    pub(super) fn command(&self, place: &Path, name: &str) -> Vec<String> {
        (self.command)(place, name)
    }
}

/// A program that writes [`LINE`] and stays.
pub(super) fn says_hello(fixture: &Fixture) -> Vec<String> {
    let program = fixture.program().to_string_lossy().into_owned();
    vec![program, "say-and-stay".to_owned(), LINE.to_owned()]
}

/// The names of the services.
pub(super) fn names() -> Vec<String> {
    (0..SERVICES).map(|number| format!("bench-{number:04}")).collect()
}

/// Waits until [`SERVICES`] processes have noted in `starts` that they began after `since`; gives how long after it
/// the last one did.
pub(super) fn all_started(starts: &Path, since: u64) -> Duration {
    let last = wait_until(STARTED_WITHIN, "all services have started", || {
        let text = std::fs::read_to_string(starts).ok()?;
        let at = |line: &str| line.split(' ').next().and_then(|at| at.parse::<u64>().ok());
        let after: Vec<u64> = text.lines().filter_map(at).filter(|at| *at > since).collect();
        (after.len() >= SERVICES).then(|| after.into_iter().max()).flatten()
    });
    Duration::from_nanos(last - since)
}

/// Waits until [`SERVICES`] processes of services are there by `count`.
pub(super) fn all_there(count: impl Fn() -> usize) {
    let began = monotonic();
    wait_until(STARTED_WITHIN, "all services are there", || (count() == SERVICES).then_some(()));
    println!("{SERVICES} services are there after {:.1} s more", seconds_since(began));
}

fn seconds_since(began: u64) -> f64 {
    Duration::from_nanos(monotonic() - began).as_secs_f64()
}

fn services(place: &Path) -> PathBuf {
    place.join("services")
}

fn directory(place: &Path, name: &str) -> String {
    services(place).join(name).to_string_lossy().into_owned()
}

fn conf(place: &Path) -> PathBuf {
    place.join("supervisord.conf")
}

/// s6 takes at most 1,000 services unless told otherwise, loggers counted.
fn s6(place: &Path, exec: &[String], logger: Option<&str>) -> Result<Vec<String>> {
    run_scripts(place, exec, logger)?;
    let services = services(place).to_string_lossy().into_owned();
    Ok(vec!["-c".to_owned(), (4 * SERVICES).to_string(), services])
}

fn runit(place: &Path, exec: &[String], logger: Option<&str>) -> Result<Vec<String>> {
    run_scripts(place, exec, logger)?;
    Ok(vec![services(place).to_string_lossy().into_owned()])
}

fn run_scripts(place: &Path, exec: &[String], logger: Option<&str>) -> Result<()> {
    let program = exec.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    for name in names() {
        let directory = services(place).join(name);
        run_script(&directory, &program)?;
        if let Some(logger) = logger {
            let log = directory.join("log");
            run_script(&log, logger)?;
            std::fs::create_dir(log.join("main")).context("failed to make a directory for a log")?;
        }
    }
    Ok(())
}

/// Makes a directory with an executable `run` that becomes `program`.
///
/// # Errors
/// It cannot be written.
pub(super) fn run_script(directory: &Path, program: &str) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
    let script = directory.join("run");
    std::fs::write(&script, format!("#!/bin/sh\nexec {program}\n"))
        .context("failed to write a run script")?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
        .context("failed to make it runnable")
}

/// A process counts as started at once; the default waits for a second.
fn supervisord(place: &Path, exec: &[String]) -> Result<Vec<String>> {
    let (directory, command) = (place.display(), exec.join(" "));
    let mut text = format!(
        "[supervisord]\nlogfile={directory}/log\npidfile={directory}/pid\nchildlogdir={directory}\nminfds=8192\n\
         [unix_http_server]\nfile={directory}/socket\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://{directory}/socket\n"
    );
    for name in names() {
        let program = format!("[program:{name}]\ncommand={command}\nautorestart=true\n");
        text.push_str(&program);
        text.push_str("startsecs=0\nstartretries=1000000\n");
    }
    std::fs::write(conf(place), text).context("failed to write supervisord.conf")?;
    Ok(vec!["-n".to_owned(), "-c".to_owned(), conf(place).to_string_lossy().into_owned()])
}
