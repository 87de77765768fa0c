//! Linux: `posix_spawnp(3)`, which leaves session and process group as they are.

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::ffi::{CString, OsStr, OsString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// What the program gets with its default action, whatever this process does with it.
const DEFAULTED: [c_int; 3] = [libc::SIGPIPE, libc::SIGINT, libc::SIGQUIT];
/// `POSIX_SPAWN_SETSIGDEF`, which libc has in a wider type than the function takes.
const SETSIGDEF: libc::c_short = 4;
/// The keys that are the program's.
const KEYS: [c_int; 2] = [libc::SIGINT, libc::SIGQUIT];

#[derive(Debug)]
pub(super) struct Running {
    pid: Pid,
    input: OwnedFd,
}

impl Running {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.input, bytes)?)
    }

    pub(super) fn finish(self) -> io::Result<()> {
        drop(self.input);
        wait(self.pid).map(drop)
    }
}

/// Waits until the program has ended, and listens to the keys again.
fn wait(pid: Pid) -> io::Result<Option<i32>> {
    let ended = loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            result => break result,
        }
    };
    listen_to_keys(true);
    Ok(ended?.and_then(|(_, status)| status.exit_status()))
}

pub(super) fn run(argv: &[OsString]) -> io::Result<Option<i32>> {
    let argv = texts(argv.iter().map(|word| word.as_bytes().to_vec()))?;
    let program = *argv.pointers.first().unwrap_or(&ptr::null_mut());
    if program.is_null() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let pid = spawn(program, &argv, &environment(&[])?, None)?;
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::Other)?;
    listen_to_keys(false);
    wait(pid)
}

/// Lists of texts for C, ended by null.
struct Texts {
    _owned: Vec<CString>,
    pointers: Vec<*mut c_char>,
}

fn texts(texts: impl Iterator<Item = Vec<u8>>) -> io::Result<Texts> {
    let owned = texts.map(CString::new).collect::<Result<Vec<_>, _>>()?;
    let pointers = owned.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect();
    Ok(Texts { _owned: owned, pointers })
}

fn environment(env: &[(&str, &str)]) -> io::Result<Texts> {
    let entry = |name: &OsStr, value: &OsStr| [name.as_bytes(), b"=", value.as_bytes()].concat();
    let ours = std::env::vars_os().filter(|(name, _)| env.iter().all(|(set, _)| name != OsStr::new(set)));
    let set = env.iter().map(|(name, value)| entry(OsStr::new(name), OsStr::new(value)));
    texts(ours.map(|(name, value)| entry(&name, &value)).chain(set))
}

pub(super) fn start(argv: &[OsString], env: &[(&str, &str)]) -> io::Result<Running> {
    let argv = texts(argv.iter().map(|word| word.as_bytes().to_vec()))?;
    let program = *argv.pointers.first().unwrap_or(&ptr::null_mut());
    if program.is_null() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let env = environment(env)?;
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    let pid = spawn(program, &argv, &env, Some(read.as_raw_fd()))?;
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::Other)?;
    listen_to_keys(false);
    Ok(Running { pid, input: write })
}

fn spawn(program: *mut c_char, argv: &Texts, env: &Texts, input: Option<c_int>) -> io::Result<libc::pid_t> {
    let mut actions = MaybeUninit::<libc::posix_spawn_file_actions_t>::uninit();
    let mut attributes = MaybeUninit::<libc::posix_spawnattr_t>::uninit();
    let mut signals = MaybeUninit::<libc::sigset_t>::uninit();
    let mut pid: libc::pid_t = 0;
    // SAFETY: the init functions fill in their objects before anything else uses them, and each is destroyed once, at
    // the end. `argv` and `env` own their texts and end with null; `program` is the first of `argv`. The descriptor is
    // open until after the call.
    let failed = unsafe {
        libc::posix_spawn_file_actions_init(actions.as_mut_ptr());
        libc::posix_spawnattr_init(attributes.as_mut_ptr());
        libc::sigemptyset(signals.as_mut_ptr());
        for signal in DEFAULTED {
            libc::sigaddset(signals.as_mut_ptr(), signal);
        }
        if let Some(input) = input {
            libc::posix_spawn_file_actions_adddup2(actions.as_mut_ptr(), input, libc::STDIN_FILENO);
        }
        libc::posix_spawnattr_setsigdefault(attributes.as_mut_ptr(), signals.as_ptr());

        libc::posix_spawnattr_setflags(attributes.as_mut_ptr(), SETSIGDEF);
        let failed = libc::posix_spawnp(
            &raw mut pid,
            program,
            actions.as_ptr(),
            attributes.as_ptr(),
            argv.pointers.as_ptr(),
            env.pointers.as_ptr(),
        );
        libc::posix_spawn_file_actions_destroy(actions.as_mut_ptr());
        libc::posix_spawnattr_destroy(attributes.as_mut_ptr());
        failed
    };
    if failed == 0 { Ok(pid) } else { Err(io::Error::from_raw_os_error(failed)) }
}

/// Whether the keys that interrupt end this process.
fn listen_to_keys(yes: bool) {
    let action = if yes { libc::SIG_DFL } else { libc::SIG_IGN };
    for signal in KEYS {
        // SAFETY: both actions are the kernel's own; no handler of this process is involved.
        unsafe { libc::signal(signal, action) };
    }
}

pub(super) fn terminal_size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    let size = size.or_else(|_| rustix::termios::tcgetwinsize(rustix::stdio::stderr())).ok()?;
    Some((size.ws_col, size.ws_row)).filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

#[cfg(test)]
mod tests {
    use super::super::Foreground;
    use std::io::Write;

    #[test]
    fn a_program_in_front_is_waited_for_and_its_code_is_told() {
        let run = |line: &str| super::super::run(&["sh", "-c", line].map(Into::into));
        assert_eq!(run("exit 7").unwrap(), Some(7));
        assert_eq!(run("kill -9 $$").unwrap(), None);
        assert!(super::super::run(&["svcctl-no-such-program".into()]).is_err());
    }

    #[test]
    fn a_program_reads_what_is_written_and_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("read");
        let line = format!("cat > {}; echo $EXTRA >> {}", file.display(), file.display());
        let argv = ["sh", "-c", &line].map(Into::into);
        let mut program = Foreground::start(&argv, &[("EXTRA", "more")]).unwrap();
        program.write_all(b"all of it\n").unwrap();
        program.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "all of it\nmore\n");
        assert!(Foreground::start(&["svcctl-no-such-program".into()], &[]).is_err());
    }
}
