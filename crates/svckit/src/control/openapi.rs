//! The API as an `OpenAPI` 3.1 document, and the schemas of what it answers (which is also what the command line prints
//! with `--output json`). Both are made from [`super::types`] and the table of routes here.

use super::types::{
    Act, Applied, Apply, Document, Event, Failure, Install, Outcome, Pending, Processes, Service, Services,
    StopDaemon, Verb, Version,
};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The dialect of the schemas, which is that of `OpenAPI` 3.1.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One row of the table of routes.
struct Route {
    method: &'static str,
    path: &'static str,
    /// The name of the method that a generated client gets.
    id: &'static str,
    summary: &'static str,
    role: &'static str,
    query: &'static [Parameter],
    body: Option<Body>,
    answer: Answer,
}

/// A parameter of the query.
#[derive(Clone, Copy)]
struct Parameter {
    name: &'static str,
    kind: &'static str,
    description: &'static str,
}

/// What a request has as its body.
struct Body {
    schema: fn(&mut SchemaGenerator) -> Value,
    required: bool,
}

/// What a good answer has as its body.
enum Answer {
    Json(fn(&mut SchemaGenerator) -> Value),
    /// Lines, or server-sent events when followed.
    Lines(fn(&mut SchemaGenerator) -> Value),
    /// Only its status counts.
    Empty,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// A mapping of any content.
fn any_object(_: &mut SchemaGenerator) -> Value {
    json!({"type": "object"})
}

/// An [`Install`], or the specification itself.
fn installable(generator: &mut SchemaGenerator) -> Value {
    json!({"anyOf": [of::<Install>(generator), any_object(generator)]})
}

const FOLLOWING: [Parameter; 3] = [
    Parameter { name: "lines", kind: "integer", description: "How many of the last ones." },
    Parameter {
        name: "follow",
        kind: "boolean",
        description: "Whether to go on with new ones, as server-sent events.",
    },
    Parameter { name: "after", kind: "string", description: "Only what comes after this cursor." },
];

const EVENTS: [Parameter; 5] = [
    FOLLOWING[0],
    FOLLOWING[1],
    FOLLOWING[2],
    Parameter {
        name: "since",
        kind: "string",
        description: "Only what happened since this time (RFC 3339).",
    },
    Parameter { name: "service", kind: "string", description: "Only what concerns this service." },
];

const fn parameter(name: &'static str, kind: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind, description }
}

const fn get(path: &'static str, id: &'static str, role: &'static str, answer: Answer) -> Route {
    Route { method: "get", path, id, summary: "", role, query: &[], body: None, answer }
}

const fn post(path: &'static str, id: &'static str, role: &'static str, body: Body) -> Route {
    let answer = Answer::Json(of::<Outcome>);
    Route { method: "post", path, id, summary: "", role, query: &[], body: Some(body), answer }
}

const ACT: Body = Body { schema: of::<Act>, required: false };

fn routes() -> Vec<Route> {
    let said = |route: Route, summary: &'static str| Route { summary, ..route };
    let mut routes = vec![
        said(get("/v1/version", "version", "viewer", Answer::Json(of::<Version>)), "Who answers"),
        said(get("/v1/services", "services", "viewer", Answer::Json(of::<Services>)), "All services"),
        said(get("/v1/services/{name}", "service", "viewer", Answer::Json(of::<Service>)), "One service"),
        Route {
            method: "put",
            path: "/v1/services/{name}",
            id: "install",
            summary: "Install a specification",
            role: "admin",
            query: const {
                &[
                    parameter("update", "boolean", "Whether another specification is replaced."),
                    parameter("dry_run", "boolean", "Say what would be, and do nothing."),
                ]
            },
            body: Some(Body { schema: installable, required: true }),
            answer: Answer::Json(of::<Outcome>),
        },
        Route {
            method: "delete",
            ..said(post("/v1/services/{name}", "uninstall", "admin", ACT), "Stop and forget a service")
        },
        said(
            post("/v1/services/{name}/{verb}", "act_on", "operator or admin, by verb", ACT),
            "Act on one service",
        ),
        said(post("/v1/actions/{verb}", "act", "operator or admin, by verb", ACT), "Act on services"),
        said(
            get("/v1/services/{name}/processes", "processes", "operator", Answer::Json(of::<Processes>)),
            "The processes of a service",
        ),
        said(
            get("/v1/services/{name}/source", "source", "admin", Answer::Json(of::<Document>)),
            "The text of a service's file",
        ),
        Route {
            query: &FOLLOWING,
            ..said(
                get("/v1/services/{name}/logs", "logs", "operator", Answer::Lines(any_object)),
                "The log of a service, in the Elastic Common Schema",
            )
        },
    ];
    routes.extend(routes_of_the_whole());
    routes
}

fn routes_of_the_whole() -> Vec<Route> {
    let said = |route: Route, summary: &'static str| Route { summary, ..route };
    vec![
        Route {
            answer: Answer::Json(of::<Applied>),
            ..said(
                post("/v1/apply", "apply", "admin", Body { schema: of::<Apply>, required: true }),
                "Bring a set of specifications about",
            )
        },
        Route {
            query: &EVENTS,
            ..said(
                get("/v1/events", "events", "viewer", Answer::Lines(of::<Event>)),
                "What happened: changes of state, commands, changes of configuration",
            )
        },
        said(
            get("/v1/pending", "pending", "admin", Answer::Json(of::<Pending>)),
            "What the files in services/ would change",
        ),
        said(
            get("/v1/schema", "schema", "viewer", Answer::Json(any_object)),
            "The schema of a specification",
        ),
        said(get("/v1/openapi.json", "openapi", "viewer", Answer::Json(any_object)), "This document"),
        said(
            post(
                "/v1/daemon/stop",
                "stop_daemon",
                "admin",
                Body { schema: of::<StopDaemon>, required: false },
            ),
            "End the daemon",
        ),
        said(get("/health/live", "live", "viewer", Answer::Empty), "Whether the engine answers"),
        said(get("/health/ready", "ready", "viewer", Answer::Empty), "Whether the engine works"),
    ]
}

/// The document.
pub fn document() -> Value {
    let mut generator = generator("#/components/schemas");
    let mut paths = Map::new();
    for route in routes() {
        let operation = operation(&mut generator, &route);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    // Named by the text of parameters, or not at all, and wanted by clients.
    for schema in [of::<Failure>, of::<Event>] {
        schema(&mut generator);
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "svcctl",
            "version": "1",
            "description": "The local API of svcctl: HTTP/1.1 over a Unix socket. See PROTOCOL.md for its rules.",
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": "http://localhost", "description": "Over the socket run/engines/daemon.sock"}],
        "paths": paths,
        "components": {"schemas": generator.take_definitions(true)},
    })
}

/// The schemas of what the command line prints with `--output json`: file name without its ending, and content.
pub fn output_schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("version", root::<Version>()),
        ("services", root::<Services>()),
        ("service-state", root::<Service>()),
        ("outcome", root::<Outcome>()),
        ("applied", root::<Applied>()),
        ("pending", root::<Pending>()),
        ("processes", root::<Processes>()),
        ("event", root::<Event>()),
        ("failure", root::<Failure>()),
    ]
}

