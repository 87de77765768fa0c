//! Mistakes in the command line, each as one sentence that says what would be right.
//!
//! What is wrong is found by clap. Its own tips are made for any program; here it is known that no name begins with a
//! dash, that the verb comes first, and that a program stands behind `--`.

use crate::args::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _};
use std::error::Error as _;
use svcctl_core::spec::nearest::nearest;

/// Verbs that take a program behind `--`.
const WITH_PROGRAM: [&str; 3] = ["install", "run", "init"];

/// The sentence for a mistake in `typed` (the program's name included); none where clap's own text is best: help that
/// was asked for, and what cannot happen by a slip.
pub(crate) fn sentence(error: &clap::Error, typed: &[String]) -> Option<String> {
    let root = Cli::command();
    let unknown = text(error, ContextKind::InvalidSubcommand);
    let (command, path) = verb(&root, typed, unknown.as_deref());
    // The line begins with the program's name already.
    let subject = path.strip_prefix("svcctl ").unwrap_or(&path);
    match error.kind() {
        ErrorKind::InvalidSubcommand => Some(unknown_verb(&unknown?, command, &path, typed)),
        ErrorKind::UnknownArgument => {
            let argument = text(error, ContextKind::InvalidArg)?;
            Some(if argument.starts_with('-') {
                unknown_flag(&argument, command, &path)
            } else {
                unexpected(&argument, command, &path, typed)
            })
        }
        ErrorKind::InvalidValue => invalid_value(error, &path),
        ErrorKind::ValueValidation => {
            let (flag, value) =
                (text(error, ContextKind::InvalidArg)?, text(error, ContextKind::InvalidValue)?);
            Some(format!("{} cannot be {value:?}: {}", bare(&flag), error.source()?))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = texts(error, ContextKind::InvalidArg)?;
            let missing: Vec<&str> = missing.iter().map(|argument| bare(argument)).collect();
            let all = command.get_arguments().any(|argument| argument.get_long() == Some("all"));
            let or_all = if all { " or --all" } else { "" };
            Some(format!("{subject} needs {}{or_all}; see: {path} --help", missing.join(" and ")))
        }
        ErrorKind::ArgumentConflict => {
            let first = text(error, ContextKind::InvalidArg).or(unknown)?;
            Some(conflict(bare(&first), &texts(error, ContextKind::PriorArg)?, typed))
        }
        _ => None,
    }
}

/// Two that exclude each other; of a whole group of flags only those are named that were typed.
fn conflict(first: &str, others: &[String], typed: &[String]) -> String {
    let others: Vec<&str> = others.iter().map(|argument| bare(argument)).collect();
    if others == [first] {
        return format!("{first} is given twice; give it once");
    }
    let is_typed = |other: &&str| typed.iter().any(|word| word.split('=').next() == Some(other));
    let there: Vec<&str> = others.iter().copied().filter(is_typed).collect();
    let named = if there.is_empty() { others } else { there };
    format!("{first} cannot be used with {}; leave one out", named.join(", "))
}

/// The innermost verb that was typed before the word `end`, and the command line up to it.
fn verb<'a>(root: &'a Command, typed: &[String], end: Option<&str>) -> (&'a Command, String) {
    let (mut command, mut path) = (root, String::from("svcctl"));
    for word in typed.iter().skip(1).take_while(|word| *word != "--" && end != Some(word.as_str())) {
        if let Some(inner) = command.find_subcommand(word) {
            command = inner;
            path = format!("{path} {word}");
        }
    }
    (command, path)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    texts(error, kind)?.into_iter().next()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Option<Vec<String>> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(vec![text.clone()]),
        ContextValue::Strings(texts) => Some(texts.clone()),
        _ => None,
    }
}

/// `--restart <POLICY>` as `--restart`, `<NAME>...` as `NAME`, and the program in words.
fn bare(argument: &str) -> &str {
    if argument.contains("PROGRAM") {
        return "a program behind `--`";
    }
    if let Some((flag, _)) =
        argument.split_once([' ', '=']).filter(|(flag, _)| flag.starts_with("--") && flag.len() > 2)
    {
        return flag;
    }
    argument.trim_end_matches("...").trim_matches(['<', '>', '[', ']'])
}

fn names(command: &Command) -> Vec<&str> {
    command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(Command::get_name).collect()
}

fn unknown_verb(word: &str, command: &Command, path: &str, typed: &[String]) -> String {
    let known = names(command);
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("there is no verb {word}; did you mean {path} {near}?");
    }
    let later = typed.iter().skip(1).find(|typed| known.contains(&typed.as_str()));
    match later {
        Some(verb) => format!("there is no verb {word}; the verb comes first: {path} {verb} {word}"),
        None => format!("there is no verb {word}; see: {path} --help"),
    }
}

