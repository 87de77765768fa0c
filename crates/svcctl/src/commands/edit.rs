//! `svcctl edit`: change a specification in an editor; checked before it is taken, and never lost.

use super::act::{self, Order};
use super::{show, start};
use crate::args::{EditArgs, Names, WaitArgs};
use crate::context::{Context, block_on};
use crate::document::files::{Entry, Loaded};
use crate::document::parse_name;
use crate::error::{CliError, failure, io_failure};
use crate::exit_code;
use crate::locate;
use crate::output::{self, Style};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::plan::{self, Effect};
use svcctl_core::spec::{self, ServiceSpec, words};
use svcctl_engine::offline::{self, InstallOptions};
use svcctl_os::foreground;
use svckit::control::client::{ClientError, Verb};
use svckit::control::types::{Act, FailureKind};

/// Where the person says which editor, the nearest first.
const VARIABLES: [&str; 3] = ["SVCCTL_EDITOR", "VISUAL", "EDITOR"];
/// What is tried where nothing is said.
const USUAL: [&str; 3] = ["sensible-editor", "vi", "notepad"];

pub(super) fn run(context: &Context, args: &EditArgs) -> Result<u8, CliError> {
    let name = parse_name(&args.name)?;
    let located = block_on(locate::service(context, &name))??;
    let before = show::file(context, &located, &name)?;
    let accepted = spec::decode(&located.service.spec).map_err(|_| {
        failure(
            FailureKind::Failed,
            format!("{name} was installed by a newer svcctl, and cannot be edited here"),
        )
    })?;
    let copy = Copy::new(&name, &before)?;
    let Some(entry) = until_right(context, &name, &copy, &before)? else {
        copy.remove();
        output::answer_at_once(args.output.output, &told(&name, false, &[], false), || {
            format!("{name} is not changed\n")
        })?;
        return Ok(exit_code::DONE);
    };
    if let Err(error) = install(context, &entry) {
        return Err(copy.kept(error));
    }
    copy.remove();
    after(context, args, &accepted, &entry.spec)
}

/// Says what was changed, and restarts if that was asked for.
fn after(context: &Context, args: &EditArgs, old: &ServiceSpec, new: &ServiceSpec) -> Result<u8, CliError> {
    let name = &new.name;
    let differences = spec::diff(old, new);
    let running = block_on(locate::service(context, name))??.service.pid.is_some();
    let needs_restart = running && plan::effect(old, new) == Effect::Restart;
    let answer = told(name, true, &differences, needs_restart && !args.restart);
    let text = || {
        let what = if differences.is_empty() { "its text alone".to_owned() } else { differences.join(", ") };
        let next = if needs_restart && !args.restart {
            format!("; its process runs as before until: svcctl restart {name}")
        } else {
            String::new()
        };
        format!("changed {name}: {}{next}\n", output::printable::printable(&what))
    };
    if !(needs_restart && args.restart) {
        output::answer_at_once(args.output.output, &answer, text)?;
        return Ok(exit_code::DONE);
    }
    output::remark(text().trim_end());
    act::carry_out(
        context,
        &Order {
            verb: Verb::Restart,
            names: &Names::of(name.as_str()),
            wait: Some(WaitArgs::default()),
            dependants: None,
            output: args.output.output,
            more: Act::default(),
            without_daemon: start::start_daemon,
        },
    )
}

/// What came of an edit.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Edited<'a> {
    /// Which service.
    name: &'a str,
    /// Whether another text was accepted.
    changed: bool,
    /// The fields that differ.
    differences: &'a [String],
    /// Whether its process runs as before until a restart.
    needs_restart: bool,
}

fn told<'a>(
    name: &'a ServiceName,
    changed: bool,
    differences: &'a [String],
    needs_restart: bool,
) -> Edited<'a> {
    Edited { name: name.as_str(), changed, differences, needs_restart }
}

fn install(context: &Context, entry: &Entry) -> Result<(), CliError> {
    let name = &entry.spec.name;
    let ask = || {
        block_on(context.ask_daemon(async |daemon| daemon.install(name, &entry.install, true, false).await))
    };
    let answer = match ask()? {
        Err(ClientError::NoDaemon { .. }) => {
            let source = entry.install.source.clone();
            let options = InstallOptions { source, update: true, ..InstallOptions::default() };
            let stored =
                context.on_store(|| offline::install_with(&context.paths, entry.spec.clone(), options))?;
            match stored {
                Some(_) => return Ok(()),
                None => ask()?,
            }
        }
        answer => answer,
    };
    match answer {
        Err(ClientError::Refused(refused))
            if refused.kind == FailureKind::Invalid && !refused.problems.is_empty() =>
        {
            Err(entry.wrong(&refused.problems).into())
        }
        answer => answer.map(drop).map_err(|error| context.unanswered(error)),
    }
}