fn root<T: JsonSchema>() -> Value {
    generator("#/$defs").into_root_schema_for::<T>().to_value()
}

/// Answers are described, as programs see them; a field that bodies may leave out is told by its default.
fn generator(definitions: &'static str) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(list_words));
    settings.with(|settings| settings.definitions_path = definitions.into()).into_generator()
}

/// Makes `oneOf` of words, each with its description, a plain `enum` with one: it means the same, and generators of
/// clients make an enumeration of it. Of the first form some make a type that accepts its first word alone.
fn list_words(schema: &mut Schema) {
    let Some(parts) = schema.get("oneOf").and_then(Value::as_array) else { return };
    let word =
        |part: &Value| Some((part.get("const")?.as_str()?.to_owned(), part.get("description").cloned()));
    let Some(words) = parts.iter().map(word).collect::<Option<Vec<_>>>() else { return };
    let meanings = words
        .iter()
        .filter_map(|(word, meaning)| Some(format!("- `{word}`: {}", meaning.as_ref()?.as_str()?)));
    let said = schema.get("description").and_then(Value::as_str).map(str::to_owned);
    let whole =
        said.into_iter().chain([meanings.collect::<Vec<_>>().join("\n")]).collect::<Vec<_>>().join("\n\n");
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), words.into_iter().map(|(word, _)| word).collect());
    schema.insert("description".to_owned(), json!(whole));
}

