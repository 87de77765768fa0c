//! `svcctl diff`: how files differ from what is accepted.

use super::plan;
use crate::args::DiffArgs;
use crate::context::{Context, block_on};
use crate::document::files;
use crate::error::CliError;
use crate::exit_code;
use crate::names;
use crate::output::printable::printable;
use crate::output::{self, Style};
use std::fmt::Write as _;
use svckit::control::client::ClientError;
use svckit::control::types::{Applied, Step};

/// There are differences.
const DIFFERS: u8 = 1;

pub(super) fn run(context: &Context, args: &DiffArgs) -> Result<u8, CliError> {
    let applied = if args.files.is_empty() {
        pending(context, args)?
    } else {
        let entries = plan::named(files::load(&args.files)?.sound()?, &args.names)?;
        let mut steps = plan::steps(&plan::present(context)?, &entries, args.prune)?;
        steps.retain(|step| {
            args.names.is_empty() || entries.iter().any(|one| one.spec.name.as_str() == step.name)
        });
        Applied { steps, invalid: Vec::new() }
    };
    let steps: Vec<&Step> = applied.steps.iter().filter(|step| plan::changes(step)).collect();
    output::answer(args.output.output, &applied, || text(&steps, Style::of_stdout()))?;
    let wrong = plan::wrong_of(&applied.invalid);
    if !wrong.problems.is_empty() {
        return Err(wrong.into());
    }
    Ok(if steps.is_empty() { exit_code::DONE } else { DIFFERS })
}

/// What the files in services/ would change.
fn pending(context: &Context, args: &DiffArgs) -> Result<Applied, CliError> {
    let typed: Vec<&str> = args.names.iter().map(String::as_str).collect();
    let names: Vec<String> = names::resolve(context, &typed)?.iter().map(ToString::to_string).collect();
    let ask = || block_on(context.ask_daemon(async |daemon| daemon.pending().await));
    let pending = match ask()? {
        Err(ClientError::NoDaemon { .. }) => {
            match context.on_store(|| svcctl_engine::offline::pending(&context.paths))? {
                Some(pending) => pending,
                None => ask()?.map_err(|error| context.unanswered(error))?,
            }
        }
        answer => answer?,
    };
    let wanted = |step: &Step| names.is_empty() || names.contains(&step.name);
    Ok(Applied { steps: pending.steps.into_iter().filter(wanted).collect(), invalid: pending.invalid })
}

fn text(steps: &[&Step], style: Style) -> String {
    let mut text = String::new();
    for step in steps {
        let name = &step.name;
        let head = match step.action.as_str() {
            "start" => style.paint("32", &format!("+ {name} (new; it would be started)")),
            "install" => style.paint("32", &format!("+ {name} (new)")),
            "uninstall" => style.paint("31", &format!("- {name} (it would be uninstalled)")),
            "restart" => style.paint("33", &format!("~ {name} (it would be restarted)")),
            _ => style.paint("33", &format!("~ {name}")),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{head}");
        for difference in &step.differences {
            text.push_str(&key(difference, style));
        }
    }
    text
}

/// `path: old → new` as two lines.
fn key(difference: &str, style: Style) -> String {
    let parts = difference.split_once(": ").and_then(|(path, rest)| {
        let (old, new) = rest.split_once(" → ")?;
        Some((path, old, new))
    });
    let Some((path, old, new)) = parts else { return format!("    {}\n", printable(difference)) };
    let line = |sign: &str, colour, value: &str| {
        let text = format!("  {sign} {path}: {}", printable(value));
        if value == "not set" { String::new() } else { format!("{}\n", style.paint(colour, &text)) }
    };
    format!("{}{}", line("-", "31", old), line("+", "32", new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_old_and_its_new_line() {
        let step = Step {
            name: "web".to_owned(),
            action: "restart".to_owned(),
            differences: vec!["env.PORT: 1 → 2".to_owned(), "user: not set → svc".to_owned()],
        };
        assert_eq!(
            text(&[&step], Style::Plain),
            "~ web (it would be restarted)\n  - env.PORT: 1\n  + env.PORT: 2\n  + user: svc\n"
        );
    }
}
