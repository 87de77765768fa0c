//! Whether a line of a program's output matches: looked for by the logs thread, which sees every line once.

use super::Asker;
use crate::logs::{Sight, read};
use std::path::Path;
use svcctl_core::supervisor::action::Probe;
use svcctl_core::supervisor::event::Process;

impl Asker {
    /// Tells that the line has not come, if it has not, and when it has.
    pub(super) async fn look_on(&self, probe: &Probe, pattern: &str) {
        let (mut seen, adopted) = {
            let mut state = self.probes.lock();
            let known = state.awaited.get(&probe.id.id).cloned();
            (known, state.adopted.remove(&probe.id.id))
        };
        let seen = seen.get_or_insert_with(|| {
            self.means.logs.look_for(probe.id.id.slot.clone(), probe.id.id.generation, pattern)
        });
        if let Some(process) = adopted
            && self.stands_in_log(probe, pattern, process).await
        {
            return self.go_on_telling(probe, &Ok(())).await;
        }
        let sight = *seen.borrow_and_update();
        if sight == Sight::NotYet {
            self.tell(probe, Err(format!("no line of its output has matched {pattern} so far")));
            if seen.wait_for(|sight| *sight != Sight::NotYet).await.is_err() {
                // There is no logs thread any more: the engine ends.
                return;
            }
        }
        let sight = *seen.borrow();
        let answer = match sight {
            Sight::Matched => Ok(()),
            Sight::NotYet | Sight::Invalid => Err(format!("{pattern} is no regular expression")),
        };
        self.go_on_telling(probe, &answer).await;
    }

    /// Tells the same as often as the question is asked, should the driver have had no room for it.
    async fn go_on_telling(&self, probe: &Probe, answer: &Result<(), String>) {
        loop {
            self.tell(probe, answer.clone());
            // real delay: the pause that the specification asks for.
            tokio::time::sleep(probe.interval).await;
        }
    }

    /// Whether the line came while an earlier engine was there.
    async fn stands_in_log(&self, probe: &Probe, pattern: &str, process: Process) -> bool {
        let folder = self.means.log_folder.join(probe.spec.name.as_str());
        let pattern = pattern.to_owned();
        let found =
            self.means.preparer.readers().call(move || look_through(&folder, &pattern, process)).await;
        found.is_ok_and(|found| found)
    }
}

/// Looks through the records of a process, from its beginning on.
fn look_through(folder: &Path, pattern: &str, process: Process) -> bool {
    let Ok(pattern) = regex::Regex::new(pattern) else { return false };
    let Ok(since) = jiff::Timestamp::from_millisecond(process.since_wall.0) else { return false };
    // The wall clock of the spawn was computed after the fact.
    let since = since.saturating_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(since);
    let mut cursor = read::Cursor::default();
    loop {
        let Ok(records) = read::after(folder, cursor) else { return false };
        if records.bytes.is_empty() {
            return false;
        }
        if records.iter().any(|record| is_match(record, &pattern, process.pid, since)) {
            return true;
        }
        cursor = records.cursor;
    }
}

fn is_match(record: &[u8], pattern: &regex::Regex, pid: u32, since: jiff::Timestamp) -> bool {
    let Ok(record) = serde_json::from_slice::<serde_json::Value>(record) else { return false };
    let time = record["@timestamp"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    record["process.pid"] == pid
        && record["event.dataset"] != "svcctl"
        && time.is_some_and(|time| time >= since)
        && record["message"].as_str().is_some_and(|message| pattern.is_match(message))
}
