//! `svcctl man`: manual pages, from the one definition of the command line.

use crate::args::{Cli, ManArgs};
use crate::error::{CliError, failure, io_failure};
use crate::exit_code;
use crate::output;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use std::path::Path;
use svcctl_core::spec::nearest;
use svckit::control::types::FailureKind;

/// What a text of help puts before its examples.
const EXAMPLES: [&str; 3] = ["Examples:\n", "Example:\n", "Examples:"];

pub(super) fn run(args: &ManArgs) -> Result<u8, CliError> {
    let command = built();
    if let Some(directory) = &args.dir {
        write_all(&command, directory)?;
        return Ok(exit_code::DONE);
    }
    let wanted = match &args.verb {
        None => &command,
        Some(verb) => verb_of(&command, verb)?,
    };
    output::page(&page(wanted, wanted.get_name() == command.get_name()))?;
    Ok(exit_code::DONE)
}

/// The definition with all that clap adds to it.
fn built() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| !verb.is_hide_set())
}

fn verb_of<'a>(command: &'a Command, verb: &str) -> Result<&'a Command, CliError> {
    shown(command).find(|known| known.get_name() == verb).ok_or_else(|| {
        let names: Vec<&str> = shown(command).map(Command::get_name).collect();
        let near =
            nearest::nearest(verb, names).map_or_else(String::new, |name| format!("; did you mean {name}?"));
        failure(FailureKind::Usage, format!("there is no verb {verb}{near}"))
    })
}

fn write_all(command: &Command, directory: &Path) -> Result<(), CliError> {
    let write = |name: &str, text: &str| {
        let path = directory.join(format!("{name}.1"));
        std::fs::write(&path, text).map_err(|error| io_failure("write", &path, &error))
    };
    std::fs::create_dir_all(directory)
        .map_err(|error| io_failure("make the directory", directory, &error))?;
    write("svcctl", &page(command, true))?;
    shown(command).try_for_each(|verb| write(&format!("svcctl-{}", verb.get_name()), &page(verb, false)))
}

/// One page as roff(7), for man(1).
fn page(command: &Command, is_root: bool) -> String {
    let name = if is_root { "svcctl".to_owned() } else { format!("svcctl-{}", command.get_name()) };
    let version = env!("CARGO_PKG_VERSION");
    // The help's own order and words; what follows them is laid out here, where the library would fill its lines.
    let bare = command.clone().after_help("").display_name(name.clone());
    let bare = if is_root { bare } else { bare.bin_name(format!("svcctl {}", command.get_name())) };
    let man = Man::new(bare).title(name).source(format!("svcctl {version}")).manual("svcctl");
    let mut text = Vec::new();
    // Writing into a Vec cannot fail.
    drop(man.render_title(&mut text));
    drop(man.render_name_section(&mut text));
    drop(synopsis(command).to_writer(&mut text));
    drop(man.render_description_section(&mut text));
    drop(man.render_options_section(&mut text));
    if command.has_subcommands() {
        drop(verbs(command, is_root).to_writer(&mut text));
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    drop(closing(&help, is_root).to_writer(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

/// The line that help shows: short, and in words that stand in the list below it.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([roman(usage.trim_start_matches("Usage:").trim())]);
    roff
}

fn verbs(command: &Command, is_root: bool) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for verb in shown(command) {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []);
        let name = verb.get_name();
        if is_root {
            roff.text([bold(format!("svcctl-{name}")), roman("(1)")]);
        } else {
            roff.text([bold(name)]);
        }
        roff.text([roman(about)]);
    }
    roff
}

/// Remarks, examples, exit codes, the environment, and where to read on.
fn closing(help: &str, is_root: bool) -> Roff {
    let mut roff = Roff::new();
    let (remarks, examples) = EXAMPLES
        .iter()
        .find_map(|word| help.split_once(word))
        .map_or((help, ""), |(remarks, examples)| (remarks.trim(), examples.trim_matches('\n')));
    if !remarks.is_empty() && !is_root {
        roff.control("SH", ["NOTES"]);
        literal(&mut roff, remarks);
    }
    if !examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]);
        let commands = examples.split("\n\n").next().unwrap_or_default();
        literal(&mut roff, commands);
    }
    roff.control("SH", ["EXIT STATUS"]);
    roff.text([roman(
        "0 done or running, 1 failed, 2 usage, 3 not running (status), 4 no such service, 5 denied, 6 timed out, \
         7 not supported, 8 conflict, 9 invalid specification, 10 no daemon.",
    )]);
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, what) in [
        ("SVCCTL_ROOT", "Where everything is kept, as --root."),
        (
            "SVCCTL_PAGER, PAGER",
            "What shows long output on a terminal; empty or cat for none, as --no-pager.",
        ),
        ("NO_COLOR", "No colours, as --color never."),
    ] {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(what)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    let also = if is_root { "svcctl-install" } else { "svcctl" };
    roff.text([italic(also), roman("(1)")]);
    roff
}

/// Lines as they stand.
fn literal(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line.to_owned())]);
    }
    roff.control("fi", []);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_with_its_examples() {
        let command = built();
        for verb in shown(&command) {
            let text = page(verb, false);
            assert!(text.contains(&format!("svcctl\\-{}", verb.get_name())), "{text}");
            assert!(text.contains(".SH EXAMPLES") || verb.get_name() == "version", "{text}");
            assert!(text.contains(".SH \"EXIT STATUS\""), "{text}");
        }
        assert!(page(&command, true).contains("svcctl\\-install"));
        assert!(verb_of(&command, "instal").unwrap_err().to_string().contains("did you mean install?"));
    }
}
