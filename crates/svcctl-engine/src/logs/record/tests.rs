//! Every rule of a record, by example.

use super::*;
use serde_json::Value;

fn maker() -> Maker {
    let mut maker = Maker::default();
    let now = "2026-11-23T05:13:57.123456Z".parse().expect("a time");
    maker.begin(now, Origin { service: "web", index: 2, dataset: "stdout", pid: Some(42) });
    maker
}

fn record(line: &[u8], partial: bool) -> String {
    let mut out = Vec::new();
    maker().line(&mut out, line, partial);
    let text = String::from_utf8(out).expect("UTF-8");
    assert_eq!(text.matches('\n').count(), 1, "one newline, at the end");
    let text = text.strip_suffix('\n').expect("a newline").to_owned();
    serde_json::from_str::<Value>(&text).expect("valid JSON");
    text
}

const WHO: &str = r#","ecs.version":"8.17.0","service.name":"web","service.instance":2,"event.dataset":"stdout","process.pid":42"#;

fn plain(message: &str, labels: &str) -> String {
    format!(
        r#"{{"@timestamp":"2026-11-23T05:13:57.123Z","log.level":"info","message":"{message}"{WHO}{labels}}}"#
    )
}

#[test]
fn a_plain_line_and_a_blank_line() {
    assert_eq!(record(b"hello world", false), plain("hello world", ""));
    assert_eq!(record(b"", false), plain("", ""));
    assert_eq!(record(b"tab\there\r", false), plain(r"tab\there\r", ""));
}

#[test]
fn partial_and_escaped_lines_are_marked() {
    assert_eq!(record(b"{\"a\":1}", true), plain(r#"{\"a\":1}"#, r#","labels":{"svcctl.partial":"true"}"#));
    assert_eq!(record(b"\xff", false), plain(r"\\xff", r#","labels":{"svcctl.escaped":"true"}"#));
    let both = r#","labels":{"svcctl.partial":"true","svcctl.escaped":"true"}"#;
    assert_eq!(record(b"\xff", true), plain(r"\\xff", both));
}

#[test]
fn what_only_looks_like_json_is_a_message() {
    assert_eq!(record(b"{not json}", false), plain("{not json}", ""));
    assert_eq!(record(b"[1,2]", false), plain("[1,2]", ""));
    assert_eq!(record(br#"{"a":1,"a":2}"#, false), plain(r#"{\"a\":1,\"a\":2}"#, ""));
}

#[test]
fn a_json_line_is_taken_over() {
    let line =
        br#"{"time":"2026-01-02T03:04:05.006+01:00","level":"WARNING","msg":"slow \"query\"","traceId":"t1",
"span_id":7,"x-request-id":"r9","ms":12.50,"db":{"name":"shop"}}"#;
    let line: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'\n').collect();
    let expected = format!(
        r#"{{"@timestamp":"2026-01-02T02:04:05.006Z","log.level":"warn","message":"slow \"query\""{WHO},"trace.id":"t1","span.id":"7","http.request.id":"r9","labels":{{"ms":12.50,"db":{{"name":"shop"}}}}}}"#
    );
    assert_eq!(record(&line, false), expected);
}

#[test]
fn what_cannot_be_taken_over_stays_a_label() {
    let text = record(br#"{"ts":"yesterday","level":"loud","trace_id":null,"msg":"m"}"#, false);
    assert_eq!(text, plain("m", r#","labels":{"ts":"yesterday","level":"loud","trace_id":null}"#));
}

#[test]
fn the_first_alias_wins_and_the_next_is_a_label() {
    let text = record(br#"{"msg":"first","message":"second"}"#, false);
    assert_eq!(text, plain("first", r#","labels":{"message":"second"}"#));
    let text = record(br#"{"level":"strange","severity":"error","msg":"m"}"#, false);
    assert!(
        text.contains(r#""log.level":"error""#) && text.ends_with(r#""labels":{"level":"strange"}}"#),
        "{text}"
    );
}

#[test]
fn who_the_service_is_we_say_ourselves() {
    let line = br#"{"ecs.version":"1.6.0","service.name":"evil","process.pid":1,"message":"m"}"#;
    let text = record(line, false);
    assert_eq!(text, plain("m", r#","labels":{"service.name":"evil","process.pid":1}"#));
}

#[test]
fn numbers_as_levels_and_times_and_a_message_that_is_no_text() {
    let text = record(br#"{"level":50,"time":1795410837123,"msg":{"a":"b"}}"#, false);
    let expected =
        r#"{"@timestamp":"2026-11-23T05:13:57.123Z","log.level":"error","message":"{\"a\":\"b\"}""#;
    assert_eq!(text, format!("{expected}{WHO}}}"));
}

#[test]
fn labels_and_the_fields_of_tracing_are_unfolded() {
    let line = br#"{"timestamp":"2026-11-23T05:13:57.123Z","level":"INFO","fields":{"message":"m","level":1},"labels":{"a":"b"}}"#;
    // `level` twice: not taken apart, so that nothing is lost.
    assert!(record(line, false).contains(r#"\"fields\""#));
    let line = br#"{"level":"INFO","fields":{"message":"m","n":1},"target":"t","labels":{"msg":"b"}}"#;
    assert_eq!(record(line, false), plain("m", r#","labels":{"n":1,"target":"t","msg":"b"}"#));
}

#[test]
fn a_json_line_without_a_message() {
    assert_eq!(record(br#"{"a":1}"#, false), plain("", r#","labels":{"a":1}"#));
    assert_eq!(record(b"{}", false), plain("", ""));
}

#[test]
fn notes_have_level_and_labels() {
    let mut out = Vec::new();
    let labels = [("code".to_owned(), "1".to_owned()), ("why".to_owned(), "a \"b\"".to_owned())];
    maker().note(&mut out, "warn", "exited", &labels);
    let text = String::from_utf8(out).expect("UTF-8");
    let expected = r#"{"@timestamp":"2026-11-23T05:13:57.123Z","log.level":"warn","message":"exited""#;
    assert_eq!(text, format!("{expected}{WHO},\"labels\":{{\"code\":\"1\",\"why\":\"a \\\"b\\\"\"}}}}\n"));
}

#[test]
fn a_thousand_random_lines_are_valid_records() {
    let mut rng = svcctl_core::rng::Rng::new(3);
    for _ in 0..1_000 {
        let length = rng.below(200);
        let line: Vec<u8> =
            (0..length).map(|_| rng.next_u64().to_le_bytes()[0]).filter(|&b| b != b'\n').collect();
        record(&line, rng.below(2) == 0);
    }
}
