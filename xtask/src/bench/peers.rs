//! The peers: supervisors of Debian, each set up to keep one program alive in a directory.

use crate::test::find_program;
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// One peer.
pub(super) struct Peer {
    /// Debian's package.
    pub(super) package: &'static str,
    /// Its program.
    pub(super) program: &'static str,
    prepare: fn(&Path, &[String]) -> Result<Vec<String>>,
}

pub(super) const PEERS: &[Peer] = &[
    Peer { package: "runit", program: "runsv", prepare: run_script },
    Peer { package: "s6", program: "s6-supervise", prepare: run_script },
    Peer { package: "supervisor", program: "supervisord", prepare: supervisord_conf },
];

/// A peer that runs. It is asked to end, with its program, when this is dropped.
pub(super) struct Running(Child);

impl Peer {
    /// Lets it keep the program `exec` alive, with its files in `place`; `None` if it is not installed.
    ///
    /// # Errors
    /// Its files cannot be written, or it cannot be started.
    pub(super) fn start(&self, place: &Path, exec: &[String]) -> Result<Option<Running>> {
        let Some(program) = find_program(self.program) else { return Ok(None) };
        std::fs::create_dir_all(place).with_context(|| format!("failed to make {}", place.display()))?;
        let arguments = (self.prepare)(place, exec)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("failed to start {}", self.program))?;
        Ok(Some(Running(child)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        svcctl_tests::processes::signal(self.0.id(), rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

/// runit and s6: a directory with an executable `run`.
fn run_script(place: &Path, exec: &[String]) -> Result<Vec<String>> {
    let script = place.join("run");
    let words: Vec<String> = exec.iter().map(|word| format!("'{word}'")).collect();
    std::fs::write(&script, format!("#!/bin/sh\nexec {}\n", words.join(" ")))
        .context("failed to write a run script")?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
        .context("failed to make it runnable")?;
    Ok(vec![place.to_string_lossy().into_owned()])
}

/// supervisord: restarts at once, as often as it takes.
fn supervisord_conf(place: &Path, exec: &[String]) -> Result<Vec<String>> {
    let conf = place.join("supervisord.conf");
    let (directory, command) = (place.display(), exec.join(" "));
    let text = format!(
        "[supervisord]\nlogfile={directory}/log\npidfile={directory}/pid\nchildlogdir={directory}\n[program:bench]\n\
         command={command}\nautorestart=true\nstartsecs=0\nstartretries=1000000\n"
    );
    std::fs::write(&conf, text).context("failed to write supervisord.conf")?;
    Ok(vec!["-n".to_owned(), "-c".to_owned(), conf.to_string_lossy().into_owned()])
}

/// The floor for every supervisor: a program that starts another one, waits for its end, and starts it again.
pub(super) struct BareLoop {
    thread: Option<std::thread::JoinHandle<()>>,
    ending: Arc<AtomicBool>,
    pid: Arc<AtomicU32>,
}

impl BareLoop {
    /// Keeps `exec` alive from a thread of this process.
    pub(super) fn start(exec: &[String]) -> Self {
        let (ending, pid) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (asked, told, exec) = (Arc::clone(&ending), Arc::clone(&pid), exec.to_owned());
        let thread = std::thread::spawn(move || {
            while !asked.load(Ordering::SeqCst) {
                let Ok(mut child) = Command::new(&exec[0]).args(&exec[1..]).stdin(Stdio::null()).spawn()
                else {
                    return;
                };
                told.store(child.id(), Ordering::SeqCst);
                let _ = child.wait();
            }
        });
        Self { thread: Some(thread), ending, pid }
    }
}

impl Drop for BareLoop {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        svcctl_tests::processes::kill(self.pid.load(Ordering::SeqCst));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
