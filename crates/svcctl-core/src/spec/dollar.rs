//! Dollars in values: `$$` is one dollar, `${` begins what is to be replaced (which is not supported yet), and any
//! other dollar is itself.

use serde_json::Value;

/// `text` as a document has to say it, so that it is taken as it stands.
fn literal(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        said.push(character);
        if character == '$' && matches!(characters.peek(), Some('$' | '{')) {
            said.push('$');
        }
    }
    said
}

/// What a document's text means; `None` if something in it is to be replaced.
pub(super) fn meaning(text: &str) -> Option<String> {
    let mut meant = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('$', Some('{')) => return None,
            ('$', Some('$')) => {
                characters.next();
                meant.push('$');
            }
            (other, _) => meant.push(other),
        }
    }
    Some(meant)
}

/// A document whose texts are to be taken as they stand, such as one made from a command line, in which a shell has
/// replaced already what was to be replaced.
pub fn literal_document(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(literal(&text)),
        Value::Array(values) => values.into_iter().map(literal_document).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, literal_document(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_literally_is_meant_literally() {
        for text in ["", "$", "$$", "$$$", "a$b", "${HOME}", "$${", "echo $$; ${A:-$$}", "costs 5$"] {
            assert_eq!(meaning(&literal(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn two_dollars_are_one_and_a_brace_is_for_later() {
        assert_eq!(meaning("$$HOME $HOME").as_deref(), Some("$HOME $HOME"));
        assert_eq!(meaning("a ${B}"), None);
        assert_eq!(meaning("$${B}").as_deref(), Some("${B}"));
    }
}
