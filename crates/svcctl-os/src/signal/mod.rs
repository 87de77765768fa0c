//! Signals by number and name, and as something to wait for.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::{SignalQueue, is_ignored};

use svcctl_core::spec::model::Signal;

/// The numbers that are the same on Linux (on 64-bit Intel and ARM) and macOS, with their names; the others differ.
const COMMON: [(i32, &str); 18] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (21, "SIGTTIN"),
    (22, "SIGTTOU"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (26, "SIGVTALRM"),
    (28, "SIGWINCH"),
];

/// The numbers of this system where it has its own.
const OWN: &[(i32, &str)] = if cfg!(target_os = "linux") {
    &[
        (7, "SIGBUS"),
        (10, "SIGUSR1"),
        (12, "SIGUSR2"),
        (16, "SIGSTKFLT"),
        (17, "SIGCHLD"),
        (18, "SIGCONT"),
        (19, "SIGSTOP"),
        (20, "SIGTSTP"),
        (23, "SIGURG"),
        (27, "SIGPROF"),
        (29, "SIGIO"),
        (30, "SIGPWR"),
        (31, "SIGSYS"),
    ]
} else {
    &[(10, "SIGBUS"), (12, "SIGSYS"), (17, "SIGSTOP"), (19, "SIGCONT"), (30, "SIGUSR1"), (31, "SIGUSR2")]
};

/// A signal's name, such as `SIGKILL`; for one without a name, such as `signal 40`.
pub fn name(number: i32) -> String {
    let known = COMMON.iter().chain(OWN).find(|(known, _)| *known == number);
    known.map_or_else(|| format!("signal {number}"), |(_, name)| (*name).to_owned())
}

/// A signal's number on this system.
pub fn number(signal: Signal) -> i32 {
    let linux = cfg!(target_os = "linux");
    match signal {
        Signal::Hup => 1,
        Signal::Int => 2,
        Signal::Quit => 3,
        Signal::Kill => 9,
        Signal::Usr1 => {
            if linux {
                10
            } else {
                30
            }
        }
        Signal::Usr2 => {
            if linux {
                12
            } else {
                31
            }
        }
        Signal::Term => 15,
        Signal::Winch => 28,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_agree() {
        assert_eq!(name(number(Signal::Usr1)), "SIGUSR1");
        assert_eq!(name(number(Signal::Kill)), "SIGKILL");
        assert_eq!(name(number(Signal::Winch)), "SIGWINCH");
        assert_eq!(name(40), "signal 40");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_numbers_are_those_of_the_system() {
        let own = [libc::SIGBUS, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD, libc::SIGSYS, libc::SIGPWR];
        let names = ["SIGBUS", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGSYS", "SIGPWR"];
        assert_eq!(own.map(name), names);
    }
}
