//! Faults for tests: the end of the world before or within one call, and a disk that is full.

use super::Call;
use std::io;
use std::sync::{Arc, Mutex};

/// The plan, shared by all that were made from one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    crash: Option<Crash>,
    dead: bool,
    full: Vec<Call>,
    dies_after: bool,
}

#[derive(Clone, Copy, Debug)]
struct Crash {
    at_call: u64,
    within: bool,
}

impl Faults {
    /// From the call of this number on (0 is the first) every call fails. With `within`, that one is carried out for
    /// half of its bytes first.
    pub(crate) fn crash_at(call: u64, within: bool) -> Self {
        Self(Arc::new(Mutex::new(Plan { crash: Some(Crash { at_call: call, within }), ..Plan::default() })))
    }

    /// These calls fail for want of space from now on.
    pub(crate) fn set_full(&self, calls: &[Call]) {
        self.0.lock().expect("plan").full = calls.to_vec();
    }

    /// Whether the crash has come.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().expect("plan").dead
    }

    /// How many of `wanted` bytes the call may take.
    pub(crate) fn before(&self, call: Call, wanted: usize) -> io::Result<usize> {
        let mut plan = self.0.lock().expect("plan");
        let number = plan.calls;
        plan.calls += 1;
        if plan.dead {
            return Err(dead());
        }
        if plan.full.contains(&call) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match plan.crash {
            Some(crash) if number >= crash.at_call => {
                plan.dead = true;
                if !crash.within || wanted < 2 {
                    return Err(dead());
                }
                plan.dies_after = true;
                Ok(wanted / 2)
            }
            _ => Ok(wanted),
        }
    }

    /// Whether a call that took less than it wanted is to fail after that.
    pub(crate) fn after(&self) -> io::Result<()> {
        let mut plan = self.0.lock().expect("plan");
        if std::mem::take(&mut plan.dies_after) { Err(dead()) } else { Ok(()) }
    }
}

fn dead() -> io::Error {
    io::Error::other("the engine is dead")
}
