//! Places, rendering and round trips, through the public interface.

use super::*;
use serde_json::{Map, Value, json};
use svcctl_core::rng::Rng;

const YAML: &str = "\
name: web # the shop
exec: [/bin/sh, -c, 'exit 1']
restart:
  limit: {count: 3, within: }
  polcy: always
list:
- a: 1
  b: 2
- [x,
  y ] # end
text: |
  many
  lines
'quoted key': &x {z: 1}
alias: *x
漢字: \"ü\\u0041\"
? complex
: value
";

fn document(text: &str, format: DocumentFormat) -> Document {
    Document::parse(text, format).unwrap()
}

/// What stands at a place, with its line and column.
fn at(document: &Document, text: &str, path: &str, which: Which) -> (u64, u64, String) {
    let place = document.place_of(path, which);
    (place.line, place.column, text[place.bytes].to_owned())
}

fn check(text: &str, format: DocumentFormat, expected: &[(&str, Which, (u64, u64, &str))]) {
    let document = document(text, format);
    for (path, which, (line, column, slice)) in expected {
        let found = at(&document, text, path, *which);
        assert_eq!(found, (*line, *column, (*slice).to_owned()), "{path} {which:?}");
    }
}

#[test]
fn keys_and_values_of_yaml_are_found() {
    check(
        YAML,
        DocumentFormat::Yaml,
        &[
            ("name", Which::Key, (1, 1, "name")),
            ("name", Which::Value, (1, 7, "web")),
            ("exec", Which::Value, (2, 7, "[/bin/sh, -c, 'exit 1']")),
            ("exec[2]", Which::Value, (2, 21, "'exit 1'")),
            ("exec[2]", Which::Key, (2, 21, "'exit 1'")),
            ("restart", Which::Value, (4, 3, "limit: {count: 3, within: }\n  polcy: always")),
            ("restart.limit.count", Which::Key, (4, 11, "count")),
            ("restart.limit.count", Which::Value, (4, 18, "3")),
            ("restart.limit.within", Which::Value, (4, 21, "within")),
            ("restart.polcy", Which::Key, (5, 3, "polcy")),
            ("list[0]", Which::Value, (7, 3, "a: 1\n  b: 2")),
            ("list[0].b", Which::Key, (8, 3, "b")),
            ("list[1]", Which::Value, (9, 3, "[x,\n  y ]")),
            ("list[1][1]", Which::Value, (10, 3, "y")),
            ("text", Which::Value, (12, 3, "many\n  lines\n")),
            ("quoted key", Which::Key, (14, 1, "'quoted key'")),
            ("quoted key.z", Which::Value, (14, 22, "1")),
            ("alias", Which::Value, (15, 8, "*x")),
            ("alias.z", Which::Value, (15, 8, "*x")),
            ("漢字", Which::Value, (16, 5, "\"ü\\u0041\"")),
            ("complex", Which::Value, (18, 3, "value")),
        ],
    );
}

#[test]
fn keys_and_values_of_toml_are_found() {
    let text = "[a]\nb.c = 1\n[[x.y]]\nz = 1979-05-27T07:32:00Z\n[[x.y]]\ni = {a = 1, b = [\n1, # c\n2]}\n[a.n]\n\"q.k\" = 0x1f\n";
    check(
        text,
        DocumentFormat::Toml,
        &[
            ("a", Which::Key, (1, 2, "a")),
            ("a.b", Which::Key, (2, 1, "b")),
            ("a.b.c", Which::Key, (2, 3, "c")),
            ("a.b.c", Which::Value, (2, 7, "1")),
            ("x.y[0].z", Which::Value, (4, 5, "1979-05-27T07:32:00Z")),
            ("x.y[1]", Which::Value, (5, 1, "[[x.y]]")),
            ("x.y[1].i.b[1]", Which::Value, (8, 1, "2")),
            ("a.n.q.k", Which::Key, (10, 1, "\"q.k\"")),
            ("a.n.missing", Which::Key, (9, 4, "n")),
        ],
    );
}

#[test]
fn keys_and_values_of_json_are_found() {
    let text = "\u{feff}{\"é\": [1, {\"b\\n\": true}],\r\n\t\"c\": {} }\n";
    check(
        text,
        DocumentFormat::Json,
        &[
            ("é", Which::Key, (1, 2, "\"é\"")),
            ("é[1].b\n", Which::Key, (1, 12, "\"b\\n\"")),
            ("é[1].b\n", Which::Value, (1, 19, "true")),
            ("c", Which::Key, (2, 2, "\"c\"")),
            ("c", Which::Value, (2, 7, "{}")),
        ],
    );
}

