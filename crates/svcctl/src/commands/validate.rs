//! `svcctl validate`: check files, and change nothing. No daemon is needed.

use super::plan;
use crate::args::ValidateArgs;
use crate::context::Context;
use crate::document::files::{self, Entry};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{self, Style};
use crate::program;
use crate::wrong::{FileProblem, Severity, Wrong};
use std::path::Path;
use svcctl_core::schedule::Zones;
use svcctl_core::spec::{self, Problem, Template, Which};
use svcctl_os::inspect;
use svckit::control::types::FailureKind;

pub(super) fn run(context: &Context, args: &ValidateArgs) -> Result<u8, CliError> {
    let mut loaded = files::load(&args.files)?;
    let present = args.installed.then(|| plan::present(context)).transpose()?;
    plan::check_set(&mut loaded, present.as_ref());
    let more: Vec<FileProblem> = loaded.entries.iter().flat_map(of_machine).collect();
    let count = loaded.entries.len();
    let mut wrong = loaded.wrong;
    wrong.problems.extend(more);
    wrong.problems.sort_by_key(|one| (one.file.clone(), one.line, one.column));
    let errors = wrong.problems.iter().filter(|one| one.severity == Severity::Error).count();
    output::answer(args.output.output, &wrong.problems, || text(&wrong, count, errors))?;
    Ok(if errors == 0 { exit_code::DONE } else { FailureKind::Invalid.exit_code() })
}

fn text(wrong: &Wrong, count: usize, errors: usize) -> String {
    let shown = wrong.render(Style::of_stdout());
    let gap = if shown.is_empty() { "" } else { "\n" };
    let plural =
        |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let warnings = match wrong.problems.len() - errors {
        0 => String::new(),
        warnings => format!(", {}", plural(warnings, "warning")),
    };
    if errors == 0 {
        let are = if count == 1 { "is" } else { "are" };
        format!("{shown}{gap}{} {are} valid{warnings}\n", plural(count, "specification"))
    } else {
        format!("{shown}{gap}{}{warnings}\n", plural(errors, "problem"))
    }
}

/// jiff's own database of time zones: the system's.
struct SystemZones;

impl Zones for SystemZones {
    fn zone(&self, name: Option<&str>) -> Option<jiff::tz::TimeZone> {
        name.map_or_else(|| Some(jiff::tz::TimeZone::system()), |name| jiff::tz::TimeZone::get(name).ok())
    }
}

/// What does not fit this machine.
fn of_machine(entry: &Entry) -> Vec<FileProblem> {
    let spec = &entry.spec;
    let mut found: Vec<FileProblem> = spec::check_timezone(spec, &SystemZones)
        .iter()
        .map(|problem| entry.place(problem, Severity::Error))
        .collect();
    let mut warn = |path: &str, message: String| {
        let problem = Problem { path: path.to_owned(), which: Which::Value, message };
        found.push(entry.place(&problem, Severity::Warning));
    };
    // What is told only at the start (a variable, a file) cannot be looked for.
    let path = spec.env.get("PATH").and_then(Template::as_literal).map(Into::into);
    let path = path.or_else(|| std::env::var_os("PATH"));
    if let Some(program) = spec.exec.first().and_then(Template::as_literal)
        && let Err(error) = program::resolve(&program, path.as_deref())
    {
        warn("exec", error.to_string());
    }
    if let Some(cwd) = spec.cwd.as_ref().and_then(Template::as_literal)
        && let Err(error) = program::resolve_directory(Path::new(&cwd))
    {
        warn("cwd", error.to_string());
    }
    if let Err(error) = inspect::account(spec.user.as_deref(), spec.group.as_deref()) {
        warn(if spec.user.is_some() { "user" } else { "group" }, error);
    }
    for (index, file) in spec.env_file.iter().enumerate().filter(|(_, file)| !file.optional) {
        let Some(path) = file.path.as_literal() else { continue };
        if let Err(error) = std::fs::File::open(&path) {
            let path = Path::new(&path).display();
            let place =
                if spec.env_file.len() == 1 { "env_file".to_owned() } else { format!("env_file[{index}]") };
            warn(
                &place,
                format!(
                    "cannot read {path}: {error}; for one that may be missing write {{path: …, optional: true}}"
                ),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::files::Loaded;

    #[test]
    fn what_this_machine_does_not_have_is_a_warning_at_its_place() {
        let mut loaded = Loaded::default();
        let text = "spec: 1\nname: web\nexec: [/no/such/program]\nuser: no-such-user-svcctl\nenv_file: /no/such/file\n";
        loaded.take(Path::new("/etc/web.yaml"), text.to_owned()).unwrap();
        let found = of_machine(&loaded.entries[0]);
        let said: Vec<(u64, &str, Severity)> =
            found.iter().map(|one| (one.line, one.path.as_str(), one.severity)).collect();
        assert_eq!(
            said,
            [
                (3, "exec", Severity::Warning),
                (4, "user", Severity::Warning),
                (5, "env_file", Severity::Warning)
            ]
        );
        assert!(text_of(&found).contains("1 specification is valid, 3 warnings"), "{}", text_of(&found));
    }

    fn text_of(found: &[FileProblem]) -> String {
        text(&Wrong { problems: found.to_vec(), ..Wrong::default() }, 1, 0)
    }
}
