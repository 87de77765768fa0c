//! Texts with placeholders that are replaced when a service starts: `${NAME}`, `${NAME:-default}`, `${file:PATH}`.
//!
//! Two dollars are one dollar; a dollar before anything but a brace is itself. A template is kept as it was written, so
//! that a specification is shown with its placeholders and never with what they stand for (which may be a secret).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A text whose placeholders are known to be well formed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(String);

/// What a part of a template stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placeholder<'t> {
    /// `${NAME}` or `${NAME:-default}`: a variable; the default counts where it is unset or empty.
    Variable {
        /// Its name.
        name: &'t str,
        /// What to take where it is unset or empty.
        default: Option<&'t str>,
    },
    /// `${file:PATH}`: what a file holds, without its last line's end.
    File(&'t str),
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace that is not closed.
    #[error("has a `${{` that is not closed with `}}` (a dollar before a brace is written `$$`)")]
    Open,
    /// No name of a variable.
    #[error(
        "has `${{{0}}}`, which names no variable; write ${{NAME}}, ${{NAME:-default}} or ${{file:/path}} (a dollar before a brace is written `$$`)"
    )]
    Name(String),
    /// A file by a relative path.
    #[error("has `${{file:{0}}}`, which is not an absolute path")]
    RelativeFile(String),
}

impl Template {
    /// Takes `text` as it was written.
    ///
    /// # Errors
    /// [`TemplateError`] for placeholders that are not well formed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        for piece in pieces(text) {
            piece?;
        }
        Ok(Self(text.to_owned()))
    }

    /// A template that means exactly `text`.
    pub fn literal(text: &str) -> Self {
        let mut said = String::with_capacity(text.len());
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            said.push(character);
            if character == '$' && matches!(characters.peek(), Some('$' | '{')) {
                said.push('$');
            }
        }
        Self(said)
    }

    /// As it was written.
    pub fn as_written(&self) -> &str {
        &self.0
    }

    /// What it means if nothing in it is to be replaced.
    pub fn as_literal(&self) -> Option<String> {
        let mut meant = String::new();
        for piece in pieces(&self.0) {
            match piece.ok()? {
                Piece::Text(text) => meant.push_str(text),
                Piece::Placeholder(_) => return None,
            }
        }
        Some(meant)
    }

    /// The placeholders in it, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder<'_>> {
        pieces(&self.0).filter_map(|piece| match piece {
            Ok(Piece::Placeholder(placeholder)) => Some(placeholder),
            Ok(Piece::Text(_)) | Err(_) => None,
        })
    }

    /// What it means, with every placeholder replaced by what `lookup` gives for it.
    ///
    /// # Errors
    /// The first error of `lookup`.
    pub fn expand<E>(
        &self,
        mut lookup: impl FnMut(&Placeholder<'_>) -> Result<String, E>,
    ) -> Result<String, E> {
        let mut meant = String::with_capacity(self.0.len());
        for piece in pieces(&self.0) {
            match piece {
                Ok(Piece::Text(text)) => meant.push_str(text),
                Ok(Piece::Placeholder(placeholder)) => meant.push_str(&lookup(&placeholder)?),
                // A template is well formed since `parse`.
                Err(_) => {}
            }
        }
        Ok(meant)
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;
    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.0
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A document whose texts are to be taken as they stand, such as one made from a command line, in which a shell has
/// replaced already what was to be replaced.
pub fn literal_document(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(Template::literal(&text).0),
        Value::Array(values) => values.into_iter().map(literal_document).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, literal_document(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

enum Piece<'t> {
    Text(&'t str),
    Placeholder(Placeholder<'t>),
}

/// The pieces of a text, one after the other; ends after an error.
fn pieces(text: &str) -> impl Iterator<Item = Result<Piece<'_>, TemplateError>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let piece = next_piece(rest)?;
        rest = match &piece {
            Ok((_, after)) => after,
            Err(_) => "",
        };
        Some(piece.map(|(piece, _)| piece))
    })
}

fn next_piece(rest: &str) -> Option<Result<(Piece<'_>, &str), TemplateError>> {
    if rest.is_empty() {
        return None;
    }
    if let Some(after) = rest.strip_prefix("$$") {
        return Some(Ok((Piece::Text("$"), after)));
    }
    if let Some(inner) = rest.strip_prefix("${") {
        let Some((inside, after)) = inner.split_once('}') else { return Some(Err(TemplateError::Open)) };
        return Some(placeholder(inside).map(|found| (Piece::Placeholder(found), after)));
    }
    // A dollar that begins nothing is itself, up to the next one that may.
    let end = rest.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(rest.len(), |(at, _)| at);
    let (text, after) = rest.split_at(end);
    Some(Ok((Piece::Text(text), after)))
}

fn placeholder(inside: &str) -> Result<Placeholder<'_>, TemplateError> {
    if let Some(path) = inside.strip_prefix("file:") {
        let absolute = path.starts_with('/') || path.as_bytes().get(1) == Some(&b':');
        return if absolute {
            Ok(Placeholder::File(path))
        } else {
            Err(TemplateError::RelativeFile(path.to_owned()))
        };
    }
    let (name, default) =
        inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(Placeholder::Variable { name, default })
    } else {
        Err(TemplateError::Name(inside.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> String {
        let template = Template::parse(text).expect("the text is a template");
        let replace = |placeholder: &Placeholder<'_>| -> Result<String, ()> {
            Ok(match placeholder {
                Placeholder::Variable { name: "SET", .. } => "value".to_owned(),
                Placeholder::Variable { default: Some(default), .. } => (*default).to_owned(),
                Placeholder::Variable { name, default: None } => format!("<{name}>"),
                Placeholder::File(path) => format!("[{path}]"),
            })
        };
        template.expand(replace).expect("nothing fails")
    }

    #[test]
    fn placeholders_are_replaced_and_dollars_kept() {
        assert_eq!(
            expand("a ${SET}b ${UNSET:-d:-e} ${file:/run/x} $HOME $$ $${SET} $"),
            "a valueb d:-e [/run/x] $HOME $ ${SET} $"
        );
        assert_eq!(expand("$a${SET}$b$$"), "$avalue$b$");
    }

    #[test]
    fn what_is_said_literally_means_itself() {
        for text in ["", "$", "$$", "$$$", "a$b", "${HOME}", "$${", "echo $$; ${A:-$$}", "costs 5$"] {
            assert_eq!(Template::literal(text).as_literal().as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        assert_eq!(Template::parse("a ${B"), Err(TemplateError::Open));
        assert_eq!(Template::parse("${}"), Err(TemplateError::Name(String::new())));
        assert_eq!(Template::parse("${1A}"), Err(TemplateError::Name("1A".to_owned())));
        assert_eq!(Template::parse("${file:a}"), Err(TemplateError::RelativeFile("a".to_owned())));
    }
}
