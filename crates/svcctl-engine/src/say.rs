//! What the engine says about itself: a line on standard error, which the daemon in the background has in
//! `logs/svcctl.log`. What concerns one service stands in that service's log.

/// Says something that somebody may want to know.
pub(crate) fn info(what: &str) {
    line("info", what);
}

/// Says something that somebody should look at.
pub(crate) fn warn(what: &str) {
    line("warning", what);
}

/// Says something that went wrong.
pub(crate) fn error(what: &str) {
    line("error", what);
}

fn line(level: &str, what: &str) {
    use std::io::Write;
    let now = jiff::Timestamp::now();
    // Nobody is left to be told that nobody can be told.
    drop(writeln!(std::io::stderr().lock(), "{now:.3} svcctl {level}: {what}"));
}