fn unknown_flag(flag: &str, command: &Command, path: &str) -> String {
    let subject = path.strip_prefix("svcctl ").unwrap_or(path);
    let name = flag.split('=').next().unwrap_or(flag);
    let known =
        command.get_arguments().filter(|argument| !argument.is_hide_set()).filter_map(clap::Arg::get_long);
    let near = nearest(name.trim_start_matches('-'), known).filter(|_| name.starts_with("--"));
    match near {
        Some(near) => format!("{subject} has no flag {name}; did you mean --{near}?"),
        None => format!("{subject} has no flag {name}; see: {path} --help"),
    }
}

fn unexpected(word: &str, command: &Command, path: &str, typed: &[String]) -> String {
    let subject = path.strip_prefix("svcctl ").unwrap_or(path);
    if WITH_PROGRAM.contains(&command.get_name()) {
        let own =
            typed.iter().skip_while(|typed| *typed != command.get_name()).take_while(|typed| *typed != word);
        let own = own.cloned().collect::<Vec<_>>().join(" ");
        return format!("the program stands behind `--`, as in: svcctl {own} -- {word}");
    }
    format!("{subject} takes no argument {word}; see: {path} --help")
}

fn invalid_value(error: &clap::Error, path: &str) -> Option<String> {
    let flag = text(error, ContextKind::InvalidArg)?;
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    let valid = texts(error, ContextKind::ValidValue).unwrap_or_default().join(", ");
    Some(match (value.is_empty(), valid.is_empty()) {
        (true, true) => format!("{} needs a value; see: {path} --help", bare(&flag)),
        (true, false) => format!("{} needs a value: {valid}", bare(&flag)),
        (false, true) => format!("{} cannot be {value:?}; see: {path} --help", bare(&flag)),
        (false, false) => format!("{} cannot be {value:?}; it is one of: {valid}", bare(&flag)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn told(line: &str) -> String {
        let typed: Vec<String> =
            std::iter::once("svcctl").chain(line.split(' ')).map(str::to_owned).collect();
        let error = Cli::try_parse_from(&typed).unwrap_err();
        sentence(&error, &typed).unwrap_or_else(|| panic!("{line}: {error}"))
    }

    #[test]
    fn each_mistake_is_a_sentence_with_what_would_be_right() {
        for (line, said) in [
            ("strat web", "there is no verb strat; did you mean svcctl start?"),
            ("uninstal web", "there is no verb uninstal; did you mean svcctl uninstall?"),
            ("daemon stpo", "there is no verb stpo; did you mean svcctl daemon stop?"),
            ("web start", "there is no verb web; the verb comes first: svcctl start web"),
            ("help", "there is no verb help; see: svcctl --help"),
            ("start --al", "start has no flag --al; did you mean --all?"),
            ("doctor --al", "doctor has no flag --al; see: svcctl doctor --help"),
            ("logs web -x", "logs has no flag -x; see: svcctl logs --help"),
            ("install web ./server", "the program stands behind `--`, as in: svcctl install web -- ./server"),
            ("run ./server", "the program stands behind `--`, as in: svcctl run -- ./server"),
            ("doctor web", "doctor takes no argument web; see: svcctl doctor --help"),
            ("start", "start needs NAME or --all; see: svcctl start --help"),
            ("validate", "validate needs FILE; see: svcctl validate --help"),
            ("show", "show needs NAME or --all; see: svcctl show --help"),
            ("run", "run needs a program behind `--`; see: svcctl run --help"),
            ("install -f a --user=svc --now", "--file cannot be used with --user; leave one out"),
            ("stop web --force --force", "--force is given twice; give it once"),
            ("daemon --background status", "status cannot be used with --background; leave one out"),
            ("-x", "svcctl has no flag -x; see: svcctl --help"),
            ("start --all web", "--all cannot be used with NAME; leave one out"),
            (
                "install web --restart sometimes -- b",
                "--restart cannot be \"sometimes\"; it is one of: always, on-failure, never",
            ),
            (
                "install web --restart-delay 5 -- b",
                "--restart-delay cannot be \"5\": it has no unit; write \"5s\" for seconds, \"5ms\" for milliseconds",
            ),
            ("start web --timeout", "--timeout needs a value; see: svcctl start --help"),
        ] {
            assert_eq!(told(line), said, "svcctl {line}");
        }
    }
}
