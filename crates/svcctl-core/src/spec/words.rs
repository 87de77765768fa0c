//! Splitting a command line into words as a POSIX shell does (XCU 2.2 and 2.3), without running one.
//!
//! Quotes and backslashes are understood. Deliberately absent: every expansion (variables, commands, globs, `~`) and
//! every operator. Operators and command substitution are refused, since a program that got them as arguments would
//! do something else than what the writer saw; a lone `$NAME`, `*` or `~` is passed on as it stands.

/// Why a text cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quote that is not closed.
    #[error("has a {0} that is not closed")]
    OpenQuote(char),
    /// A backslash as the last character.
    #[error("ends with a backslash that quotes nothing")]
    OpenBackslash,
    /// Something only a shell can do.
    #[error(
        "has an unquoted {0:?}, which only a shell understands; run a shell yourself, as in [\"/bin/sh\", \"-c\", \"…\"], or quote it"
    )]
    NeedsShell(String),
}

/// The words of `text`; none if it is blank.
///
/// # Errors
/// [`WordsError`] says what is open, or what would need a shell.
pub fn split(text: &str) -> Result<Vec<String>, WordsError> {
    split_as(text, Dollars::Plain)
}

/// The words of `text`, each as the text of a [`super::Template`]: a placeholder is kept whole, whatever it holds and
/// whatever quotes it stands in, and a dollar after a backslash is one that begins no placeholder.
///
/// # Errors
/// [`WordsError`] says what is open, or what would need a shell.
pub fn split_templates(text: &str) -> Result<Vec<String>, WordsError> {
    split_as(text, Dollars::Template)
}

/// What dollars are in the words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dollars {
    /// Characters like others.
    Plain,
    /// What a template makes of them.
    Template,
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

impl Dollars {
    /// Takes the rest of a placeholder whose dollar was just read, if it begins one.
    fn placeholder(self, chars: &mut Chars<'_>, word: &mut String) {
        if self == Self::Template && chars.peek() == Some(&'{') {
            for character in chars {
                word.push(character);
                if character == '}' {
                    return;
                }
            }
        }
    }

    /// Adds a character that a backslash quotes.
    fn quoted(self, character: char, word: &mut String) {
        word.push(character);
        if self == Self::Template && character == '$' {
            word.push('$');
        }
    }
}

fn split_as(text: &str, dollars: Dollars) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(character) = chars.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(&mut chars, word.get_or_insert_default(), dollars)?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default(), dollars)?,
            '\\' => match chars.next() {
                None => return Err(WordsError::OpenBackslash),
                // A backslash before a line's end joins the lines.
                Some('\n') => {}
                Some(quoted) => dollars.quoted(quoted, word.get_or_insert_default()),
            },
            '|' | '>' | '<' | '&' | ';' | '`' | '(' | ')' => {
                return Err(WordsError::NeedsShell(character.to_string()));
            }
            '$' if chars.peek() == Some(&'(') => return Err(WordsError::NeedsShell("$(".to_owned())),
            // A comment begins only where a word would.
            '#' if word.is_none() => while chars.next().is_some_and(|c| c != '\n') {},
            plain => {
                let word = word.get_or_insert_default();
                word.push(plain);
                if plain == '$' {
                    dollars.placeholder(&mut chars, word);
                }
            }
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(chars: &mut Chars<'_>, word: &mut String, dollars: Dollars) -> Result<(), WordsError> {
    while let Some(character) = chars.next() {
        if character == '\'' {
            return Ok(());
        }
        word.push(character);
        if character == '$' {
            dollars.placeholder(chars, word);
        }
    }
    Err(WordsError::OpenQuote('\''))
}

/// Inside double quotes a backslash quotes only `$`, `` ` ``, `"`, `\` and the line's end (XCU 2.2.3).
fn double_quoted(chars: &mut Chars<'_>, word: &mut String, dollars: Dollars) -> Result<(), WordsError> {
    while let Some(character) = chars.next() {
        match character {
            '"' => return Ok(()),
            '`' => return Err(WordsError::NeedsShell("`".to_owned())),
            '$' if chars.peek() == Some(&'(') => return Err(WordsError::NeedsShell("$(".to_owned())),
            '\\' => match chars.next() {
                None => return Err(WordsError::OpenBackslash),
                Some('\n') => {}
                Some(quoted @ ('$' | '`' | '"' | '\\')) => dollars.quoted(quoted, word),
                Some(plain) => word.extend(['\\', plain]),
            },
            plain => {
                word.push(plain);
                if plain == '$' {
                    dollars.placeholder(chars, word);
                }
            }
        }
    }
    Err(WordsError::OpenQuote('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text).expect("the text can be split")
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        assert_eq!(words("a b\tc\n d "), ["a", "b", "c", "d"]);
        assert_eq!(words("a 'b c' \"d e\" f\\ g"), ["a", "b c", "d e", "f g"]);
        assert_eq!(words("--x='1 2'3\"4\""), ["--x=1 234"]);
        assert_eq!(words("'' \"\""), ["", ""]);
        assert_eq!(words(r#""\$ \" \\ \n""#), [r#"$ " \ \n"#]);
        assert_eq!(words(r"'a\b|c'"), [r"a\b|c"]);
        assert_eq!(words("a \\\n b"), ["a", "b"]);
        assert_eq!(words("a#b # rest\nc"), ["a#b", "c"]);
        assert_eq!(words("*.c ~ $HOME"), ["*.c", "~", "$HOME"]);
        assert_eq!(words("  "), Vec::<String>::new());
    }

    #[test]
    fn placeholders_survive_in_words() {
        let words = |text: &str| split_templates(text).expect("the text can be split");
        assert_eq!(words("a ${A:-b c}d '${B} e' \"${C:-'|'}\""), ["a", "${A:-b c}d", "${B} e", "${C:-'|'}"]);
        assert_eq!(words(r#"\${A} "\${B}" $HOME $$"#), ["$${A}", "$${B}", "$HOME", "$$"]);
        assert_eq!(words("${A B"), ["${A B"]);
        assert_eq!(split("${A:-b c}"), Ok(vec!["${A:-b".to_owned(), "c}".to_owned()]));
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for operator in ["|", ">", "<", "&", ";", "`", "(", "$("] {
            let text = format!("a {operator} b");
            assert_eq!(split(&text), Err(WordsError::NeedsShell(operator.to_owned())));
        }
        assert_eq!(split("\"$(x)\""), Err(WordsError::NeedsShell("$(".to_owned())));
        assert_eq!(words("a '|' \\> \"&\""), ["a", "|", ">", "&"]);
    }

    #[test]
    fn what_is_open_is_refused() {
        assert_eq!(split("a 'b"), Err(WordsError::OpenQuote('\'')));
        assert_eq!(split("a \"b"), Err(WordsError::OpenQuote('"')));
        assert_eq!(split("a \\"), Err(WordsError::OpenBackslash));
    }
}
