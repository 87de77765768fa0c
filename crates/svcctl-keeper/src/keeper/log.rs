//! The daemon's own log, which is its standard error.
//!
//! A log that cannot be written to is no reason to end, and one that nobody reads is none to wait: what would not fit is
//! left out and counted. `O_NONBLOCK` is no way, for others have the same open file. So whatever a message tells of is
//! done before it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use svcctl_os::linux::poll::has_room;

/// The longest text that a pipe with room takes without a wait (Linux's `PIPE_BUF`); what is longer is cut.
const LINE_MAX_BYTES: usize = 4096;

/// How many messages in a row were left out.
static NOT_SHOWN: AtomicU64 = AtomicU64::new(0);

/// Writes a line, unless that would have to wait.
pub(super) fn say(message: &str) {
    let not_shown = NOT_SHOWN.load(Ordering::Relaxed);
    let text = lines(message, not_shown);
    let mut log = io::stderr();
    let shown = has_room(&log) && log.write_all(text.as_bytes()).is_ok();
    NOT_SHOWN.store(if shown { 0 } else { not_shown.saturating_add(1) }, Ordering::Relaxed);
}

fn lines(message: &str, not_shown: u64) -> String {
    let before = match not_shown {
        0 => String::new(),
        1 => "svcctl: 1 message was not shown\n".to_owned(),
        count => format!("svcctl: {count} messages were not shown\n"),
    };
    let mut lines = cut(format!("{before}svcctl: {message}"), LINE_MAX_BYTES - 1);
    lines.push('\n');
    lines
}

/// The text, or as many of its first characters as fit so many bytes.
pub(super) fn cut(mut text: String, max_bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("aä".to_owned(), 2), "a");
        assert_eq!(cut("aä".to_owned(), 3), "aä");
        assert_eq!(lines(&"ä".repeat(LINE_MAX_BYTES), 0).len(), LINE_MAX_BYTES - 1);
    }

    #[test]
    fn what_was_left_out_is_told_with_the_next_message() {
        assert_eq!(lines("it ended", 0), "svcctl: it ended\n");
        assert_eq!(lines("it ended", 2), "svcctl: 2 messages were not shown\nsvcctl: it ended\n");
    }
}
