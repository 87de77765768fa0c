//! Events on a real file system.

use super::file::{EventFile, previous};
use super::*;
use std::fs;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn of(service: &str, message: &str) -> Event {
    event(Some(service), "state", EventLevel::Info, message.to_owned())
}

fn messages(found: &[(Cursor, Event)]) -> Vec<&str> {
    found.iter().map(|(_, event)| event.message.as_str()).collect()
}

#[test]
fn events_are_read_by_service_time_number_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::open(folder.path().join("events.ndjson")).unwrap();
    for (service, message) in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")] {
        events.record(of(service, message));
    }
    runtime().block_on(async {
        let (all, end) = events.read(&Query::default()).await.unwrap();
        assert_eq!(messages(&all), ["1", "2", "3", "4"]);
        assert_eq!(all[3].0, end);
        let query = Query { service: Some("a".to_owned()), lines: Some(2), ..Query::default() };
        assert_eq!(messages(&events.read(&query).await.unwrap().0), ["3", "4"]);
        let query = Query { after: Some(all[1].0), ..Query::default() };
        assert_eq!(messages(&events.read(&query).await.unwrap().0), ["3", "4"]);
        let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
        let query = Query { since: Some(tomorrow), ..Query::default() };
        assert!(events.read(&query).await.unwrap().0.is_empty());
    });
}

#[test]
fn a_place_is_found_again_by_another_engine_after_the_file_was_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    let line = |message: &str| format!("{}\n", serde_json::to_string(&of("a", message)).unwrap());
    let mut file = EventFile::open(&path, 400).unwrap();
    file.append(line("1").as_bytes()).unwrap();
    file.append(line("2").as_bytes()).unwrap();
    let query = Query { lines: Some(1), ..Query::default() };
    let cursor: Cursor = window(&path, &query).unwrap().1.to_string().parse().unwrap();
    drop(file);
    let mut file = EventFile::open(&path, 400).unwrap();
    for message in ["3", "4", "5"] {
        file.append(line(message).as_bytes()).unwrap();
    }
    assert!(previous(&path).exists());
    let query = Query { after: Some(cursor), ..Query::default() };
    assert_eq!(messages(&window(&path, &query).unwrap().0), ["3", "4", "5"]);
    // Once the place is gone for good, what there is begins with the oldest.
    for message in ["6", "7", "8", "9", "10", "11"] {
        file.append(line(message).as_bytes()).unwrap();
    }
    let left = window(&path, &query).unwrap().0;
    assert_eq!(messages(&left).last(), Some(&"11"));
    assert!(messages(&left).len() < 8, "{:?}", messages(&left));
}

#[test]
fn what_a_power_loss_left_of_a_line_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    let whole = format!("{}\n", serde_json::to_string(&of("a", "1")).unwrap());
    fs::write(&path, format!("{whole}{{\"time\":\"20")).unwrap();
    let mut file = EventFile::open(&path, 1 << 20).unwrap();
    file.append(format!("{}\n", serde_json::to_string(&of("a", "2")).unwrap()).as_bytes()).unwrap();
    assert_eq!(messages(&window(&path, &Query::default()).unwrap().0), ["1", "2"]);
}

#[test]
fn a_follower_gets_what_is_there_and_then_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::open(folder.path().join("events.ndjson")).unwrap();
    runtime().block_on(async {
        let mut follower = events.follow(&Query::default()).await.unwrap();
        for number in 0..3000 {
            events.record(of("a", &number.to_string()));
            if number % 500 == 0 {
                events.read(&Query { lines: Some(0), ..Query::default() }).await.unwrap();
            }
        }
        for number in 0..3000 {
            let (_, event) = follower.next().await.unwrap().unwrap();
            assert_eq!(event.message, number.to_string());
        }
    });
}

#[test]
fn without_a_place_for_them_events_are_counted_and_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs/events.ndjson");
    let events = Events::open(path.clone()).unwrap();
    runtime().block_on(async {
        events.record(of("a", "1"));
        assert!(events.read(&Query::default()).await.unwrap().0.is_empty());
        fs::create_dir(folder.path().join("logs")).unwrap();
        events.record(of("a", "2"));
        let found = events.read(&Query::default()).await.unwrap().0;
        assert!(found[0].1.message.starts_with("1 events were not recorded"), "{found:?}");
        assert_eq!(found[1].1.message, "2");
    });
}

#[test]
fn what_a_hook_or_probe_wrote_is_in_no_event() {
    use svcctl_core::ident::{ServiceName, SlotKey};
    let folder = tempfile::tempdir().unwrap();
    let events = Events::open(folder.path().join("events.ndjson")).unwrap();
    let name = ServiceName::new("web").unwrap();
    let at = clock::now();
    let message = "its before_start hook exited with code 3; it said: password hunter2".to_owned();
    for kind in [NoteKind::Hook, NoteKind::Probe] {
        let (name, message) = (name.clone(), message.clone());
        events.note(&Note { name, at, pid: None, kind, level: NoteLevel::Warn, message });
    }
    let slot = SlotKey { name, index: 0 };
    events.transition(&Transition {
        slot,
        at,
        from: Phase::Starting,
        to: Phase::Backoff,
        why: message,
        pid: None,
    });
    runtime().block_on(async {
        let found = events.read(&Query::default()).await.unwrap().0;
        assert_eq!(messages(&found), ["its before_start hook exited with code 3"; 3]);
    });
}

#[test]
fn a_follower_since_a_time_gets_nothing_older_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::open(folder.path().join("events.ndjson")).unwrap();
    let since: jiff::Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    runtime().block_on(async {
        events.record(Event { time: "2019-12-31T23:59:59Z".to_owned(), ..of("a", "old") });
        events.record(of("a", "1"));
        let query = Query { since: Some(since), ..Query::default() };
        let mut follower = events.follow(&query).await.unwrap();
        assert_eq!(follower.next().await.unwrap().unwrap().1.message, "1");
        events.record(of("a", "2"));
        assert_eq!(follower.next().await.unwrap().unwrap().1.message, "2");
    });
}

#[test]
fn many_readers_take_turns_and_all_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::open(folder.path().join("events.ndjson")).unwrap();
    events.record(of("a", "1"));
    runtime().block_on(async {
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..READERS_MAX * 4 {
            let events = events.clone();
            readers.spawn(async move { events.read(&Query::default()).await.unwrap().0.len() });
        }
        assert!(readers.join_all().await.iter().all(|found| *found == 1));
        assert_eq!(events.0.as_ref().unwrap().readers.available_permits(), READERS_MAX);
    });
}
