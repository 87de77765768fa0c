//! What may come next on a command line, for shells to ask at each press of the key.
//!
//! The script of a shell calls svcctl back with [`VARIABLE`] set and the words typed so far. The answer is quick or
//! empty: nothing is started, nothing is waited for longer than a moment, nothing is printed but candidates.

mod names;
mod words;

use crate::args::{Cli, ShellName};
use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::engine::{self, ArgValueCompleter};
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use words::Words;

/// The variable by which a shell says that it asks, and which shell it is.
const VARIABLE: &str = "SVCCTL_COMPLETE";
/// Where bash and zsh say which of the words is being typed.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";
/// By what bash wants candidates to be separated.
const SEPARATOR: &str = "_CLAP_IFS";
/// How the shells know the program.
const BINARY: &str = "svcctl";
/// Verbs whose NAME is that of a service to be.
const NEW_NAMES: [&str; 2] = ["run", "init"];

fn adapter(shell: ShellName) -> &'static dyn EnvCompleter {
    match shell {
        ShellName::Bash => &Bash,
        ShellName::Zsh => &Zsh,
        ShellName::Fish => &Fish,
        ShellName::Powershell => &Powershell,
    }
}

/// The script of `shell`, which calls back this binary as it was called now.
pub(crate) fn script(shell: ShellName) -> io::Result<String> {
    let mut script = Vec::new();
    adapter(shell).write_registration(VARIABLE, BINARY, BINARY, &completer(), &mut script)?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// By what name the shell is to call this binary: as it was called, made absolute if that is a path.
fn completer() -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| BINARY.into());
    let is_path = std::path::Path::new(&called).components().count() > 1;
    let path = if is_path { std::path::absolute(&called).ok() } else { None };
    path.map_or(called, Into::into).to_string_lossy().into_owned()
}

/// Answers a shell that asks, and gives the exit code; none if nobody does.
pub(crate) fn answer(arguments: &[OsString]) -> Option<u8> {
    let shell = std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty())?;
    // A shell that cannot be answered shows nothing: a message would be printed into the line being typed.
    Some(u8::from(candidates(&shell, arguments).is_none()))
}

fn candidates(shell: &OsStr, arguments: &[OsString]) -> Option<()> {
    let dashes = arguments.iter().position(|word| word == "--")?;
    let typed = arguments.get(dashes + 1..)?;
    let here = std::env::current_dir().ok();
    let index = std::env::var(INDEX).ok().and_then(|index| index.parse().ok());
    let mut out = Vec::new();
    match shell.to_str()? {
        "bash" => {
            let words = Words::of_bash(typed, index?)?;
            let mut command = command(words.current(), words.all());
            let found = engine::complete(&mut command, words.all().to_vec(), words.index(), here.as_deref());
            let separator = std::env::var(SEPARATOR).unwrap_or_else(|_| "\n".to_owned());
            let found = found.ok()?;
            let texts = found.iter().map(|one| words.shorten(&one.get_value().to_string_lossy()));
            out.extend(texts.collect::<Vec<_>>().join(&separator).into_bytes());
        }
        other => {
            let shell = <ShellName as clap::ValueEnum>::from_str(other, false).ok()?;
            let empty = OsString::new();
            let current = typed.get(index.unwrap_or(typed.len().checked_sub(1)?)).unwrap_or(&empty);
            let mut command = command(current, typed);
            adapter(shell).write_complete(&mut command, typed.to_vec(), here.as_deref(), &mut out).ok()?;
        }
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(&out).and_then(|()| stdout.flush()).ok()
}

/// The definition of the command line, made for completing `current`, a word of `typed`.
fn command(current: &OsStr, typed: &[OsString]) -> Command {
    // Flags are offered where one is begun, or where nothing else may come.
    let hide_flags = !current.to_string_lossy().starts_with('-');
    let place = names::Place::of(typed);
    prepare(Cli::command(), hide_flags, &place)
}

fn prepare(command: Command, hide_flags: bool, place: &names::Place) -> Command {
    let command =
        if hide_flags { command.disable_help_flag(true).disable_version_flag(true) } else { command };
    let is_new = NEW_NAMES.contains(&command.get_name());
    let command = command.mut_args(|arg| argument(arg, hide_flags, is_new, place));
    command.mut_subcommands(|inner| prepare(inner, hide_flags, place))
}

fn argument(arg: Arg, hide_flags: bool, is_new: bool, place: &names::Place) -> Arg {
    // A flag without a value has a name for one all the same.
    let names = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let kind = names.and_then(|names| names.first()).map(ToString::to_string);
    let is_flag = arg.get_long().is_some() || arg.get_short().is_some();
    let is_edge = arg.get_long() == Some("depends-on");
    let arg = if is_flag && hide_flags { arg.hide(true) } else { arg };
    match kind.as_deref() {
        Some("NAME") if !is_new => {
            let place = place.clone();
            let kinds: &[&str] = if is_edge { &["", ":ready", ":started", ":completed"] } else { &[""] };
            arg.add(ArgValueCompleter::new(move |current: &OsStr| names::candidates(&place, current, kinds)))
        }
        Some("FILE") => arg.value_hint(ValueHint::FilePath),
        Some("DIR") => arg.value_hint(ValueHint::DirPath),
        Some("PROGRAM [ARGS]") => arg.value_hint(ValueHint::AnyPath),
        Some("VERB") => arg.add(ArgValueCompleter::new(verbs)),
        Some(_) | None => arg,
    }
}

fn verbs(current: &OsStr) -> Vec<engine::CompletionCandidate> {
    let current = current.to_string_lossy();
    let command = Cli::command();
    let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(Command::get_name);
    shown.filter(|name| name.starts_with(&*current)).map(engine::CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_a_script_that_calls_back() {
        for (shell, word) in [
            (ShellName::Bash, "complete -"),
            (ShellName::Zsh, "#compdef svcctl"),
            (ShellName::Fish, "--command svcctl"),
            (ShellName::Powershell, "Register-ArgumentCompleter"),
        ] {
            let script = script(shell).unwrap();
            assert!(script.contains(word) && script.contains(VARIABLE), "{script}");
        }
    }

    fn completed(words: &[&str]) -> Vec<String> {
        let typed: Vec<OsString> = words.iter().map(Into::into).collect();
        let mut command = command(typed.last().unwrap(), &typed);
        let found = engine::complete(&mut command, typed.clone(), typed.len() - 1, None).unwrap();
        found.iter().map(|one| one.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn verbs_flags_and_values_are_completed() {
        assert_eq!(completed(&["svcctl", "unin"]), ["uninstall"]);
        assert!(completed(&["svcctl", ""]).contains(&"doctor".to_owned()));
        assert!(!completed(&["svcctl", "start", ""]).contains(&"--help".to_owned()));
        assert!(!completed(&["svcctl", ""]).iter().any(|word| word.starts_with('-')));
        assert_eq!(completed(&["svcctl", "logs", "--output", ""]), ["text", "json", "yaml", "raw"]);
        assert_eq!(completed(&["svcctl", "install", "--restart", "o"]), ["on-failure"]);
        assert_eq!(completed(&["svcctl", "daemon", "st"]), ["status", "stop"]);
        assert!(completed(&["svcctl", "stop", "--w"]).contains(&"--with-dependants".to_owned()));
        assert_eq!(completed(&["svcctl", "completions", "f"]), ["fish"]);
        assert_eq!(completed(&["svcctl", "man", "unin"]), ["uninstall"]);
    }
}
