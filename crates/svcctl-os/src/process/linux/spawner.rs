//! Makes processes.
//!
//! The seam for systems whose kernel or sandbox refuses clone3 is [`clone_child`]: another way of making a child would
//! take the same [`Prepared`] plan. Until there is one, the refusal is said.

use super::child;
use super::output::OutputPipe;
use super::plan::{Arrangement, Prepared, Target};
use super::status::{Explain, errno_text};
use super::wait::Child;
use crate::linux::memory;
use crate::process::{HELPER_VERB, Program};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::{CString, OsStr, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// The stack of a child until exec; its last page catches an overflow.
const STACK_BYTES: usize = 64 * 1024;
/// The page below the stack that cannot be written to.
const GUARD_BYTES: usize = 4096;
/// Where a program is looked up when its environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why no child was made. Fits "failed to start: {error}".
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nothing to execute.
    #[error("the command is empty")]
    Empty,
    /// A text cannot be passed on.
    #[error("{0:?} has a NUL byte in it")]
    Nul(String),
    /// The cgroup cannot take the child; without it, it may work.
    #[error("the cgroup does not take it: {0}")]
    Cgroup(io::Error),
    /// The kernel, or a filter around svcctl, knows no clone3.
    #[error(
        "this system refuses clone3, which svcctl needs (Linux 5.5 or later, and no filter that forbids it): {0}"
    )]
    Refused(io::Error),
    /// Anything else that the system says.
    #[error("no process could be made: {}", errno_text(.0.raw_os_error().unwrap_or(0)))]
    System(#[from] io::Error),
}

/// What a [`Plain`] child executes.
#[derive(Clone, Copy, Debug)]
pub enum Executable<'a> {
    /// The binary that the caller itself was started from, as it was then.
    Own,
    /// The file at this path.
    File(&'a OsStr),
}

/// A child that is made without a program's conveniences: no lookup, no identity, no directory.
#[derive(Debug)]
pub struct Plain<'a> {
    /// What to execute.
    pub executable: Executable<'a>,
    /// Its arguments, the name included.
    pub argv: Vec<Vec<u8>>,
    /// Its whole environment.
    pub env: Vec<Vec<u8>>,
    /// What becomes its standard streams; those that are absent stay the caller's.
    pub stdio: [Option<BorrowedFd<'a>>; 3],
    /// Descriptors that it has beside them, under the same numbers.
    pub inherit: Vec<BorrowedFd<'a>>,
}

/// What making processes needs, held from the beginning.
#[derive(Debug)]
pub struct Spawner {
    null: OwnedFd,
    own_binary: OwnedFd,
    nofile: Rlimit,
}

