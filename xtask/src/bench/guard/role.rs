//! `xtask guard once|loop PROGRAM ARGUMENTS`: the process between the bench and a program that it started.
//!
//! It has a session of its own, so that what ends the bench by its process group leaves it alone, and takes the
//! orphans of its program. Its standard input is a pipe whose other end the bench alone holds: when that closes, for
//! whatever reason, SIGKILL included, everything below this process is killed, and it ends. `loop` starts the program
//! again whenever it has ended, with nothing in between: the floor for every supervisor.

use super::super::processes::descendants;
use super::super::restart::monotonic;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The pause between two rounds of killing what is left.
const NEXT_ROUND_AFTER: Duration = Duration::from_millis(2);

/// Is a guard, until the bench has let go or the program has ended.
///
/// # Errors
/// The words are not understood, or the program cannot be started.
pub(crate) fn role(words: &[String]) -> Result<ExitCode> {
    let (again, program) = match words {
        [mode, program @ ..] if !program.is_empty() && matches!(mode.as_str(), "once" | "loop") => {
            (mode == "loop", program)
        }
        _ => bail!("guard once|loop PROGRAM ARGUMENTS is for the bench alone"),
    };
    // It fails for the leader of a group, who is nobody's background process.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .context("failed to take orphans")?;
    let ending = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ending);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        asked.store(true, Ordering::SeqCst);
        // Until the process ends: the other thread may have started the program a last time.
        loop {
            kill_descendants();
            pause();
        }
    });
    let mut told = false;
    while !ending.load(Ordering::SeqCst) {
        let began = monotonic();
        let mut child = start(program)?;
        if !std::mem::replace(&mut told, true) {
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "{began} {}", child.id())
                .and_then(|()| stdout.flush())
                .context("nobody listens")?;
        }
        // The other thread may have reaped it; then there is nothing to wait for either.
        let _ = child.wait();
        if !again {
            break;
        }
    }
    kill_descendants();
    Ok(ExitCode::SUCCESS)
}

fn start(program: &[String]) -> Result<Child> {
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().with_context(|| format!("failed to start {}", program[0]))
}

/// Kills what is below this process, parents first, until nothing is.
fn kill_descendants() {
    loop {
        let left = descendants(std::process::id());
        for pid in &left {
            if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        while matches!(rustix::process::wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        if left.is_empty() {
            return;
        }
        pause();
    }
}

fn pause() {
    // real delay: the end of somebody else's child is no event for this process.
    std::thread::sleep(NEXT_ROUND_AFTER);
}
