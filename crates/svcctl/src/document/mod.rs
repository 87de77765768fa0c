//! From the command line to a specification's document (DESIGN, the format of a service).
//!
//! Only what was said is written, so that the file stays short and later defaults reach it. What is said wrongly here
//! is wrong on the command line; what is wrong with the whole is found by [`svcctl_core::spec::decode()`], the same
//! code that the daemon uses.

mod address;
pub(crate) mod files;
mod relative;

use crate::args::{About, InstallArgs, KindName, ManagerName, MoreArgs, RestartName, RunArgs, SpecArgs};
use crate::error::{CliError, failure, io_failure};
use crate::program;
use files::Entry;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::{self, ServiceSpec, duration, words};
use svckit::control::types::{Failure, FailureKind, Install};

/// A document, and what it means.
#[derive(Debug)]
pub(crate) struct Specification {
    /// As it goes to the daemon.
    pub(crate) document: Value,
    /// As it was understood.
    pub(crate) spec: ServiceSpec,
    /// Where it stands, if it comes from a file.
    pub(crate) entry: Option<Entry>,
}

impl Specification {
    /// As the daemon takes it.
    pub(crate) fn install(&self) -> Install {
        match &self.entry {
            Some(entry) => entry.install.clone(),
            None => Install { document: self.document.clone(), source: None },
        }
    }

    /// What the daemon says is wrong, shown where it stands, if this comes from a file.
    pub(crate) fn placed(&self, refused: Failure) -> CliError {
        match &self.entry {
            Some(entry) if refused.kind == FailureKind::Invalid && !refused.problems.is_empty() => {
                entry.wrong(&refused.problems).into()
            }
            Some(_) | None => refused.into(),
        }
    }
}

/// The specification that `svcctl install` was given.
pub(crate) fn of_install(args: &InstallArgs) -> Result<Specification, CliError> {
    if let Some(file) = &args.file {
        return of_file(file, args.position.as_ref().or(args.name.as_ref()).map(String::as_str));
    }
    let name = args.position.as_ref().or(args.name.as_ref());
    let name = name.ok_or_else(|| {
        failure(FailureKind::Usage, "the service needs a name: svcctl install NAME -- PROGRAM")
    })?;
    let exec = command(args.exec.as_deref(), &args.program)?;
    let mut document = begin(name);
    about(&args.about, &mut document)?;
    process(&args.spec, exec, &mut document)?;
    kept(&args.about, &mut document)?;
    rules(&args.spec, &mut document)?;
    more(&args.more, &mut document)?;
    understand(spec::literal_document(Value::Object(document)))
}

/// The specification that `svcctl run` was given: the environment is inherited whole.
pub(crate) fn of_run(args: &RunArgs) -> Result<Specification, CliError> {
    let exec = command(None, &args.program)?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&exec[0]));
    let mut document = begin(&name);
    process(&args.spec, exec, &mut document)?;
    if args.spec.cwd.is_none() {
        document.insert("cwd".to_owned(), json!(directory(Path::new("."))?));
    }
    document.insert("inherit_env".to_owned(), json!("all"));
    rules(&args.spec, &mut document)?;
    understand(spec::literal_document(Value::Object(document)))
}

fn begin(name: &str) -> Map<String, Value> {
    Map::from_iter([("spec".to_owned(), json!(1)), ("name".to_owned(), json!(name))])
}

/// Puts a value into the document, unless it is absent.
fn put(document: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        document.insert(key.to_owned(), value.into());
    }
}

fn about(args: &About, document: &mut Map<String, Value>) -> Result<(), CliError> {
    put(document, "display_name", args.display_name.clone());
    put(document, "description", args.description.clone());
    match args.manager {
        None | Some(ManagerName::Auto) => {}
        Some(ManagerName::Embedded) => put(document, "manager", Some("embedded")),
        Some(native @ (ManagerName::Systemd | ManagerName::Scm | ManagerName::Launchd)) => {
            let message = format!(
                "this svcctl does not put services under {} yet; leave --manager out, and svcctl's own daemon runs it",
                native.title()
            );
            return Err(failure(FailureKind::Unsupported, message));
        }
    }
    Ok(())
}

fn process(args: &SpecArgs, exec: Vec<String>, document: &mut Map<String, Value>) -> Result<(), CliError> {
    put(document, "exec", Some(exec));
    let cwd = args.cwd.as_deref().map(directory).transpose()?;
    put(document, "cwd", cwd);
    put(document, "user", args.user.clone());
    put(document, "group", args.group.clone());
    let mut env = Map::new();
    for (key, value) in &args.env {
        if env.insert(key.clone(), json!(value)).is_some() {
            return Err(failure(FailureKind::Usage, format!("--env sets {key} twice; give it once")));
        }
    }
    put(document, "env", (!env.is_empty()).then_some(env));
    Ok(())
}

fn kept(args: &About, document: &mut Map<String, Value>) -> Result<(), CliError> {
    put(document, "autostart", args.no_autostart.then_some(false));
    let mut edges = Map::new();
    for text in &args.depends_on {
        // Names have no colon, so the kind is what follows the first.
        let (name, kind) = text.split_once(':').unwrap_or((text, "ready"));
        if edges.insert(name.to_owned(), json!(kind)).is_some() {
            return Err(failure(
                FailureKind::Usage,
                format!("--depends-on names {name} twice; give it once"),
            ));
        }
    }
    put(document, "depends_on", (!edges.is_empty()).then_some(edges));
    Ok(())
}