impl Spawner {
    /// Opens the own binary and `/dev/null`, and remembers the limit of open files, which children get back whatever
    /// it is by then.
    ///
    /// # Errors
    /// What the system says; without `/proc` there is no way to the own binary.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            null: open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?,
            own_binary: open("/proc/self/exe", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?,
            nofile: getrlimit(Resource::Nofile),
        })
    }

    /// Raises the calling process's own soft limit of open files to the hard one.
    ///
    /// # Errors
    /// What the system says.
    pub fn raise_open_files(&self) -> io::Result<()> {
        Ok(setrlimit(Resource::Nofile, Rlimit { current: self.nofile.maximum, ..self.nofile })?)
    }

    /// `/dev/null`, for reading and writing.
    pub fn null(&self) -> BorrowedFd<'_> {
        self.null.as_fd()
    }

    /// Begins to make a process with its own session, empty signal mask, default signal actions, standard input from
    /// `/dev/null` and the given outputs, in the cgroup if one is given.
    ///
    /// # Errors
    /// [`StartError`]; that the program cannot be executed comes out of [`Spawning::poll`].
    pub fn start(
        &self,
        program: &Program,
        output: [&OutputPipe; 2],
        cgroup: Option<BorrowedFd<'_>>,
    ) -> Result<(Child, Spawning), StartError> {
        let stdio = [self.null.as_raw_fd(), output[0].write.as_raw_fd(), output[1].write.as_raw_fd()];
        let explain = explain(program)?;
        let (status, status_write) = status_pipe()?;
        if program.needs_helper() {
            let image = memory::file("svcctl-exec", &program.encode())?;
            let arrangement = self.helper(&image, &status_write, stdio)?;
            return clone_child(arrangement, explain, status, cgroup);
        }
        let arrangement = Arrangement {
            target: Target::Files(texts(explain.candidates.iter().map(Vec::as_slice))?),
            argv: texts(program.argv.iter().map(Vec::as_slice))?,
            env: texts(program.env.iter().map(Vec::as_slice))?,
            cwd: Some(text(directory(program))?),
            stdio,
            status: status_write.as_raw_fd(),
            inherit: Vec::new(),
            nofile: Some(self.original_nofile()),
        };
        clone_child(arrangement, explain, status, cgroup)
    }

    /// Begins to make a plain child. It keeps the caller's present limit of open files.
    ///
    /// # Errors
    /// As for [`Spawner::start`].
    pub fn start_plain(&self, plain: &Plain<'_>) -> Result<(Child, Spawning), StartError> {
        let (status, status_write) = status_pipe()?;
        let name = plain.argv.first().ok_or(StartError::Empty)?;
        let explain = Explain { program: String::from_utf8_lossy(name).into_owned(), ..Explain::default() };
        let target = match plain.executable {
            Executable::Own => Target::Descriptor(self.own_binary.as_raw_fd()),
            Executable::File(path) => Target::Files(texts([path.as_bytes()].into_iter())?),
        };
        let arrangement = Arrangement {
            target,
            argv: texts(plain.argv.iter().map(Vec::as_slice))?,
            env: texts(plain.env.iter().map(Vec::as_slice))?,
            cwd: None,
            stdio: plain.stdio.map(|stream| stream.map_or(-1, |stream| stream.as_raw_fd())),
            status: status_write.as_raw_fd(),
            inherit: plain.inherit.iter().map(AsRawFd::as_raw_fd).collect(),
            nofile: None,
        };
        clone_child(arrangement, explain, status, None)
    }

    /// The exec helper: the own binary, with nothing in its environment that could change what it does.
    fn helper(
        &self,
        image: &OwnedFd,
        status: &OwnedFd,
        stdio: [RawFd; 3],
    ) -> Result<Arrangement, StartError> {
        let numbers = [status.as_raw_fd(), image.as_raw_fd()];
        let argv =
            ["svcctl".to_owned(), HELPER_VERB.to_owned(), numbers[0].to_string(), numbers[1].to_string()];
        Ok(Arrangement {
            target: Target::Descriptor(self.own_binary.as_raw_fd()),
            argv: texts(argv.iter().map(String::as_bytes))?,
            env: Vec::new(),
            cwd: None,
            stdio,
            status: numbers[0],
            inherit: numbers.to_vec(),
            nofile: Some(self.original_nofile()),
        })
    }

    fn original_nofile(&self) -> libc::rlimit64 {
        let limit = |value: Option<u64>| value.unwrap_or(libc::RLIM64_INFINITY);
        libc::rlimit64 { rlim_cur: limit(self.nofile.current), rlim_max: limit(self.nofile.maximum) }
    }
}

/// A process on its way to its program.
///
/// Dropped before [`Spawning::poll`] has given an outcome, it leaks what its child may still be reading.
pub struct Spawning {
    status: OwnedFd,
    received: Vec<u8>,
    explain: Explain,
    shared: Option<Shared>,
}

/// What parent and child share until exec.
struct Shared {
    _prepared: Prepared,
    stack: Stack,
}

impl Spawning {
    /// Readable when [`Spawning::poll`] has something to do.
    pub fn status(&self) -> BorrowedFd<'_> {
        self.status.as_fd()
    }

    /// The outcome, once there is one: the program runs (or has ended by now), or the sentence fragment that says why
    /// it does not. Never blocks. A child that is killed on its way counts as having become its program; its exit says
    /// the rest.
    ///
    /// # Errors
    /// What the system says to reading the pipe.
    pub fn poll(&mut self) -> io::Result<Option<Result<(), String>>> {
        let mut buffer = [0; child::STATUS_MAX_BYTES];
        loop {
            match rustix::io::read(&self.status, &mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let room = child::STATUS_MAX_BYTES.saturating_sub(self.received.len());
                    self.received.extend(&buffer[..count.min(room)]);
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The pipe is closed: by exec, which gave the child a memory of its own before that, or by its death.
        if let Some(shared) = self.shared.take() {
            shared.stack.free();
        }
        Ok(Some(if self.received.is_empty() { Ok(()) } else { Err(self.explain.message(&self.received)) }))
    }
}

impl Drop for Spawning {
    fn drop(&mut self) {
        // The child may be reading these still, and nobody will learn when it has done.
        std::mem::forget(self.shared.take());
    }
}

fn status_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    // The child's end stays blocking, as the exec helper expects; one message always fits.
    rustix::fs::fcntl_setfl(&read, OFlags::NONBLOCK)?;
    Ok((read, write))
}

