//! Under which names programs write what the Elastic Common Schema has a place for.

/// What a field of a program's JSON line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `@timestamp`.
    Timestamp,
    /// `log.level`.
    Level,
    /// `message`.
    Message,
    /// `trace.id`.
    Trace,
    /// `span.id`.
    Span,
    /// `http.request.id`.
    Request,
    /// `ecs.version`: ours stands there.
    Schema,
}

/// The role of the field `key`; `None` makes it a label.
pub(crate) fn role_of(key: &[u8]) -> Option<Role> {
    Some(match key {
        b"@timestamp" | b"timestamp" | b"time" | b"ts" | b"datetime" => Role::Timestamp,
        b"log.level" | b"level" | b"lvl" | b"severity" | b"levelname" | b"@level" => Role::Level,
        b"message" | b"msg" | b"@message" => Role::Message,
        b"trace.id" | b"trace_id" | b"traceId" | b"traceID" | b"traceid" | b"TraceId" => Role::Trace,
        b"span.id" | b"span_id" | b"spanId" | b"spanID" | b"spanid" | b"SpanId" => Role::Span,
        b"http.request.id" | b"request_id" | b"requestId" | b"requestID" | b"request.id" | b"req_id"
        | b"reqId" | b"x-request-id" | b"X-Request-Id" | b"x_request_id" => Role::Request,
        b"ecs.version" => Role::Schema,
        _ => return None,
    })
}

/// A program's own word for a level, as one of ours; any case. `None` if it is not known.
pub(crate) fn level_of_word(word: &[u8]) -> Option<&'static str> {
    const WORDS: [(&str, &str); 19] = [
        ("trace", "trace"),
        ("verbose", "trace"),
        ("debug", "debug"),
        ("info", "info"),
        ("information", "info"),
        ("informational", "info"),
        ("notice", "notice"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("error", "error"),
        ("err", "error"),
        ("critical", "critical"),
        ("crit", "critical"),
        ("alert", "alert"),
        ("emergency", "emergency"),
        ("emerg", "emergency"),
        ("fatal", "fatal"),
        ("panic", "fatal"),
        ("dpanic", "fatal"),
    ];
    WORDS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(word)).map(|(_, ours)| *ours)
}

/// A level as pino and bunyan number it.
pub(crate) fn level_of_number(number: &[u8]) -> Option<&'static str> {
    Some(match number {
        b"10" => "trace",
        b"20" => "debug",
        b"30" => "info",
        b"40" => "warn",
        b"50" => "error",
        b"60" => "fatal",
        _ => return None,
    })
}