/// Opens the editor until what it leaves is right; none where nothing was changed, or the change was discarded.
fn until_right(
    context: &Context,
    name: &ServiceName,
    copy: &Copy,
    before: &str,
) -> Result<Option<Entry>, CliError> {
    loop {
        if let Err(error) = open_editor(&copy.path) {
            copy.remove();
            return Err(error);
        }
        let text = copy.read()?;
        if text == before {
            return Ok(None);
        }
        match check(context, name, text) {
            Ok(entry) => return Ok(Some(entry)),
            Err(error) => {
                if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
                    return Err(copy.kept(error));
                }
                error.tell(crate::args::Format::Text);
                if !ask_again() {
                    return Ok(None);
                }
            }
        }
    }
}

/// What the text means, as the file of `name` in services/.
fn check(context: &Context, name: &ServiceName, text: String) -> Result<Entry, CliError> {
    let mut loaded = Loaded::default();
    loaded.take(&context.paths.services.join(format!("{name}.yaml")), text)?;
    let mut entries = loaded.sound()?;
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) if entry.spec.name == *name => Ok(entry),
        (Some(entry), true) => {
            let message = format!(
                "the name was changed from {name} to {}; a service keeps its name: install the other one instead",
                entry.spec.name
            );
            Err(failure(FailureKind::Invalid, message))
        }
        (_, _) => Err(failure(
            FailureKind::Invalid,
            format!("the file of {name} has one specification, and no more"),
        )),
    }
}

/// Whether the person wants to go on editing; no answer is a no.
fn ask_again() -> bool {
    let mut terminal = io::stderr().lock();
    let question = Style::of_stderr().paint("1", "Edit again? Otherwise the change is discarded. (Y/n) ");
    let asked = terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| io::stdin().lock().read_line(&mut answer));
    read.is_ok_and(|bytes| bytes > 0) && !matches!(answer.trim(), "n" | "N" | "no" | "d" | "discard")
}

fn open_editor(file: &Path) -> Result<(), CliError> {
    let said =
        VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|line| !line.trim().is_empty()));
    let candidates: Vec<Vec<String>> = match said {
        Some(line) => vec![words::split(&line).map_err(|error| {
            failure(FailureKind::Usage, format!("the editor {line:?} cannot be run: it {error}"))
        })?],
        None => USUAL.iter().map(|program| vec![(*program).to_owned()]).collect(),
    };
    for words in &candidates {
        let editor = words.join(" ");
        let argv: Vec<OsString> = words.iter().map(OsString::from).chain([file.into()]).collect();
        match foreground::run(&argv) {
            Ok(Some(0)) => return Ok(()),
            Ok(Some(code)) => {
                let message = format!("the editor {editor} ended with exit code {code}; nothing was changed");
                return Err(failure(FailureKind::Failed, message));
            }
            Ok(None) => {
                let message = format!("the editor {editor} was killed; nothing was changed");
                return Err(failure(FailureKind::Failed, message));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(failure(FailureKind::Failed, format!("cannot run the editor {editor}: {error}")));
            }
        }
    }
    let tried: Vec<String> = candidates.iter().map(|words| words.join(" ")).collect();
    let message =
        format!("there is no editor {}; say which with SVCCTL_EDITOR; nothing was changed", tried.join(", "));
    Err(failure(FailureKind::Failed, message))
}

/// The text that is being edited, readable by this user alone.
struct Copy {
    folder: PathBuf,
    path: PathBuf,
}

impl Copy {
    fn new(name: &ServiceName, text: &str) -> Result<Self, CliError> {
        let stamp = jiff::Timestamp::now().as_nanosecond();
        let folder = std::env::temp_dir().join(format!("svcctl-edit-{}-{stamp}", std::process::id()));
        svcctl_os::files::make_private_directory(&folder)
            .map_err(|error| io_failure("make", &folder, &error))?;
        // Editors know by the ending what it is.
        let copy = Self { path: folder.join(format!("{name}.yaml")), folder };
        std::fs::write(&copy.path, text).map_err(|error| io_failure("write", &copy.path, &error))?;
        Ok(copy)
    }

    fn read(&self) -> Result<String, CliError> {
        std::fs::read_to_string(&self.path).map_err(|error| io_failure("read", &self.path, &error))
    }

    /// Tells where the text stays that was not taken, before the error says why.
    fn kept(&self, error: CliError) -> CliError {
        output::remark(&format!("nothing was changed; your text is kept in {}", self.path.display()));
        error
    }

    fn remove(&self) {
        // What stays of a copy in the temporary directory harms nobody.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn its_schema_is_published() {
        crate::output::published::is_current::<super::Edited<'_>>("edit");
    }
}