fn rules(args: &SpecArgs, document: &mut Map<String, Value>) -> Result<(), CliError> {
    put(document, "type", args.kind.map(KindName::word));
    put(document, "start", args.start_timeout.map(|time| json!({"timeout": duration::format(time)})));
    let ready = args.ready_tcp.as_deref().map(address::complete).transpose();
    let ready = ready.map_err(|error| failure(FailureKind::Usage, format!("--ready-tcp {error}")))?;
    put(document, "ready", ready.map(|address| json!({"tcp": address})));
    let mut restart = Map::new();
    put(&mut restart, "policy", args.restart.map(RestartName::word));
    put(&mut restart, "delay", args.restart_delay.map(duration::format));
    put(document, "restart", (!restart.is_empty()).then_some(restart));
    put(document, "stop", args.stop_timeout.map(|time| json!({"timeout": duration::format(time)})));
    Ok(())
}

fn more(args: &MoreArgs, document: &mut Map<String, Value>) -> Result<(), CliError> {
    let files = args.env_file.iter().map(|file| env_file(file)).collect::<Result<Vec<_>, _>>()?;
    put(document, "env_file", (!files.is_empty()).then_some(files));
    put(document, "umask", args.umask.clone());
    put(document, "ready", args.ready_http.as_ref().map(|url| json!({"http": url})));
    put(document, "health", args.liveness_http.as_ref().map(|url| json!({"liveness": {"http": url}})));
    put(document, "reload", args.reload_signal.as_ref().map(|signal| json!({"signal": signal})));
    let mut limits = Map::new();
    for (key, value) in &args.limit {
        // A number is one; sizes such as 1GiB stay texts.
        let value = value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number));
        if limits.insert(key.clone(), value).is_some() {
            return Err(failure(FailureKind::Usage, format!("--limit sets {key} twice; give it once")));
        }
    }
    put(document, "limits", (!limits.is_empty()).then_some(limits));
    let mut schedule = Map::new();
    put(&mut schedule, "cron", args.cron.clone());
    put(&mut schedule, "every", args.every.map(duration::format));
    put(&mut schedule, "timezone", args.timezone.clone());
    put(document, "schedule", (!schedule.is_empty()).then_some(schedule));
    Ok(())
}

/// An absolute path; a dash in front says that the file may be missing.
fn env_file(text: &str) -> Result<Value, CliError> {
    let optional = text.strip_prefix('-');
    let path = optional.unwrap_or(text);
    let path = std::path::absolute(path).map_err(|error| io_failure("find", Path::new(path), &error))?;
    let path = path.display().to_string();
    Ok(if optional.is_some() { json!({"path": path, "optional": true}) } else { json!(path) })
}

/// Program and arguments, the program as an absolute path.
pub(crate) fn command(line: Option<&str>, words: &[String]) -> Result<Vec<String>, CliError> {
    let mut exec = match line {
        Some(line) => {
            words::split(line).map_err(|error| failure(FailureKind::Usage, format!("--exec {error}")))?
        }
        None => words.to_vec(),
    };
    let Some(program) = exec.first_mut() else {
        let message = "there is no program to run; put it behind `--`, as in: svcctl install web -- ./server --port 8080";
        return Err(failure(FailureKind::Usage, message));
    };
    let path = std::env::var_os("PATH");
    *program = program::resolve(program, path.as_deref())
        .map_err(|error| failure(FailureKind::Invalid, error.to_string()))?;
    Ok(exec)
}

fn directory(path: &Path) -> Result<String, CliError> {
    program::resolve_directory(path).map_err(|error| failure(FailureKind::Invalid, format!("--cwd: {error}")))
}

/// A service's name from its program's: what cannot stand in a name becomes `-`.
pub(crate) fn name_of(program: &str) -> String {
    let file =
        Path::new(program).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let sound = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = file.chars().map(sound).collect();
    let name = name.trim_start_matches(['.', '_', '-']);
    let name: String = name.chars().take(svcctl_core::ident::NAME_MAX_BYTES).collect();
    if name.is_empty() { "program".to_owned() } else { name }
}

fn of_file(file: &PathBuf, name: Option<&str>) -> Result<Specification, CliError> {
    let mut entries = files::load(std::slice::from_ref(file))?.sound()?;
    let entry = match (entries.pop(), entries.len()) {
        (Some(entry), 0) => entry,
        (_, others) => {
            let message = format!(
                "{} has {} specifications; bring them all about with: svcctl apply -f {}",
                file.display(),
                others + 1,
                file.display()
            );
            return Err(failure(FailureKind::Usage, message));
        }
    };
    if let Some(name) = name.filter(|name| *name != entry.spec.name.as_str()) {
        let message =
            format!("{} is the specification of {}, not of {name}", file.display(), entry.spec.name);
        return Err(failure(FailureKind::Usage, message));
    }
    Ok(Specification {
        document: entry.install.document.clone(),
        spec: entry.spec.clone(),
        entry: Some(entry),
    })
}

/// Where the relative paths of a file are meant from; those of standard input, from the current directory.
fn folder_of(file: &Path) -> Result<PathBuf, CliError> {
    let folder = if file == Path::new("-") { Path::new("") } else { file.parent().unwrap_or(Path::new("/")) };
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    std::path::absolute(folder).map_err(|error| io_failure("find", folder, &error))
}

fn understand(document: Value) -> Result<Specification, CliError> {
    match spec::decode(&document) {
        Ok(spec) => Ok(Specification { document, spec, entry: None }),
        Err(problems) => {
            let message = match problems.as_slice() {
                [one] => format!("the specification is wrong: {one}"),
                several => format!("the specification is wrong in {} places", several.len()),
            };
            Err(Failure { kind: FailureKind::Invalid, message, problems }.into())
        }
    }
}

/// A service's name as it was typed.
pub(crate) fn parse_name(text: &str) -> Result<ServiceName, CliError> {
    ServiceName::new(text).map_err(|error| failure(FailureKind::Usage, error.to_string()))
}

#[cfg(test)]
mod tests;
