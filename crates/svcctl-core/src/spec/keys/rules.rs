//! The keys of the questions that are asked about a service, and of its start, restart and stop.

use super::{Key, Shape};

const TCP: Key = Key::new(
    "tcp",
    Shape::Template,
    "A TCP connection to this `host:port` is accepted.",
    "\"127.0.0.1:5432\"",
);
const HTTP_CHECK: Key = Key::new(
    "http",
    Shape::Http,
    "A GET request is answered with a status from 200 to 399, or with one of `status`.",
    "\"http://127.0.0.1:8080/health\"",
);
const EXEC: Key = Key::new(
    "exec",
    Shape::Words,
    "This program, run as the service is, ends with code 0.",
    "[\"/usr/bin/pg_isready\", \"-q\"]",
);
const EXISTS: Key = Key::new("exists", Shape::Path, "There is something at this path.", "\"/run/db.sock\"");
const LOG: Key = Key::new(
    "log",
    Shape::Regex,
    "A line of the program's output matches this regular expression.",
    "\"listening on .*:[0-9]+\"",
);
const INTERVAL: Key = Key::new("interval", Shape::Duration, "How long between two attempts.", "\"5s\"");
const TIMEOUT: Key = Key::new("timeout", Shape::Duration, "How long one attempt may take.", "\"3s\"");

pub(in crate::spec) const HTTP: &[Key] = &[
    Key::new("url", Shape::Url, "Where to ask; http only.", "\"http://127.0.0.1:8080/health\"").required(),
    Key::new("status", Shape::Status, "The status codes that are a yes.", "[200, 204]")
        .default_note("200 to 399"),
];

pub(in crate::spec) const START: &[Key] = &[
    Key::new(
        "timeout",
        Shape::Duration,
        "How long the service has to become ready (a oneshot: to end) before the start counts as failed.",
        "\"1m\"",
    )
    .default_note("30s; no limit for a oneshot"),
    Key::new(
        "when",
        Shape::Mappings(CONDITION),
        "What must hold before each start, asked again until all of it does; each asks exactly one question.",
        "[{\"tcp\": \"127.0.0.1:5432\"}, {\"exists\": \"/mnt/data/ready\"}]",
    ),
];

pub(in crate::spec) const CONDITION: &[Key] =
    &[TCP, HTTP_CHECK, EXEC, EXISTS, INTERVAL.default("\"1s\""), TIMEOUT.default("\"5s\"")];

/// A question without anything about how it is asked.
pub(in crate::spec) const BARE_CONDITION: &[Key] = &[EXEC, TCP, HTTP_CHECK, EXISTS];

pub(in crate::spec) const READY: &[Key] =
    &[TCP, HTTP_CHECK, EXEC, LOG, INTERVAL.default("\"250ms\""), TIMEOUT.default("\"1s\"")];

pub(in crate::spec) const HEALTH: &[Key] = &[
    Key::new(
        "liveness",
        Shape::Mapping(PROBE),
        "Whether the service works; failing restarts it.",
        "{\"http\": \"http://127.0.0.1:8080/health\", \"fail_after\": 3}",
    ),
    Key::new(
        "readiness",
        Shape::Mapping(PROBE),
        "Whether the service can be used; failing marks it, and holds back dependants until it succeeds again. It asks as `ready` does where it names no question itself.",
        "{\"tcp\": \"127.0.0.1:8080\"}",
    ),
];

pub(in crate::spec) const PROBE: &[Key] = &[
    TCP,
    HTTP_CHECK,
    EXEC,
    INTERVAL.default("\"10s\""),
    TIMEOUT.default("\"2s\""),
    Key::new("fail_after", Shape::Integer(1, 1_000), "How many failures in a row count as failed.", "5")
        .default("3"),
];

pub(in crate::spec) const RESTART: &[Key] = &[
    Key::new(
        "policy",
        Shape::Choice(&["always", "on-failure", "never"]),
        "After which exits the program is started again.",
        "\"on-failure\"",
    )
    .default_note("always; on-failure for a oneshot; never with `schedule` or `trigger`"),
    Key::new("delay", Shape::Duration, "A fixed pause before each restart; excludes `backoff`.", "\"5s\""),
    Key::new(
        "backoff",
        Shape::Mapping(BACKOFF),
        "Pauses that grow: none before the first restart in a row, then `initial`, then longer by `factor` each time, up to `max`.",
        "{\"initial\": \"500ms\", \"max\": \"30s\"}",
    ),
    Key::new(
        "limit",
        Shape::Mapping(LIMIT),
        "How many restarts in what time are too many; the service has failed then.",
        "{\"count\": 10, \"within\": \"10m\"}",
    )
    .default_note("never given up"),
    Key::new("success_codes", Shape::Codes, "The exit codes that count as success.", "[0, 3]").default("[0]"),
    Key::new(
        "never_on",
        Shape::Codes,
        "The exit codes after which the program is never started again.",
        "[78]",
    )
    .default("[]"),
    Key::new("on_exhausted", Shape::Choice(&["fail"]), "What happens when `limit` is reached.", "\"fail\"")
        .default("\"fail\""),
];

pub(in crate::spec) const BACKOFF: &[Key] = &[
    Key::new("initial", Shape::Duration, "The pause before the second restart in a row.", "\"500ms\"")
        .default("\"1s\""),
    Key::new("factor", Shape::Number(1, 100), "By how much each pause is longer than the last.", "1.5")
        .default("2"),
    Key::new("max", Shape::Duration, "The longest pause.", "\"5m\"").default("\"1m\""),
    Key::new("jitter", Shape::Number(0, 1), "The share of each pause that is left to chance.", "0.2")
        .default("0.1"),
    Key::new(
        "reset_after",
        Shape::Duration,
        "After running this long, the next exit is the first in a row again.",
        "\"5m\"",
    )
    .default("\"1m\""),
];

pub(in crate::spec) const LIMIT: &[Key] = &[
    Key::new("count", Shape::Integer(1, 1_000_000), "How many restarts are allowed in a window.", "10")
        .required(),
    Key::new("within", Shape::Duration, "How long the window is; its first restart opens it.", "\"10m\"")
        .required(),
];

pub(in crate::spec) const STOP: &[Key] = &[
    Key::new(
        "timeout",
        Shape::Duration,
        "When every process of the service is killed, whatever the steps say.",
        "\"30s\"",
    )
    .default("\"15s\""),
    Key::new(
        "steps",
        Shape::Mappings(STEP),
        "What is done, in order; each is exactly one of signal, command and kill.",
        "[{\"command\": [\"/opt/web/ctl\", \"quit\"], \"wait\": \"5s\"}, {\"signal\": \"TERM\"}]",
    )
    .default("[{\"signal\": \"TERM\"}, {\"kill\": \"tree\"}]"),
];

pub(in crate::spec) const STEP: &[Key] = &[
    Key::new("signal", Shape::Signal, "The signal that is sent.", "\"TERM\""),
    Key::new("command", Shape::Hook, "A program that makes the service end.", "[\"/opt/web/ctl\", \"quit\"]"),
    Key::new(
        "kill",
        Shape::Choice(&["tree"]),
        "Every process of the service is killed, until none is left.",
        "\"tree\"",
    ),
    Key::new("wait", Shape::Duration, "How long before the next step.", "\"10s\"")
        .default_note("up to the stop's timeout"),
];
