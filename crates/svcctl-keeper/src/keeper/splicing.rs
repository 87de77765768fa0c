//! While no engine reads the streams, the keeper moves them to their spools: from a second after an engine's death until
//! the next one's hello. What has no spool, or a full one, stays in its pipe, and the program waits.

use super::deadlines::Due;
use super::streams::{Next, StreamId, take};
use super::token::Token;
use super::{Keeper, say};
use svcctl_os::linux::poll::Interest;

impl Keeper {
    /// Begins, unless an engine has said hello meanwhile.
    pub(super) fn begin_splicing(&mut self) {
        if self.engine.listens() {
            return;
        }
        for (id, held) in self.streams.iter_mut() {
            if held.spool.is_some() && !held.watched {
                held.watched =
                    self.poller.add(&held.read, Token::Stream(id).number(), Interest::Read).is_ok();
            }
        }
    }

    /// Ends: an engine reads from now on.
    pub(super) fn stop_splicing(&mut self) {
        self.deadlines.clear(Due::Splice);
        for (_, held) in self.streams.iter_mut() {
            if std::mem::take(&mut held.watched) {
                let _ = self.poller.remove(&held.read);
            }
        }
    }

    /// A stream has something, or is at its end.
    pub(super) fn handle_stream(&mut self, id: StreamId) {
        let Some(held) = self.streams.get(id).filter(|held| held.watched) else { return };
        let next = take(held).unwrap_or_else(|error| {
            say(&format!("{}: its output cannot be put by: {error}", held.slot));
            Next::Leave
        });
        if next == Next::Leave {
            let _ = self.poller.remove(&held.read);
            if let Some(held) =
                self.streams.iter_mut().find_map(|(other, held)| (other == id).then_some(held))
            {
                held.watched = false;
            }
        }
    }
}
