//! How busy the machine is with other things just before something is measured.

use std::fmt;
use std::time::Duration;

/// How long the processors are watched at a time.
const WATCHED: Duration = Duration::from_millis(300);

/// How often they are watched at most until they are quiet: what was measured before may still be ending.
const WATCHED_TIMES: usize = 8;

/// From which share of the processors' time on the machine is said not to be quiet.
const BUSY_PERCENT: u64 = 10;

/// How busy a machine is.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// The load average of the last minute, as the kernel writes it. What the bench did before is part of it.
    average: String,
    /// The share of all processors' time that was used while the bench did nothing.
    busy_percent: u64,
}

impl Load {
    /// Watches the machine until it is quiet, or has been busy for two seconds.
    pub(super) fn watch() -> Self {
        (1..WATCHED_TIMES).fold(Self::now(), |load, _| if load.is_busy() { Self::now() } else { load })
    }

    /// A load that nobody has measured.
    #[cfg(test)]
    pub(super) fn invented(busy_percent: u64) -> Self {
        Self { average: "1.20".to_owned(), busy_percent }
    }

    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let before = ticks();
        // real delay: how long the processors are watched.
        std::thread::sleep(WATCHED);
        let after = ticks();
        let average = text.split_whitespace().next().unwrap_or("?").to_owned();
        Self { average, busy_percent: busy_percent(before, after) }
    }

    /// Whether others were at work.
    pub(super) fn is_busy(&self) -> bool {
        self.busy_percent > BUSY_PERCENT
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} %)", self.average, self.busy_percent)
    }
}

/// What is to be said of the noise when these were the loads before each row.
pub(super) fn remark(loads: &[Load]) -> String {
    let explained = "Load: the average of the last minute before the row was measured, this bench's own work included, \
                     and the share of the processors' time that others used while it waited for a quiet moment";
    match loads.iter().filter(|load| load.is_busy()).count() {
        0 => format!("{explained}.\n"),
        busy => format!(
            "{explained}. **The machine was not quiet**: that share was above {BUSY_PERCENT} % before {busy} of {} \
             rows; their figures are upper bounds.\n",
            loads.len()
        ),
    }
}

/// The ticks that all processors together were used and idle.
fn ticks() -> (u64, u64) {
    used_and_idle(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
}

/// From the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
fn used_and_idle(stat: &str) -> (u64, u64) {
    let line = stat.lines().next().unwrap_or_default();
    let numbers: Vec<u64> =
        line.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
    let idle = numbers.iter().skip(3).take(2).sum();
    (numbers.iter().sum::<u64>() - idle, idle)
}

fn busy_percent(before: (u64, u64), after: (u64, u64)) -> u64 {
    let (used, idle) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    (100 * used).checked_div(used + idle).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_disk_is_idle() {
        let before = used_and_idle("cpu  10 0 10 100 20 0 0 0 0 0\ncpu0 1 1 1 1\n");
        let after = used_and_idle("cpu  20 0 20 140 40 0 0 0 0 0\n");
        assert_eq!((before, after), ((20, 120), (40, 180)));
        assert_eq!(busy_percent(before, after), 25);
        assert_eq!(busy_percent(after, after), 0);
    }

    #[test]
    fn noise_is_said_where_there_was_some() {
        let load = Load::invented;
        assert!(!remark(&[load(0), load(10)]).contains("not quiet"));
        assert!(remark(&[load(0), load(11)]).contains("before 1 of 2 rows"));
        assert_eq!(load(11).to_string(), "1.20 (11 %)");
    }
}
