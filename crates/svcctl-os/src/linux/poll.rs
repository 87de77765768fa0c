//! Waiting for many descriptors at once: epoll(7), level-triggered.

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The most events that one [`Poller::wait`] gives.
const EVENTS_MAX: usize = 256;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read, or the end.
    Read,
    /// Something to read, or room to write.
    ReadWrite,
    /// An exceptional condition, such as a change of a cgroup's events file.
    Priority,
}

/// A set of descriptors to wait for, each with a number chosen by the caller.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Adds a descriptor. It leaves the set when its last duplicate is closed, or by [`Poller::remove`].
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, descriptor, epoll::EventData::new_u64(token), flags(interest))?)
    }

    /// Changes what a descriptor is waited for.
    ///
    /// # Errors
    /// What the system says.
    pub fn modify(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, descriptor, epoll::EventData::new_u64(token), flags(interest))?)
    }

    /// Takes a descriptor out.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    /// Waits until something happens or `timeout` (rounded up to milliseconds) is over, and gives the numbers of the
    /// descriptors concerned; none after a timeout or a signal.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Vec<u64>> {
        let timeout = timeout.map(|timeout| {
            let millis =
                i64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX).min(TIMEOUT_MAX_MS);
            Timespec { tv_sec: millis / 1000, tv_nsec: millis % 1000 * 1_000_000 }
        });
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.iter().map(|event| event.data.u64()).collect()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a write of at most `PIPE_BUF` (4096) bytes would not block: there is room, or it fails at once. What others
/// write between this call and the write can still fill a pipe.
pub fn has_room(descriptor: impl AsFd) -> bool {
    let descriptor = descriptor.as_fd();
    let mut poll = [PollFd::new(&descriptor, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut poll, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

/// The longest wait; whoever waits longer is woken and waits again.
const TIMEOUT_MAX_MS: i64 = 24 * 60 * 60 * 1000;

fn flags(interest: Interest) -> epoll::EventFlags {
    match interest {
        Interest::Read => epoll::EventFlags::IN,
        Interest::ReadWrite => epoll::EventFlags::IN | epoll::EventFlags::OUT,
        Interest::Priority => epoll::EventFlags::PRI,
    }
}
