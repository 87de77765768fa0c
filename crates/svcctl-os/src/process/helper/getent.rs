//! Asks `getent`, with nothing in its environment that could lead it astray.

use crate::process::linux::{Executable, Plain, Spawner};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

/// Where it is on every distribution that has it.
const GETENT: &str = "/usr/bin/getent";
/// The most that is read of an answer.
const ANSWER_MAX_BYTES: u64 = 64 * 1024;

/// Its answer; `None` where there is no getent, or it knows nothing. The start timeout of the service bounds the wait.
pub(super) fn getent(question: &[&str]) -> Option<String> {
    // Not every getent knows `--`, and no name begins like an option.
    if question.iter().any(|word| word.starts_with('-')) {
        return None;
    }
    ask(question).ok().flatten().filter(|answer| !answer.trim().is_empty())
}

fn ask(question: &[&str]) -> io::Result<Option<String>> {
    let spawner = Spawner::new()?;
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    let argv = [GETENT].iter().chain(question).map(|word| word.as_bytes().to_vec()).collect();
    let null = Some(spawner.null());
    let plain = Plain {
        executable: Executable::File(OsStr::new(GETENT)),
        argv,
        env: vec![b"PATH=/usr/bin:/bin".to_vec()],
        stdio: [null, Some(write.as_fd()), null],
        inherit: Vec::new(),
    };
    let (child, mut spawning) = spawner.start_plain(&plain).map_err(io::Error::other)?;
    drop(write);
    let mut answer = String::new();
    File::from(read).take(ANSWER_MAX_BYTES).read_to_string(&mut answer)?;
    let ended = waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED)?;
    // It has ended, so this frees what the child used.
    spawning.poll()?;
    Ok(ended.and_then(|status| status.exit_status()).filter(|code| *code == 0).map(|_| answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_root_and_nobody_else_by_a_wrong_name() {
        assert!(getent(&["passwd", "root"]).unwrap().starts_with("root:"));
        assert_eq!(getent(&["passwd", "no-such-user"]), None);
        assert_eq!(getent(&["passwd", "--help"]), None);
    }
}
