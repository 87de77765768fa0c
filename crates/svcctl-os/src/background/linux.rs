//! Linux: fork(2) twice, so that the daemon is no session leader and can never get a terminal by opening one.

use super::{BackgroundError, Detached, MESSAGE_MAX_BYTES, Verdict};
use rustix::fs::{Mode, OFlags, open};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, chdir, setsid, umask, waitpid};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;

/// The first byte of a message that says that it serves.
const SERVES: u8 = 0;
/// The first byte of a message that says that it does not; the exit code and the sentence follow.
const FAILED: u8 = 1;

#[derive(Debug)]
pub(super) struct Reporter(OwnedFd);

impl Reporter {
    pub(super) fn report(self, verdict: &Verdict) {
        let message = match verdict {
            Verdict::Ok => vec![SERVES],
            Verdict::Failed { exit_code, message } => {
                let sentence = message.bytes().take(MESSAGE_MAX_BYTES);
                [FAILED, *exit_code].into_iter().chain(sentence).collect()
            }
        };
        // One write below PIPE_BUF is whole. If nobody waits any more, nobody needs to know.
        let _ = rustix::io::write(&self.0, &message);
    }
}

pub(super) fn detach(log: Option<&Path>) -> Result<Detached, BackgroundError> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(BackgroundError::Threads(threads));
    }
    let inherited = inherited()?;
    let streams = Streams::open(log)?;
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
    if let Some(middle) = fork()? {
        drop(write);
        waitpid(Some(middle), WaitOptions::empty()).map_err(io::Error::from)?;
        return Ok(Detached::Foreground(verdict(read, log)));
    }
    drop(read);
    let _ = setsid();
    match fork() {
        Ok(None) => {}
        // The middle process: nothing of what main would still do concerns it.
        Ok(Some(_)) => end_at_once(0),
        Err(error) => {
            let message = format!("go into the background: {error}");
            Reporter(write).report(&Verdict::Failed { exit_code: 1, message });
            end_at_once(1)
        }
    }
    umask(Mode::from_raw_mode(0o022));
    let _ = chdir("/");
    streams.take_over()?;
    close(&inherited);
    Ok(Detached::Background(super::Reporter(Reporter(write))))
}

/// The descriptors, besides the standard streams, that the caller's caller left open: locks of a script, pipes whose
/// reader waits for their end. They are known by not being close-on-exec, as everything is that this process opens.
fn inherited() -> io::Result<Vec<RawFd>> {
    let mut inherited = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        inherited.extend(number.filter(|number| *number > libc::STDERR_FILENO && survives_exec(*number)));
    }
    Ok(inherited)
}

fn survives_exec(number: RawFd) -> bool {
    // SAFETY: F_GETFD takes no argument and changes nothing; a number that is not open is an error.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags != -1 && flags & libc::FD_CLOEXEC == 0
}

fn close(inherited: &[RawFd]) {
    for number in inherited {
        // SAFETY: nothing in this process owns these descriptors: what it opens itself is close-on-exec, and is not
        // among them. What the forks before have open is their own copy.
        unsafe { libc::close(*number) };
    }
}

/// What the standard streams become.
struct Streams {
    null: OwnedFd,
    log: Option<OwnedFd>,
}

impl Streams {
    fn open(log: Option<&Path>) -> Result<Self, BackgroundError> {
        let null =
            open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(io::Error::from)?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
        let log = log.map(|path| {
            open(path, flags, Mode::from_raw_mode(0o640))
                .map_err(|error| BackgroundError::Log { path: path.to_owned(), source: error.into() })
        });
        Ok(Self { null, log: log.transpose()? })
    }

    fn take_over(self) -> io::Result<()> {
        let output = self.log.as_ref().unwrap_or(&self.null);
        rustix::stdio::dup2_stdin(&self.null)?;
        rustix::stdio::dup2_stdout(output)?;
        rustix::stdio::dup2_stderr(output)?;
        Ok(())
    }
}

/// The child's pid in the parent, `None` in the child.
fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the process has one thread (`detach` has looked), so no lock is held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(Pid::from_raw(pid)),
    }
}

fn end_at_once(code: i32) -> ! {
    // SAFETY: _exit ends the process without running what the program registered for its end; that is the point.
    unsafe { libc::_exit(code) }
}

fn verdict(read: OwnedFd, log: Option<&Path>) -> Verdict {
    let mut message = Vec::new();
    // A read error is taken as silence.
    let _ = File::from(read).read_to_end(&mut message);
    match message.split_first() {
        Some((&SERVES, _)) => Verdict::Ok,
        Some((&FAILED, [exit_code, sentence @ ..])) => {
            Verdict::Failed { exit_code: *exit_code, message: String::from_utf8_lossy(sentence).into_owned() }
        }
        _ => {
            let place = log.map_or_else(String::new, |log| format!("; see {}", log.display()));
            Verdict::Failed {
                exit_code: 1,
                message: format!("the background process ended without a word{place}"),
            }
        }
    }
}