#[test]
fn what_is_not_there_is_shown_at_its_parent() {
    let document = document(YAML, DocumentFormat::Yaml);
    let place = document.place_of("restart.limit.burst", Which::Value);
    assert_eq!((place.line, place.column, place.of), (4, 3, Of::Parent));
    let place = document.place_of("user", Which::Key);
    assert_eq!((place.line, place.column, place.len_chars, place.of), (1, 1, 1, Of::Parent));
    let empty = Document::parse("", DocumentFormat::Yaml).unwrap();
    let place = empty.place_of("name", Which::Value);
    assert_eq!((place.line, place.column, place.bytes), (1, 1, 0..0));
}

#[test]
fn documents_of_one_text_know_their_part_of_it() {
    let text = "# first\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\n~\n--- # last\nc: |\n  ---\n  x\n";
    let documents = Document::parse_all(text, DocumentFormat::Yaml).unwrap();
    let parts: Vec<_> = documents.iter().map(|one| (one.first_line(), one.source())).collect();
    let expected = [(1, "# first\na: 1\n"), (5, "---\nb: 2\n...\n"), (10, "--- # last\nc: |\n  ---\n  x\n")];
    assert_eq!(parts, expected);
    assert_eq!(at(&documents[2], text, "c", Which::Key), (11, 1, "c".to_owned()));
    assert_eq!(documents[2].value, json!({"c": "---\nx\n"}));
    let error = Document::parse_all("---\na: 1\n---\nb: [", DocumentFormat::Yaml).unwrap_err();
    assert!(error.to_string().contains("line 4, column 4"), "{error}");
    let many = "---\na: 1\n".repeat(DOCUMENTS_MAX + 1);
    let error = Document::parse_all(&many, DocumentFormat::Yaml).unwrap_err();
    assert!(error.to_string().contains("more than 4096 documents"), "{error}");
}

#[test]
fn a_text_without_a_name_may_be_nearly_json() {
    let read =
        |text| Document::parse_all_detected(text).map(|all| all.into_iter().map(|one| one.value).collect());
    assert_eq!(read("{\"a\": 1}"), Ok(vec![json!({"a": 1})]));
    assert_eq!(read("{\"a\": 1} # a comment\n---\n{b: 2}\n"), Ok(vec![json!({"a": 1}), json!({"b": 2})]));
    assert_eq!(read("a: 1"), Ok(vec![json!({"a": 1})]));
    let error = read("{\"a\": [}").unwrap_err();
    assert_eq!(error.to_string(), "read the document at line 1, column 8: expected value");
}

#[test]
fn keys_that_are_the_same_text_are_one_key() {
    let error = Document::parse("a:\n- 1: a\n  '1': b\n", DocumentFormat::Yaml).unwrap_err();
    assert_eq!(error.to_string(), "read the document at line 3, column 3: the key \"1\" stands here twice");
}

