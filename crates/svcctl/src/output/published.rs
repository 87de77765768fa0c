//! The published schemas of what only the command line prints: `docs/schema` has those of the API's types too, which are
//! made and checked in svckit. Only for tests: the program needs no schema of what it prints.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use std::path::Path;

/// Checks that `docs/schema/{name}.schema.json` is the schema of `T` as it is written; writes it if `SVCCTL_BLESS` is
/// set.
#[track_caller]
pub(crate) fn is_current<T: JsonSchema>(name: &str) {
    // As programs see it: `Serialize` decides what there is.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value();
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/{name}.schema.json"));
    if std::env::var_os("SVCCTL_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{} is not current; run this test with SVCCTL_BLESS=1", path.display());
}
