//! Tests of watches, with real files.

use super::*;
use crate::lifeline::lifelines;
use crate::logs::{self, LogsConfig};
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::supervisor::event::WatchWhat;

const PATIENCE: Duration = Duration::from_secs(20);

fn watches(folder: &Path) -> (Watches, Receiver<Input>, LogsHandle) {
    let (logs, _joiner) = logs::start(LogsConfig {
        logs: folder.join("logs"),
        spools: folder.join("spool"),
        boot_id: "boot".into(),
        echo: None,
        on_spool: Box::new(|_, _| {}),
        on_stream_done: Box::new(|_| {}),
    })
    .unwrap();
    let (driver, inputs) = crate::queue::queue();
    (Watches::new(driver, logs.clone(), lifelines().0), inputs, logs)
}

fn id(name: &str, what: WatchWhat) -> WatchId {
    WatchId { name: ServiceName::new(name).unwrap(), what }
}

/// Longer than the watcher takes to tell of a change.
const QUIET: Duration = Duration::from_millis(300);

/// Makes changes until one is told.
fn until_told(inputs: &Receiver<Input>, change: impl Fn(u32)) -> (WatchId, Vec<String>) {
    for number in 0..100 {
        change(number);
        match inputs.recv_timeout(QUIET) {
            Ok(Input::Event(Event::Changed(id, paths))) => return (id, paths),
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
    panic!("no change was told")
}

fn changed(inputs: &Receiver<Input>) -> (WatchId, Vec<String>) {
    match inputs.recv_timeout(PATIENCE).unwrap() {
        Input::Event(Event::Changed(id, paths)) => (id, paths),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_is_told_to_those_who_watch_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut watches, inputs, _logs) = watches(folder.path());
    let inbox = folder.path().join("in");
    std::fs::create_dir(&inbox).unwrap();
    let (conf, inbox) = (folder.path().join("web.conf"), inbox.display().to_string());
    std::fs::write(&conf, "a").unwrap();
    let conf_text = conf.display().to_string();
    let all = vec![PathEvent::Create, PathEvent::Modify, PathEvent::Delete];
    let reload = id("web", WatchWhat::Reload);
    let trigger = id("job", WatchWhat::Trigger);
    watches.watch(Watch { id: reload.clone(), patterns: vec![conf_text.clone()], events: all });
    let events = vec![PathEvent::Create];
    watches.watch(Watch { id: trigger.clone(), patterns: vec![inbox.clone()], events });
    // It is watched some time after that was asked for: written until it is told.
    let first = until_told(&inputs, |number| std::fs::write(&conf, number.to_string()).unwrap());
    assert_eq!(first, (reload.clone(), vec![conf_text]));
    let told = until_told(&inputs, |number| std::fs::write(format!("{inbox}/{number}"), "").unwrap());
    assert_eq!(told.0, trigger);
    while inputs.recv_timeout(QUIET).is_ok() {}
    std::fs::write(format!("{inbox}/order"), "1").unwrap();
    assert_eq!(changed(&inputs), (trigger.clone(), vec![format!("{inbox}/order")]));
    // What is watched no more, and what was not asked for, is not told.
    watches.unwatch(&reload);
    let marker = id("marker", WatchWhat::Trigger);
    let patterns = vec![folder.path().join("marker").display().to_string()];
    watches.watch(Watch {
        id: marker.clone(),
        patterns: patterns.clone(),
        events: vec![PathEvent::Create, PathEvent::Modify],
    });
    assert_eq!(
        until_told(&inputs, |number| std::fs::write(&patterns[0], number.to_string()).unwrap()).0,
        marker
    );
    while inputs.recv_timeout(QUIET).is_ok() {}
    std::fs::write(&conf, "c").unwrap();
    std::fs::remove_file(format!("{inbox}/order")).unwrap();
    std::fs::write(format!("{inbox}/next"), "2").unwrap();
    assert_eq!(changed(&inputs), (trigger.clone(), vec![format!("{inbox}/next")]));
}

#[test]
fn what_cannot_be_watched_stands_in_the_services_log() {
    let folder = tempfile::tempdir().unwrap();
    let (mut watches, _inputs, logs) = watches(folder.path());
    let patterns = vec!["relative/path".to_owned()];
    watches.watch(Watch { id: id("web", WatchWhat::Reload), patterns, events: vec![PathEvent::Modify] });
    let path = folder.path().join("logs/web/current.ndjson");
    let began = std::time::Instant::now();
    let log = loop {
        let (flushed, waited) = channel();
        logs.flush(None, move || flushed.send(()).unwrap());
        waited.recv_timeout(PATIENCE).unwrap();
        match std::fs::read_to_string(&path) {
            Ok(log) if !log.is_empty() => break log,
            Ok(_) | Err(_) => assert!(began.elapsed() < PATIENCE, "nothing is told"),
        }
    };
    assert!(log.contains("give the whole path") && log.contains("\"log.level\":\"error\""), "{log}");
}
