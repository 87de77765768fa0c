//! Every specification can be written as a document that reads as the same specification.

mod generate;

use generate::spec;
use svcctl_core::rng::Rng;
use svcctl_core::spec::{decode, diff};

/// How many specifications are tried.
const TRIES: u64 = 5_000;

#[test]
fn a_document_reads_as_the_specification_it_was_written_from() {
    for seed in 0..TRIES {
        let spec = spec(&mut Rng::new(seed));
        let document = spec.to_document();
        assert_eq!(decode(&document), Ok(spec.clone()), "seed {seed}: {document:#}");
        // The same after a way through text.
        let again = serde_json::from_str(&document.to_string()).expect("what was written is JSON");
        assert_eq!(decode(&again), Ok(spec.clone()), "seed {seed}");
        assert_eq!(diff(&spec, &spec), Vec::<String>::new());
    }
}

#[test]
fn two_specifications_differ_exactly_where_they_differ() {
    for seed in 0..TRIES {
        let (one, other) = (spec(&mut Rng::new(seed)), spec(&mut Rng::new(seed + 1)));
        assert_eq!(one == other, diff(&one, &other).is_empty(), "seed {seed}: {one:?} {other:?}");
    }
}

#[test]
fn defaults_are_left_out_and_the_name_comes_first() {
    let document = serde_json::json!({
        "exec": ["/bin/x"], "manager": "auto", "autostart": true, "type": "simple", "name": "web", "spec": 1,
        "restart": {"policy": "always", "backoff": {"initial": "1s", "factor": 2, "max": "1m", "jitter": 0.1}},
        "stop": {"timeout": "15s", "steps": [{"signal": "SIGTERM"}, {"kill": "tree"}]}, "start": {"timeout": "30s"},
    });
    let spec = decode(&document).expect("the document is sound");
    assert_eq!(spec.to_document().to_string(), r#"{"spec":1,"name":"web","exec":["/bin/x"]}"#);
}
