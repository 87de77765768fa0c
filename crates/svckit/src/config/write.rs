//! A tree of values to text.

use super::format::DocumentFormat;
use serde_json::Value;

/// Why a tree could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The format's writer refuses it.
    #[error("write the document: {0}")]
    Refused(String),
    /// TOML knows no empty values.
    #[error("write the document as TOML, which has no null: {0} is one; leave it out, or take YAML or JSON")]
    Null(String),
    /// A document of TOML is a mapping.
    #[error("write the document as TOML, which can only be a mapping; take YAML or JSON")]
    NotMapping,
}

/// Writes a document as YAML in block style, two spaces a level, keys in the order they have; it ends with a line
/// feed. [`super::parse`] gives the same tree back.
///
/// # Errors
/// [`RenderError`] for what YAML cannot express; no tree that [`super::parse`] gave is refused.
pub fn render(value: &Value) -> Result<String, RenderError> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text = serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| RenderError::Refused(error.to_string()))?;
    Ok(ended(text))
}

/// Writes a document in `format`, for people: indented, keys in the order they have (in TOML after the plain values of
/// their table), a line feed at the end. [`super::Document::parse`] gives the same tree back.
///
/// # Errors
/// [`RenderError`] for what the format cannot express: TOML has no null, and its document is a mapping.
pub fn render_as(value: &Value, format: DocumentFormat) -> Result<String, RenderError> {
    match format {
        DocumentFormat::Yaml => render(value),
        DocumentFormat::Json => serde_json::to_string_pretty(value)
            .map(ended)
            .map_err(|error| RenderError::Refused(error.to_string())),
        DocumentFormat::Toml => render_toml(value),
    }
}

fn render_toml(value: &Value) -> Result<String, RenderError> {
    if !value.is_object() {
        return Err(RenderError::NotMapping);
    }
    if let Some(path) = null_in(value) {
        return Err(RenderError::Null(path));
    }
    toml::to_string_pretty(value).map(ended).map_err(|error| RenderError::Refused(error.to_string()))
}

/// The path of the first null, if there is one.
fn null_in(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            let rest = null_in(item)?;
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            Some(format!("[{index}]{dot}{rest}"))
        }),
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            let rest = null_in(item)?;
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            Some(format!("{key}{dot}{rest}"))
        }),
    }
}

fn ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_keep_their_order_and_lists_are_readable() {
        let document = json!({"spec": 1, "name": "web", "exec": ["/opt/web/server", "--port", "8080"],
            "env": {"B": "1", "A": "two words"}, "restart": {"delay": "5s"}});
        let text = render(&document).unwrap();
        assert_eq!(
            text,
            "spec: 1\nname: web\nexec:\n- /opt/web/server\n- --port\n- \"8080\"\nenv:\n  B: \"1\"\n  A: two words\nrestart:\n  delay: 5s\n"
        );
    }

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        let long = "x ".repeat(200);
        for text in [
            "",
            "no",
            "null",
            "~",
            "1",
            "0x1f",
            "1e3",
            "a: b",
            "- a",
            "# a",
            "\u{7}",
            "é\u{2028}",
            "a\nb\n\n",
            " a ",
            "'",
            "\"",
            "|",
            "12:30",
            "2026-11-23",
            "=",
            "<<",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "\t",
            "\r\n",
            &long,
        ] {
            let document =
                json!({"key": text, "list": [text, {text: text}], "nested": [[text], []], "empty": {}});
            let written = render(&document).unwrap();
            assert_eq!(parse(&written).as_ref(), Ok(&document), "{text:?} was written as\n{written}");
        }
    }

    #[test]
    fn toml_refuses_what_it_has_no_word_for_and_says_where() {
        let toml = |value: &Value| render_as(value, DocumentFormat::Toml);
        let nothing = json!({"a": {"b": [1, {"c": null}]}});
        assert_eq!(toml(&nothing), Err(RenderError::Null("a.b[1].c".to_owned())));
        assert_eq!(toml(&json!([1])), Err(RenderError::NotMapping));
        assert_eq!(toml(&json!({"b": {"c": 1}, "a": 2})).unwrap(), "a = 2\n\n[b]\nc = 1\n");
        assert_eq!(render_as(&json!({"b": 1}), DocumentFormat::Json).unwrap(), "{\n  \"b\": 1\n}\n");
    }
}
