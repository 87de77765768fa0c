//! Tests of reading for programs: what needs files, what hangs, and in which order it is told.

use super::*;
use crate::lifeline::lifelines;
use serde_json::json;
use std::sync::mpsc::{Receiver, channel};

const PATIENCE: Duration = Duration::from_secs(20);

fn wanted(env: Option<&str>) -> Wanted {
    let document = json!({"spec": 1, "name": "a", "exec": ["/bin/a"]});
    let mut spec = svcctl_core::spec::decode(&document).unwrap();
    if let Some(text) = env {
        spec.env.insert("A".into(), Template::parse(text).unwrap());
    }
    Wanted { spec: Arc::new(spec), extra: None }
}

fn ask(preparer: &Preparer, key: &str, wanted: Wanted) -> Receiver<Result<Image, String>> {
    let (sender, receiver) = channel();
    preparer.later(key.to_owned(), wanted, Box::new(move |result| drop(sender.send(result))));
    receiver
}

#[test]
fn what_needs_no_file_is_prepared_at_once() {
    assert!(Preparer::now(&wanted(Some("x"))).unwrap().is_ok());
    assert!(Preparer::now(&wanted(Some("${file:/x}"))).is_none());
}

#[test]
fn a_file_that_hangs_fails_its_own_attempt_and_holds_up_no_other_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "s\n").unwrap();
    let text = format!("${{file:{}}}", path.display());
    let preparer = Preparer::with_timeout(Duration::from_millis(50), lifelines().0.of("test")).unwrap();
    // Every reader is lost to something, as to a dead file system.
    let releases: Vec<_> = (0..READERS_MAX)
        .map(|_| {
            let (release, held) = channel::<()>();
            preparer.readers().start(move || held.recv().unwrap_or_default());
            release
        })
        .collect();
    let error = ask(&preparer, "a#0", wanted(Some(&text))).recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(error, format!("its files ({}) could not be read within 50 ms", path.display()));
    let error = ask(&preparer, "a#0", wanted(Some(&text))).recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(error.ends_with("hangs since an earlier attempt"), "{error}");
    drop(releases);
    // Once the earlier attempt is over, there is a next one.
    let image = loop {
        if let Ok(image) = ask(&preparer, "a#0", wanted(Some(&text))).recv_timeout(PATIENCE).unwrap() {
            break image;
        }
        std::thread::yield_now();
    };
    assert!(image.env.contains(&b"A=s".to_vec()));
}

#[test]
fn a_text_of_a_probe_means_what_it_would_in_exec() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("env");
    std::fs::write(&path, "PORT=8080\n").unwrap();
    let mut spec = ServiceSpec::clone(&wanted(Some("h")).spec);
    let template = |text: &str| Template::parse(text).unwrap();
    let text = |spec: &ServiceSpec, text: &str| match Preparer::text(
        &Arc::new(spec.clone()),
        "ready.http.url".to_owned(),
        &template(text),
    ) {
        Text::Known(result) => (false, result),
        Text::InFiles(read) => (true, read()),
    };
    assert_eq!(text(&spec, "http://${A}/$$"), (false, Ok("http://h/$".to_owned())));
    assert!(text(&spec, "${PORT}").1.unwrap_err().starts_with("ready.http.url needs ${PORT}, which"));
    let path = Template::literal(path.to_str().unwrap());
    spec.env_file = vec![svcctl_core::spec::model::EnvFile { path, optional: false }];
    assert_eq!(text(&spec, "${PORT}"), (true, Ok("8080".to_owned())));
}
