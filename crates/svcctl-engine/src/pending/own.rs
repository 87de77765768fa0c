//! What svcctl itself writes to services/, so that it is not taken for an edit.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use svcctl_core::supervisor::action::Persist;

/// Knows whether a change of files is under way. The driver tells it of each one before it tells the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnWrites(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many have been begun, ever.
    begun: AtomicU64,
    /// Whether any is not yet done.
    busy: AtomicBool,
    /// The numbers of those that are not done.
    open: Mutex<BTreeSet<u64>>,
}

impl OwnWrites {
    /// The store is about to be given this persist under this number.
    pub(crate) fn begin(&self, number: u64, persist: &Persist) {
        match persist {
            Persist::Service { .. } | Persist::Forget(_) => {
                let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.insert(number);
                self.0.begun.fetch_add(1, Ordering::SeqCst);
                self.0.busy.store(true, Ordering::SeqCst);
            }
            Persist::Desired(..) | Persist::Hold(..) | Persist::Job(..) => {}
        }
    }

    /// The store has done everything up to this number. Gives whether that ended the last change of files.
    pub(crate) fn settle(&self, upto: u64) -> bool {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let had = !open.is_empty();
        open.retain(|number| *number > upto);
        self.0.busy.store(!open.is_empty(), Ordering::SeqCst);
        had && open.is_empty()
    }

    /// A mark of what was begun until now; `None` while a change is under way.
    pub(crate) fn quiet(&self) -> Option<u64> {
        let begun = self.0.begun.load(Ordering::SeqCst);
        (!self.0.busy.load(Ordering::SeqCst)).then_some(begun)
    }

    /// Whether nothing has been begun since [`OwnWrites::quiet`] gave this mark.
    pub(crate) fn is_still(&self, mark: u64) -> bool {
        self.0.begun.load(Ordering::SeqCst) == mark
    }
}
