//! Linux: `CLOCK_MONOTONIC`, the boot id that the kernel makes at each boot, and a timer of the wall clock that the kernel
//! cancels when that clock is set (timerfd with `TFD_TIMER_CANCEL_ON_SET`).

use super::JumpError;
use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;

pub(super) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

pub(super) fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// A time of the wall clock that does not come: the greatest that the kernel's nanoseconds hold is in 2262.
const NEVER: Timespec = Timespec { tv_sec: 9_000_000_000, tv_nsec: 0 };

pub(super) fn on_jump(told: impl Fn() + Send + 'static) -> Result<(), JumpError> {
    let timer = Timer::new(TimerfdFlags::CLOEXEC)?;
    std::thread::Builder::new().name("clock".to_owned()).spawn(move || {
        // A timer that can be waited for no more tells nothing more.
        while let Ok(happened) = timer.wait() {
            match happened {
                Happened::Jump => told(),
                Happened::Nothing => {}
            }
        }
    })?;
    Ok(())
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    /// The clock was set.
    Jump,
    /// The wait was interrupted, or the time that does not come has come.
    Nothing,
}

/// A timer of the wall clock.
struct Timer(OwnedFd);

impl Timer {
    fn new(flags: TimerfdFlags) -> io::Result<Self> {
        let timer = Self(timerfd_create(TimerfdClockId::Realtime, flags)?);
        timer.arm()?;
        Ok(timer)
    }

    /// From here on a jump is noticed; one before is forgotten.
    fn arm(&self) -> io::Result<()> {
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        let never = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: NEVER };
        timerfd_settime(&self.0, flags, &never)?;
        Ok(())
    }

    /// Waits for the next jump.
    fn wait(&self) -> io::Result<Happened> {
        let mut expired = [0; 8];
        outcome(rustix::io::read(&self.0, &mut expired))
    }
}

/// After `ECANCELED` the timer goes on as it is armed, and tells of the next jump.
fn outcome(read: Result<usize, Errno>) -> io::Result<Happened> {
    match read {
        Err(Errno::CANCELED) => Ok(Happened::Jump),
        Ok(_) | Err(Errno::INTR) => Ok(Happened::Nothing),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::time::timerfd_gettime;

    /// Setting the clock of the machine that tests run on is out of the question, so the kernel's side of a jump is not
    /// tested: only what is made of its answer, and that nothing else wakes the wait.
    #[test]
    fn only_a_cancelled_wait_is_a_jump() {
        let timer = Timer::new(TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK).unwrap();
        assert_eq!(timer.wait().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(timerfd_gettime(&timer.0).unwrap().it_value.tv_sec > 1_000_000_000, "the timer is not armed");
        assert_eq!(outcome(Err(Errno::CANCELED)).unwrap(), Happened::Jump);
        assert_eq!(outcome(Err(Errno::INTR)).unwrap(), Happened::Nothing);
        assert!(outcome(Err(Errno::BADF)).is_err());
    }
}