#[test]
fn problems_are_shown_under_their_line() {
    let document = document(YAML, DocumentFormat::Yaml);
    let place = |path, which| document.place_of(path, which);
    let problems = [
        Located::new(
            &place("restart.polcy", Which::Key),
            "unknown key `restart.polcy`, did you mean `policy`?",
        ),
        Located::new(&place("text", Which::Value), "`text` must be a number"),
        ParseError::Whole("it is \u{1b}[31mred".to_owned()).located(),
    ];
    let expected = "\
error: unknown key `restart.polcy`, did you mean `policy`?
 --> web.yaml:5:3
  |
5 |   polcy: always
  |   ^^^^^

error: `text` must be a number
  --> web.yaml:12:3
   |
12 |   many
   |   ^^^^

error: it is \\u{1b}[31mred
 --> web.yaml
";
    assert_eq!(render_problems("web.yaml", YAML, &problems, Style::PLAIN), expected);
    let coloured = render_problems("web.yaml", YAML, &problems[..1], Style::COLOUR);
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[91merror"), "{coloured:?}");
    let json = serde_json::to_value(problems[0].clone().in_file("web.yaml")).unwrap();
    assert_eq!(json["file"], "web.yaml");
    assert_eq!((&json["line"], &json["column"], &json["length"]), (&json!(5), &json!(3), &json!(5)));
}

#[test]
fn carets_stand_under_wide_characters_and_after_tabs() {
    let text = "\u{feff}a:\t漢字\t\u{1}x\u{202e} bad # é\r\nb: 1\r\n";
    let shown = |column, length| {
        let problem = Located { line: 1, column, length, message: "no".to_owned() };
        render_problems("f", text, &[problem], Style::PLAIN)
    };
    let line = "1 | a:    漢字    ␁x� bad # é";
    assert!(shown(4, 2).ends_with(&format!("\n{line}\n  |       ^^^^\n")), "{}", shown(4, 2));
    assert!(shown(11, 3).ends_with(&format!("\n{line}\n  |                   ^^^\n")), "{}", shown(11, 3));
    // Past the end of the line, and of the text.
    assert!(shown(99, 1).contains("--> f:1:"));
    let past = Located { line: 9, column: 1, length: 1, message: "no".to_owned() };
    assert_eq!(render_problems("f", text, &[past], Style::PLAIN), "error: no\n --> f\n");
}

#[test]
fn long_lines_are_cut_around_what_is_meant_and_many_problems_are_counted() {
    let text = format!("{{\"a\": \"{0}\", \"pol\": 1, \"b\": \"{0}\"}}", "x".repeat(10_000));
    let place = document(&text, DocumentFormat::Json).place_of("pol", Which::Key);
    let problem = Located::new(&place, "unknown");
    let shown = render_problems("f", &text, std::slice::from_ref(&problem), Style::PLAIN);
    assert!(shown.contains("--> f:1:10011\n") && shown.contains("\"pol\": 1"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 150), "{shown}");
    let shown = render_problems("f", "a: 1\n", &vec![problem; 130], Style::PLAIN);
    assert!(shown.ends_with("\nand 30 more problems in f\n"), "{shown}");
}

#[test]
fn random_trees_come_back_from_each_format_with_a_place_for_every_path() {
    let mut rng = Rng::new(20_261_124);
    for round in 0..300 {
        let tree = Value::Object(random_mapping(&mut rng, 0));
        for format in DocumentFormat::ALL {
            let text = render_as(&tree, format).unwrap();
            let document =
                Document::parse(&text, format).unwrap_or_else(|error| panic!("{error} in\n{text}"));
            assert_eq!(document.value, tree, "round {round}, {format}:\n{text}");
            all_places(&document, &text, &tree, "");
        }
    }
}

fn all_places(document: &Document, text: &str, value: &Value, path: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let place = document.place_of(&path, Which::Key);
                let slice = text[place.bytes].trim_start_matches(['"', '\'']);
                assert!(place.of == Of::Key && slice.starts_with(key), "{path} at {slice:?} in\n{text}");
                all_places(document, text, value, &path);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                all_places(document, text, item, &format!("{path}[{index}]"));
            }
        }
        Value::Number(_) | Value::Bool(_) => {
            let place = document.place_of(path, Which::Value);
            assert_eq!(text[place.bytes], value.to_string(), "{path} in\n{text}");
        }
        Value::Null | Value::String(_) => {
            assert_eq!(document.place_of(path, Which::Value).of, Of::Value, "{path} in\n{text}");
        }
    }
}

fn random_mapping(rng: &mut Rng, depth: usize) -> Map<String, Value> {
    const KEYS: [&str; 12] =
        ["name", "exec", "two words", "ünï", "漢字", "no", "-x", "# c", "1", "a:b", "true", "{x}"];
    let count = rng.below(5);
    (0..count).map(|_| (KEYS[index(rng, KEYS.len())].to_owned(), random_value(rng, depth + 1))).collect()
}

fn random_value(rng: &mut Rng, depth: usize) -> Value {
    const TEXTS: [&str; 16] = [
        "",
        "web",
        "no",
        "null",
        "1",
        "0x1f",
        "a: b",
        "- a",
        " x ",
        "'",
        "\"\\",
        "many\nlines\n",
        "\ttab",
        "é\u{2028}",
        "\u{7}",
        "12:30",
    ];
    match rng.below(if depth < 5 { 8 } else { 5 }) {
        0 => Value::Bool(rng.below(2) == 0),
        1 => json!(rng.below(100_000)),
        2 => json!(-1.5),
        3 | 4 => Value::from(TEXTS[index(rng, TEXTS.len())]),
        5 => (0..rng.below(4)).map(|_| random_value(rng, depth + 1)).collect(),
        _ => Value::Object(random_mapping(rng, depth)),
    }
}

fn index(rng: &mut Rng, length: usize) -> usize {
    usize::try_from(rng.below(length as u64)).unwrap()
}
