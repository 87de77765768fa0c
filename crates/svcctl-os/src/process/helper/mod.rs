//! The exec helper: takes the limits, the user and the umask that a service runs with, then becomes the service itself.
//!
//! It is the binary's own code in a process of its own, so it may do what a child that shares its parent's memory must
//! not: read files, ask `getent`, fail at length. It reads the program from the memfd that it was given, and reports
//! failures through the spawner's status pipe, like any child. Nothing of it is left once the program runs.

mod accounts;
mod become_user;
mod getent;
mod limits;

use super::linux::{directory, errno_text, exec_here, write_failure};
use super::{Identity, Program};
use accounts::Account;
pub use accounts::is_member;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The exit code of a helper that could not become its program; the spawner reads the reason from the pipe.
const EXIT_FAILED: u8 = 127;

/// The whole of `svcctl __exec STATUS IMAGE`, where both are numbers of inherited descriptors. Comes back only on
/// failure, with the exit code. To be called before any thread is started.
pub fn helper_main() -> u8 {
    let numbers: Vec<RawFd> = std::env::args().skip(2).filter_map(|number| number.parse().ok()).collect();
    let [status, image] = numbers[..] else {
        eprintln!("svcctl: __exec is what svcctl calls itself; there is nothing to use it for by hand");
        return 2;
    };
    let (Ok(status), Ok(image)) = (inherited(status), inherited(image)) else {
        eprintln!("svcctl: __exec was called without its descriptors");
        return 2;
    };
    let message = match run(File::from(image), status.as_fd()) {
        Ok(never) => match never {},
        Err(message) => message,
    };
    if write_failure(status.as_fd(), &message).is_err() {
        eprintln!("svcctl: {message}");
    }
    EXIT_FAILED
}

/// Whether the user and group of an identity exist.
///
/// # Errors
/// A sentence fragment such as `user svc does not exist`.
pub fn find_account(identity: &Identity) -> Result<(), String> {
    accounts::resolve(identity).map(drop)
}

/// Takes an inherited descriptor and marks it close-on-exec, so that the program does not get it.
fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_SETFD changes one flag of a descriptor number; on a number that is not open it fails.
    if number < 3 || unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the number is open, was inherited over exec, and no value of this process owns it: `helper_main` takes
    // each of its two numbers once, at the beginning of the process.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn run(mut image: File, status: BorrowedFd<'_>) -> Result<Infallible, String> {
    let mut bytes = Vec::new();
    image
        .rewind()
        .and_then(|()| image.read_to_end(&mut bytes))
        .map_err(|error| format!("its image: {error}"))?;
    drop(image);
    let mut program = Program::decode(&bytes).ok_or("its image is damaged")?;
    let identity = program.identity.take().unwrap_or_default();
    let account = accounts::resolve(&identity)?;
    // As long as there are rights to raise them.
    limits::apply(&program.limits)?;
    become_user::become_user(&account)?;
    complete_environment(&mut program, &account);
    enter(directory(&program))?;
    if let Some(umask) = program.umask {
        rustix::process::umask(rustix::fs::Mode::from_bits_truncate(umask));
    }
    debug_assert!(status.as_raw_fd() > 2);
    exec_here(&program, status).map_err(|error| error.to_string())
}

fn enter(directory: &[u8]) -> Result<(), String> {
    rustix::process::chdir(directory).map_err(|error| {
        let why = match error.raw_os_error() {
            libc::ENOENT => "no such directory".to_owned(),
            libc::ENOTDIR => "not a directory".to_owned(),
            code => errno_text(code),
        };
        format!("working directory {}: {why}", String::from_utf8_lossy(directory))
    })
}

/// What a login would set for the user, where the image does not say otherwise.
fn complete_environment(program: &mut Program, account: &Account) {
    let Some(user) = &account.user else { return };
    let values =
        [("HOME", &user.home), ("USER", &user.name), ("LOGNAME", &user.name), ("SHELL", &user.shell)];
    for (name, value) in values {
        if !value.is_empty() && program.variable(name).is_none() {
            program.env.push(format!("{name}={value}").into_bytes());
        }
    }
}
