//! The table of keys as a JSON Schema (draft 2020-12).

use super::super::model::Signal;
use super::super::signal::SIGNALS;
use super::{ENV_FILE, HOOK, HTTP, Key, ROOT, Shape};
use serde_json::{Map, Value, json};

/// The JSON Schema of a service's document. What [`super::super::decode()`] takes is valid; the reverse does not hold
/// for what a schema cannot say well (such as cron expressions), nor for rules over several keys.
pub fn schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("A service of svcctl"));
    let about = "One service: what is run, when, how it is watched, restarted and stopped. In texts, `${NAME}`, `${NAME:-default}` and `${file:/path}` are replaced when the service starts; `$$` is one dollar.";
    schema.insert("description".to_owned(), json!(about));
    schema.extend(mapping(ROOT));
    schema.insert("not".to_owned(), json!({"required": ["schedule", "trigger"]}));
    schema.insert("$defs".to_owned(), definitions());
    Value::Object(schema)
}

/// What stands in several places.
fn definitions() -> Value {
    let words = json!({"type": "array", "items": {"type": "string"}, "minItems": 1});
    json!({
        "duration": {
            "type": "string",
            "minLength": 2,
            "pattern": "^\\s*([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?\\s*$",
            "description": "Whole numbers with units, the largest first: 30s, 1m30s, 500ms, 2h, 1d.",
        },
        "words": {"anyOf": [{"type": "string", "minLength": 1}, words]},
        "hook": {"anyOf": [{"$ref": "#/$defs/words"}, Value::Object(mapping(HOOK))]},
        "http": {"anyOf": [{"$ref": "#/$defs/url"}, Value::Object(mapping(HTTP))]},
        "url": {"type": "string", "pattern": "^(http://|\\$\\{)"},
        "identity": {"anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u64},
        ]},
    })
}

/// A mapping of these keys and no others.
fn mapping(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = Map::new();
    schema.insert("title".to_owned(), json!(key.name));
    let description = match key.default_note {
        Some(note) => format!("{} (Left out: {note}.)", key.description),
        None => key.description.to_owned(),
    };
    schema.insert("description".to_owned(), json!(description));
    if let Value::Object(shape) = shape(key.shape) {
        schema.extend(shape);
    }
    // The table's JSON is tested to be JSON.
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    if let Some(default) = key.default {
        schema.insert("default".to_owned(), parse(default));
    }
    schema.insert("examples".to_owned(), json!([parse(key.example)]));
    Value::Object(schema)
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Version => json!({"const": 1}),
        Shape::Name => {
            json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 64})
        }
        Shape::Text | Shape::Template => json!({"type": "string"}),
        Shape::Path | Shape::Pattern | Shape::Cron | Shape::Regex => {
            json!({"type": "string", "minLength": 1})
        }
        Shape::Timezone => {
            json!({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9/_+-]*$", "maxLength": 64})
        }
        Shape::Bool => json!({"type": "boolean"}),
        Shape::True => json!({"const": true}),
        Shape::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Shape::Number(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
        Shape::Duration => reference("duration"),
        Shape::Count => json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": i32::MAX},
            {"const": "unlimited"},
        ]}),
        Shape::Size => json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            {"const": "unlimited"},
            {"type": "string", "pattern": "^\\s*[0-9]+([KMGTkmgt][Ii]?)?[Bb]\\s*$"},
        ]}),
        Shape::Words
        | Shape::Identity
        | Shape::Identities
        | Shape::Umask
        | Shape::Env
        | Shape::EnvFiles
        | Shape::InheritEnv
        | Shape::DependsOn
        | Shape::Choice(_)
        | Shape::Choices(_)
        | Shape::Codes
        | Shape::Signal
        | Shape::Url
        | Shape::Http
        | Shape::Status
        | Shape::Patterns
        | Shape::Hook
        | Shape::Hooks
        | Shape::Mapping(_)
        | Shape::Mappings(_) => compound(shape),
    }
}

/// A value of several forms or parts.
fn compound(shape: Shape) -> Value {
    match shape {
        Shape::Words => reference("words"),
        Shape::Identity => reference("identity"),
        Shape::Identities => list_of(&reference("identity")),
        Shape::Umask => json!({"type": "string", "pattern": "^(0o)?0*[0-7]{1,3}$"}),
        Shape::Env => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[^=]+$"},
            "additionalProperties": {"type": "string"},
        }),
        Shape::EnvFiles => {
            let one =
                json!({"anyOf": [{"type": "string", "pattern": "^[^-]"}, Value::Object(mapping(ENV_FILE))]});
            json!({"anyOf": [one, list_of(&one)]})
        }
        Shape::InheritEnv => json!({"anyOf": [
            {"const": "all"},
            {"type": "array", "items": {"type": "string", "pattern": "^[^=]+$"}, "uniqueItems": true},
        ]}),
        Shape::DependsOn => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 64},
            "additionalProperties": {"enum": ["ready", "started", "completed"]},
        }),
        Shape::Choice(words) => json!({"enum": words}),
        Shape::Choices(words) => json!({"anyOf": [
            {"enum": words},
            {"type": "array", "items": {"enum": words}, "minItems": 1, "uniqueItems": true},
        ]}),
        Shape::Codes => list_of(&json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})),
        Shape::Signal => signal(),
        Shape::Url => reference("url"),
        Shape::Http => reference("http"),
        Shape::Status => {
            let one = json!({"type": "integer", "minimum": 100, "maximum": 599});
            json!({"anyOf": [one.clone(), {"type": "array", "items": one, "minItems": 1}]})
        }
        Shape::Patterns => {
            let one = json!({"type": "string", "minLength": 1});
            json!({"anyOf": [one, list_of(&one)]})
        }
        Shape::Hook => reference("hook"),
        Shape::Hooks => json!({"anyOf": [reference("hook"), list_of(&reference("hook"))]}),
        Shape::Mapping(keys) => Value::Object(mapping(keys)),
        Shape::Mappings(keys) => list_of(&Value::Object(mapping(keys))),
        // What has one form and no parts is written above.
        Shape::Version
        | Shape::Name
        | Shape::Text
        | Shape::Template
        | Shape::Path
        | Shape::Pattern
        | Shape::Cron
        | Shape::Regex
        | Shape::Timezone
        | Shape::Bool
        | Shape::True
        | Shape::Integer(..)
        | Shape::Number(..)
        | Shape::Duration
        | Shape::Count
        | Shape::Size => json!(true),
    }
}

fn list_of(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// The names are for editors to complete; others forms of them are read too.
fn signal() -> Value {
    json!({"anyOf": [
        {"enum": SIGNALS.map(Signal::name)},
        {"type": "string", "pattern": "^([Ss][Ii][Gg])?[A-Za-z0-9]+$"},
    ]})
}
