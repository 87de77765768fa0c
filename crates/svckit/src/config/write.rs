//! A tree of values to text.

use serde_json::Value;

/// Why a tree could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the document: {0}")]
pub struct RenderError(String);

/// Writes a document as YAML in block style, two spaces a level, keys in the order they have; it ends with a line
/// feed. [`super::parse`] gives the same tree back.
///
/// # Errors
/// [`RenderError`] for what YAML cannot express; no tree that [`super::parse`] gave is refused.
pub fn render(value: &Value) -> Result<String, RenderError> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut text = serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| RenderError(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::render;
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
}