/// Makes the child. It shares the memory of `arrangement` until exec, so that is kept in the result.
fn clone_child(
    arrangement: Arrangement,
    explain: Explain,
    status: OwnedFd,
    cgroup: Option<BorrowedFd<'_>>,
) -> Result<(Child, Spawning), StartError> {
    let prepared = Prepared::new(arrangement);
    let stack = Stack::new()?;
    let mut pidfd: RawFd = -1;
    // SAFETY: an all-zero clone_args is valid: nothing asked for.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or_default();
    }
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = EXIT_SIGNAL;
    args.stack = stack.lowest as u64;
    args.stack_size = STACK_BYTES as u64;
    let size = if cgroup.is_some() { size_of::<libc::clone_args>() } else { ARGS_BEFORE_CGROUP_BYTES };
    // SAFETY: the arguments are valid, the stack is a mapping of its own whose top is page-aligned, and both it and the
    // plan are kept in `Spawning` until the status pipe is closed, or leaked.
    let result = unsafe { super::arch::clone3(&raw const args, size, child::run, prepared.plan()) };
    if result < 0 {
        stack.free();
        return Err(refusal(result, cgroup.is_some()));
    }
    // SAFETY: clone3 has just put a new descriptor there, which nothing else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let child = Child { pid: u32::try_from(result).unwrap_or_default(), pidfd };
    let shared = Some(Shared { _prepared: prepared, stack });
    Ok((child, Spawning { status, received: Vec::new(), explain, shared }))
}

/// The flags of linux/sched.h; libc's own are of a type that the last two do not fit.
const CLONE_VM: u64 = 0x100;
/// Gives a descriptor of the child.
const CLONE_PIDFD: u64 = 0x1000;
/// Handlers become default actions.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// The child begins in the cgroup of `clone_args.cgroup`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// `CLONE_ARGS_SIZE_VER1`: the structure as kernels before 5.7 know it.
const ARGS_BEFORE_CGROUP_BYTES: usize = 80;

/// SIGCHLD: the child can be waited for as usual.
const EXIT_SIGNAL: u64 = 17;

fn refusal(result: isize, with_cgroup: bool) -> StartError {
    let code = i32::try_from(-result).unwrap_or(libc::EINVAL);
    let error = io::Error::from_raw_os_error(code);
    match code {
        libc::E2BIG | libc::EBUSY | libc::EACCES | libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV
            if with_cgroup =>
        {
            StartError::Cgroup(error)
        }
        libc::ENOSYS | libc::EPERM | libc::EINVAL => StartError::Refused(error),
        _ => StartError::System(error),
    }
}

/// A child's stack, with a guard page below.
struct Stack {
    mapping: *mut c_void,
    lowest: usize,
}

impl Stack {
    fn new() -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
        let mapping = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                GUARD_BYTES + STACK_BYTES,
                protection,
                MapFlags::PRIVATE | MapFlags::STACK,
            )?
        };
        // SAFETY: the first page of the mapping just made; nobody uses it.
        unsafe { mprotect(mapping, GUARD_BYTES, MprotectFlags::empty())? };
        Ok(Self { mapping, lowest: mapping as usize + GUARD_BYTES })
    }

    /// To be called once no child runs on it.
    fn free(self) {
        // SAFETY: the mapping is this value's own, and by the caller's word nothing runs on it any more.
        let _ = unsafe { munmap(self.mapping, GUARD_BYTES + STACK_BYTES) };
    }
}

pub(in crate::process) fn directory(program: &Program) -> &[u8] {
    if program.cwd.is_empty() { b"/" } else { &program.cwd }
}

/// What is known about a program before it is started: where it may be, and how to speak of it.
pub(super) fn explain(program: &Program) -> Result<Explain, StartError> {
    let name = program.argv.first().filter(|name| !name.is_empty()).ok_or(StartError::Empty)?;
    let shown = String::from_utf8_lossy(name).into_owned();
    let cwd = String::from_utf8_lossy(directory(program)).into_owned();
    if name.contains(&b'/') {
        return Ok(Explain { candidates: vec![name.clone()], program: shown, cwd, search_path: None });
    }
    let path = program.variable("PATH").unwrap_or(DEFAULT_PATH.as_bytes());
    // An empty entry means the working directory (POSIX, section 8.3).
    let directories =
        path.split(|byte| *byte == b':').map(|entry| if entry.is_empty() { &b"."[..] } else { entry });
    let candidates = directories.map(|directory| [directory, b"/", name.as_slice()].concat()).collect();
    Ok(Explain {
        program: shown,
        cwd,
        search_path: Some(String::from_utf8_lossy(path).into_owned()),
        candidates,
    })
}

pub(super) fn text(bytes: &[u8]) -> Result<CString, StartError> {
    CString::new(bytes).map_err(|_| StartError::Nul(String::from_utf8_lossy(bytes).into_owned()))
}

pub(super) fn texts<'a>(all: impl Iterator<Item = &'a [u8]>) -> Result<Vec<CString>, StartError> {
    all.map(text).collect()
}