fn operation(generator: &mut SchemaGenerator, route: &Route) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if route.path.contains("{name}") {
        let schema = json!({"type": "string"});
        parameters.push(json!({"name": "name", "in": "path", "required": true, "description": "The service.", "schema": schema}));
    }
    if route.path.contains("{verb}") {
        let description = "What is to be done.";
        let schema = of::<Verb>(generator);
        parameters.push(json!({"name": "verb", "in": "path", "required": true, "description": description, "schema": schema}));
    }
    for Parameter { name, kind, description } in route.query {
        parameters
            .push(json!({"name": name, "in": "query", "description": description, "schema": {"type": kind}}));
    }
    if route.body.is_some() {
        let schema = json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"});
        let description = "A repeat with the same id gets the first answer and does nothing again.";
        parameters.push(
            json!({"name": "Operation-Id", "in": "header", "description": description, "schema": schema}),
        );
    }
    let failure = of::<Failure>(generator);
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "description": format!("For whom: {}.", route.role),
        "parameters": parameters,
        "responses": {
            "200": good(generator, &route.answer),
            "default": {
                "description": "A failure; its kind decides the status.",
                "content": {"application/json": {"schema": failure}},
            },
        },
    });
    if let Some(Body { schema, required }) = &route.body {
        let content = json!({"application/json": {"schema": schema(generator)}});
        operation["requestBody"] = json!({"required": required, "content": content});
    }
    operation
}

fn good(generator: &mut SchemaGenerator, answer: &Answer) -> Value {
    match answer {
        Answer::Json(schema) => {
            json!({"description": "Done.", "content": {"application/json": {"schema": schema(generator)}}})
        }
        Answer::Lines(schema) => json!({
            "description": "One a line; or, followed, events with a cursor as their id.",
            "content": {
                "application/x-ndjson": {"schema": schema(generator)},
                "text/event-stream": {"schema": {"type": "string"}},
            },
        }),
        Answer::Empty => json!({"description": "It does."}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn docs() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
    }

    /// Writes the file anew if `SVCCTL_BLESS` is set.
    fn is_current(path: &Path, value: &Value) {
        let text = format!("{}\n", serde_json::to_string_pretty(value).unwrap());
        if std::env::var_os("SVCCTL_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &text).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == text, "{} is not current; run this test with SVCCTL_BLESS=1", path.display());
    }

    #[test]
    fn the_committed_document_and_schemas_are_current() {
        is_current(&docs().join("api/openapi.json"), &document());
        for (name, schema) in output_schemas() {
            is_current(&docs().join(format!("schema/{name}.schema.json")), &schema);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let whole = document();
        let mut found = Vec::new();
        references(&whole, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            assert!(whole.pointer(&reference[1..]).is_some(), "{reference}");
        }
    }

    #[test]
    fn words_are_listed_rather_than_alternatives() {
        let whole = document();
        let kinds = &whole["components"]["schemas"]["FailureKind"];
        assert_eq!(kinds["enum"][0], "failed", "{kinds}");
        let said = kinds["description"].as_str().unwrap();
        assert!(said.contains("\n- `no_such_service`: "), "{said}");
        let schemas: Vec<Value> = output_schemas().into_iter().map(|(_, schema)| schema).collect();
        assert!(!json!([whole, schemas]).to_string().contains(r#"{"type":"string","const":"#));
    }

    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let mut ids: Vec<&str> = routes().iter().map(|route| route.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
