//! Events, a line each.

use super::printable::printable;
use super::style::{RED, Style, YELLOW};
use svckit::control::types::Event;

/// `2026-11-24T02:57:58.123Z web warn | killed by SIGKILL; restarts at once (by uid 0 (root), pid 7)`. What concerns the
/// daemon has `-` for a service. The level is as wide as the widest, so that messages stand below each other as far as
/// the names allow.
pub(crate) fn line(event: &Event, style: Style) -> String {
    let service = event.service.as_deref().unwrap_or("-");
    let level = match event.level.as_str() {
        "error" => style.paint(RED, "error"),
        "warn" => format!("{} ", style.paint(YELLOW, "warn")),
        other => format!("{:<5}", printable(other)),
    };
    let by = event.by.as_deref().map_or_else(String::new, |by| format!(" (by {})", printable(by)));
    format!("{} {} {level} | {}{by}", printable(&event.time), printable(service), printable(&event.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_says_when_who_how_grave_what_and_by_whom() {
        let event = |changes: &serde_json::Value| {
            let mut base = json!({"time": "2026-11-23T05:33:05.123Z", "service": "web", "kind": "state", "level": "info",
                "message": "started", "state": "RUNNING", "pid": 7});
            for (key, value) in changes.as_object().unwrap() {
                base[key] = value.clone();
            }
            serde_json::from_value::<Event>(base).unwrap()
        };
        assert_eq!(line(&event(&json!({})), Style::Plain), "2026-11-23T05:33:05.123Z web info  | started");
        assert_eq!(
            line(
                &event(&json!({"kind": "command", "message": "stop", "by": "uid 0 (root), pid 9"})),
                Style::Plain
            ),
            "2026-11-23T05:33:05.123Z web info  | stop (by uid 0 (root), pid 9)"
        );
        assert_eq!(
            line(
                &event(&json!({"service": null, "level": "error", "message": "disk \u{7}full"})),
                Style::Coloured
            ),
            "2026-11-23T05:33:05.123Z - \u{1b}[31merror\u{1b}[0m | disk \\u{7}full"
        );
    }
}
