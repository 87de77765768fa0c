//! Files of variables, one `NAME=value` a line.
//!
//! The form is what systemd's `EnvironmentFile`, Docker's `--env-file` and dotenv have in common:
//!
//! - blank lines, and lines whose first character is `#`, say nothing; `export ` before a name is skipped;
//! - without quotes a value is the rest of the line, without blanks at its ends; nothing in it is special, `#` neither;
//! - in single quotes everything means itself; in double quotes `\\`, `\"`, `\$`, `` \` `` mean the second character and
//!   `\n` a line's end, and every other backslash itself. A value in quotes may span lines; behind it nothing may follow
//!   but a comment;
//! - placeholders are not replaced; of the same name twice, the later counts.
//!
//! Messages name lines, never what stands there: it may be a secret.

/// Why a text is no file of variables, with the line (from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvFileError {
    /// No equals sign.
    #[error("line {0} is not NAME=value")]
    NoValue(usize),
    /// A name that no variable may have.
    #[error("line {0} has something else than a name of letters, digits and _ before its =")]
    Name(usize),
    /// A quote that is not closed.
    #[error("the quote in line {0} is not closed")]
    Open(usize),
    /// Something behind the closing quote.
    #[error("line {0} goes on behind its closing quote")]
    Behind(usize),
    /// A NUL byte.
    #[error("line {0} has a NUL byte in it")]
    Nul(usize),
}

/// Reads the variables, in order.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut variables = Vec::new();
    while !reader.rest.is_empty() {
        variables.extend(reader.entry()?);
    }
    Ok(variables)
}

/// What is not read yet, and the number of its first line.
struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Reader<'t> {
    /// The next line, or the next variable with all lines of its value.
    fn entry(&mut self) -> Result<Option<(String, String)>, EnvFileError> {
        let first = self.rest.split('\n').next().unwrap_or_default();
        if first.contains('\0') {
            return Err(EnvFileError::Nul(self.line));
        }
        let content = first.trim();
        if content.is_empty() || content.starts_with('#') {
            self.skip_line();
            return Ok(None);
        }
        let (name, value) = first.split_once('=').ok_or(EnvFileError::NoValue(self.line))?;
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim_start();
        if !is_name(name) {
            return Err(EnvFileError::Name(self.line));
        }
        let name = name.to_owned();
        let value = value.trim();
        if let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) {
            let (_, from) = self.rest.split_once(quote).ok_or(EnvFileError::Open(self.line))?;
            return Ok(Some((name, self.quoted(from, quote)?)));
        }
        let value = value.to_owned();
        self.skip_line();
        Ok(Some((name, value)))
    }

    /// A value in quotes; `from` is what follows the first of them.
    fn quoted(&mut self, from: &'t str, quote: char) -> Result<String, EnvFileError> {
        let (meant, taken) = quoted(from, quote).ok_or(EnvFileError::Open(self.line))?;
        if meant.contains('\0') {
            return Err(EnvFileError::Nul(self.line));
        }
        self.line += from[..taken].matches('\n').count();
        self.rest = &from[taken..];
        let behind = self.rest.split('\n').next().unwrap_or_default().trim();
        if !(behind.is_empty() || behind.starts_with('#')) {
            return Err(EnvFileError::Behind(self.line));
        }
        self.skip_line();
        Ok(meant)
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, after)| after);
        self.line += 1;
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What stands before the closing quote, and how many bytes that took, the quote included.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut meant = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((meant, at + quote.len_utf8()));
        }
        let next = characters.peek().map(|(_, next)| *next);
        match (character, next) {
            ('\\', Some(escaped @ ('\\' | '"' | '$' | '`'))) if quote == '"' => {
                meant.push(escaped);
                characters.next();
            }
            ('\\', Some('n')) if quote == '"' => {
                meant.push('\n');
                characters.next();
            }
            ('\r', Some('\n')) => {}
            _ => meant.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_form_means_what_the_head_of_this_file_says() {
        let text = "\u{feff}# a comment\r\n\r\n  export A = 1 # not a comment \nB=\nC='$x \\n\"' # one\n\
                    D=\"a\\\"b\\\\c\\$d\\ne\\f\"\n_E9=a=b#c\nA=2\nKEY=\"-----BEGIN\nline\r\n-----END\"\nLAST='x'";
        let expected = [
            ("A", "1 # not a comment"),
            ("B", ""),
            ("C", "$x \\n\""),
            ("D", "a\"b\\c$d\ne\\f"),
            ("_E9", "a=b#c"),
            ("A", "2"),
            ("KEY", "-----BEGIN\nline\n-----END"),
            ("LAST", "x"),
        ];
        assert_eq!(read(text), pairs(&expected));
        assert_eq!(read(""), pairs(&[]));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line_and_never_shown() {
        assert_eq!(parse("A=1\nsecret"), Err(EnvFileError::NoValue(2)));
        assert_eq!(parse("\n\n1A=x"), Err(EnvFileError::Name(3)));
        assert_eq!(parse("a.b=x"), Err(EnvFileError::Name(1)));
        assert_eq!(parse("A='x\ny\nB=1"), Err(EnvFileError::Open(1)));
        assert_eq!(parse("A='x\ny' z\nB=1"), Err(EnvFileError::Behind(2)));
        assert_eq!(parse("A=1\nB=x\0"), Err(EnvFileError::Nul(2)));
        assert_eq!(parse("A=\"x\ny\"\nB"), Err(EnvFileError::NoValue(3)));
    }
}
