//! Names of services as they are typed: plain ones, and patterns that stand for those they match.
//!
//! `*` stands for any characters, `?` for one, `[ab]` and `[a-z]` for one of these, `[!ab]` for one of the others; all
//! else stands for itself. Names are ASCII and short, so matching is a walk over bytes.

use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::{CliError, failure};
use crate::locate;
use svcctl_core::ident::{NameError, ServiceName};
use svckit::control::types::FailureKind;

/// Why typed names do not mean services.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoMatch {
    /// No service has a name like this.
    #[error("no service matches {0}; see: svcctl list")]
    Pattern(String),
    /// It is neither a name nor a pattern.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl From<NoMatch> for CliError {
    fn from(error: NoMatch) -> Self {
        let kind = match &error {
            NoMatch::Pattern(_) => FailureKind::NoSuchService,
            NoMatch::Name(_) => FailureKind::Usage,
        };
        failure(kind, error.to_string())
    }
}

/// Whether `text` is a pattern rather than a name.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The services that were typed. What services there are is asked for only where there is a pattern.
///
/// # Errors
/// As [`expand`], and why the services are not known.
pub(crate) fn resolve(context: &Context, typed: &[&str]) -> Result<Vec<ServiceName>, CliError> {
    let mut known = Vec::new();
    if typed.iter().any(|text| is_pattern(text)) {
        // A mistyped name is told before anybody is asked.
        expand(&typed.iter().copied().filter(|text| !is_pattern(text)).collect::<Vec<_>>(), &[])?;
        let services = block_on(locate::all(context))??;
        known = services.iter().map(|service| parse_name(&service.name)).collect::<Result<_, _>>()?;
    }
    Ok(expand(typed, &known)?)
}

/// The services that `patterns` mean, each once, in the order they were typed; those of one pattern in the order of
/// `known`. A plain name stands for itself, known or not.
///
/// # Errors
/// [`NoMatch`] for the first pattern that matches nothing, and the first name that cannot be one.
pub(crate) fn expand(patterns: &[&str], known: &[ServiceName]) -> Result<Vec<ServiceName>, NoMatch> {
    let mut found: Vec<ServiceName> = Vec::new();
    for pattern in patterns {
        let names = if is_pattern(pattern) {
            known.iter().filter(|name| matches(pattern, name.as_str())).cloned().collect()
        } else {
            vec![ServiceName::new(pattern)?]
        };
        if names.is_empty() {
            return Err(NoMatch::Pattern((*pattern).to_owned()));
        }
        for name in names {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    Ok(found)
}

/// Whether `name` is like `pattern`.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name) = (0, 0);
    // Where to go on with the last star, should what follows it not fit: it takes one character more then.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if at == pattern.len() && in_name == name.len() {
            return true;
        }
        let step = match (pattern.get(at), name.get(in_name)) {
            (Some(b'*'), _) => {
                star = Some((at + 1, in_name));
                at += 1;
                continue;
            }
            (Some(_), Some(byte)) => one(&pattern[at..], *byte),
            (None, _) | (_, None) => None,
        };
        match (step, star) {
            (Some(length), _) => (at, in_name) = (at + length, in_name + 1),
            (None, Some((after, taken))) if taken < name.len() => {
                star = Some((after, taken + 1));
                (at, in_name) = (after, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How long the beginning of `pattern` is that `byte` fits; none if it does not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match set(pattern, byte) {
            Some((fits, length)) => fits.then_some(length),
            // A bracket that is never closed stands for itself, which no name has.
            None => None,
        },
        literal => (literal == byte).then_some(1),
    }
}

/// Whether `byte` is in the set that `pattern` begins with, and how long that is; none where it is not closed.
fn set(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let begin = if negated { 2 } else { 1 };
    // A bracket that comes first is one of the set (POSIX, 2.13.1).
    let end = begin + 1 + pattern.get(begin + 1..)?.iter().position(|byte| *byte == b']')?;
    let mut members = pattern.get(begin..end)?;
    let mut fits = false;
    while let [first, rest @ ..] = members {
        members = rest;
        if let [b'-', last, rest @ ..] = rest {
            fits |= (*first..=*last).contains(&byte);
            members = rest;
        }
        fits |= *first == byte;
    }
    Some((fits != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<ServiceName> {
        texts.iter().map(|text| ServiceName::new(text).unwrap()).collect()
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, yes, no) in [
            ("web-*", &["web-", "web-1", "web-a.b"][..], &["web", "a-web-1"][..]),
            ("*", &["a", "web-1"], &[]),
            ("*-*-1", &["a-b-1", "a-b-c-1"], &["a-1", "a-b-2"]),
            ("[ab]?", &["a1", "bz"], &["a", "c1", "a12"]),
            ("web[0-9]*", &["web1", "web12"], &["webx"]),
            ("[!a]*", &["b", "ba"], &["a", "ab"]),
            ("a[-.]b", &["a-b", "a.b"], &["aab"]),
            ("*a*a*a*b", &["aaab"], &["aaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
            ("[a", &[], &["a", "[a"]),
        ] {
            for name in yes {
                assert!(matches(pattern, name), "{pattern} {name}");
            }
            for name in no {
                assert!(!matches(pattern, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn patterns_become_names_and_names_stay() {
        let known = names(&["db", "web-1", "web-2"]);
        let expanded = |patterns: &[&str]| expand(patterns, &known);
        assert_eq!(expanded(&["web-2", "web-*"]).unwrap(), names(&["web-2", "web-1"]));
        assert_eq!(expanded(&["unknown"]).unwrap(), names(&["unknown"]));
        assert_eq!(expanded(&["db", "api-*"]), Err(NoMatch::Pattern("api-*".to_owned())));
        assert!(matches!(expanded(&["a b"]), Err(NoMatch::Name(_))));
        assert_eq!(CliError::from(expanded(&["x*"]).unwrap_err()).exit_code(), 4);
        assert_eq!(CliError::from(expanded(&["a b"]).unwrap_err()).exit_code(), 2);
    }
}
