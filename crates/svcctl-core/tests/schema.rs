//! The JSON Schema takes what decoding takes, decoding refuses what it refuses, and the copy in the repository is the
//! schema of now.

mod generate;

use serde_json::{Value, json};
use std::path::Path;
use svcctl_core::rng::Rng;
use svcctl_core::spec::{decode, schema};

const TRIES: u64 = 1_500;
/// Set to write the copies anew: `SVCCTL_WRITE_DOCS=1 cargo test -p svcctl-core --test schema`.
const WRITE: &str = "SVCCTL_WRITE_DOCS";

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&schema()).expect("the schema is one")
}

#[test]
fn the_copy_in_the_repository_is_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/service.schema.json");
    let text = format!("{:#}\n", schema());
    if std::env::var_os(WRITE).is_some() {
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder is made");
        std::fs::write(&path, &text).expect("the copy is written");
    }
    let copy = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(copy == text, "{} is not what schema() gives; run the tests with {WRITE}=1", path.display());
}

#[test]
fn the_schema_is_itself_valid_and_a_wrong_one_would_be_seen() {
    assert!(validator().is_valid(&json!({"spec": 1, "name": "web", "exec": ["/bin/x"]})));
    let mut wrong = schema();
    wrong["properties"]["name"]["maxLength"] = json!("64");
    assert!(jsonschema::draft202012::new(&wrong).is_err());
}

#[test]
fn what_is_decoded_is_valid() {
    let validator = validator();
    for seed in 0..TRIES {
        let document = generate::spec(&mut Rng::new(seed)).to_document();
        let found = validator.validate(&document).err().into_iter().flatten();
        let errors: Vec<String> = found.map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "seed {seed}: {document:#}");
    }
}

#[test]
fn every_form_that_is_decoded_is_valid() {
    let validator = validator();
    for (key, value) in [
        ("exec", json!("/bin/x a")),
        ("env_file", json!("/a")),
        ("env_file", json!({"path": "/a"})),
        ("user", json!(1000)),
        ("umask", json!("0o027")),
        ("ready", json!({"http": {"url": "${URL}", "status": 200}})),
        ("limits", json!({"stack": 8_388_608, "core": "0B", "file_size": "1gb"})),
        ("stop", json!({"steps": [{"signal": "sigint"}]})),
        ("stop", json!({"steps": [{"command": "/bin/x"}]})),
        ("trigger", json!({"path": "/in", "on": "create"})),
        ("reload", json!({"restart": true, "watch": "/etc/x"})),
        ("hooks", json!({"before_start": ["/bin/x", "a"], "after_exit": []})),
        ("start", json!({"timeout": " 1m "})),
    ] {
        let mut document = json!({"spec": 1, "name": "web", "exec": ["/bin/x"]});
        document[key] = value;
        assert!(decode(&document).is_ok(), "{document}: {:?}", decode(&document));
        assert!(validator.is_valid(&document), "{document}");
    }
}

fn other_value(rng: &mut Rng) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(3.5),
        json!(1e30),
        json!(""),
        json!("x"),
        json!("5"),
        json!("10s"),
        json!("never"),
        json!("/x"),
        json!([]),
        json!(["/x"]),
        json!([1]),
        json!({}),
        json!({"exec": ["/x"]}),
        json!({"tcp": "a:1"}),
    ];
    values[usize::try_from(rng.below(values.len() as u64)).expect("it is small")].clone()
}

/// Changes, adds or takes out something, somewhere.
fn mutate(rng: &mut Rng, value: &mut Value) {
    let below = match value {
        Value::Object(map) => map.len(),
        Value::Array(items) => items.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    if below == 0 || rng.below(6) == 0 {
        *value = other_value(rng);
        return;
    }
    let at = usize::try_from(rng.below(below as u64)).expect("it is small");
    match value {
        Value::Object(map) => {
            let key = map.keys().nth(at).expect("there are so many").clone();
            match rng.below(4) {
                0 => {
                    map.remove(&key);
                }
                1 => {
                    map.insert(format!("{key}_x"), other_value(rng));
                }
                _ => mutate(rng, &mut map[&key]),
            }
        }
        Value::Array(items) => mutate(rng, &mut items[at]),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_the_schema_refuses_is_refused() {
    let validator = validator();
    let (mut refused, mut missed) = (0, 0);
    for seed in 0..4 * TRIES {
        let mut rng = Rng::new(seed);
        let mut document = generate::spec(&mut rng).to_document();
        mutate(&mut rng, &mut document);
        let decoded = decode(&document);
        match (validator.is_valid(&document), &decoded) {
            (false, decoded) => {
                assert!(decoded.is_err(), "seed {seed}: decoded, and not valid: {document:#}");
                refused += 1;
            }
            (true, Err(_)) => missed += 1,
            (true, Ok(_)) => {}
        }
    }
    // A schema that took everything would pass the above; most mistakes are seen by it.
    assert!(refused > 2 * missed, "{refused} are seen by the schema, {missed} are not");
}
