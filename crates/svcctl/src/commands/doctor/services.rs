//! What the installed services need: their files, programs, directories and users.

use super::check::Check;
use crate::context::Context;
use crate::program;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use svcctl_core::spec::{self, ServiceSpec, Template};
use svcctl_os::inspect;
use svckit::config;
use svckit::control::types::Service;

/// The ending of a specification's file.
const ENDING: &str = "yaml";
/// What is read of a program, to find the interpreter that it names.
const HEAD_BYTES: u64 = 256;

pub(super) fn check(context: &Context, services: &[Service]) -> Vec<Check> {
    let directory = &context.paths.services;
    let mut checks = files(directory);
    // Where the store cannot be read, the files tell nearly the same.
    let on_file = if services.is_empty() { specifications(directory) } else { Vec::new() };
    for spec in &on_file {
        checks.extend(needs(spec.name.as_str(), spec));
    }
    for service in services {
        checks.extend(pending(service, directory));
        // What a newer svcctl understands is not for this one to judge.
        if let Ok(spec) = spec::decode(&service.spec) {
            checks.extend(needs(&service.name, &spec));
        }
        checks.extend(environment(service));
    }
    if checks.is_empty() && !(services.is_empty() && on_file.is_empty()) {
        checks.push(Check::ok("services.needs", "their files, programs, directories and users are there"));
    }
    checks
}

/// The files in services/.
fn paths(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect();
    paths.sort();
    paths
}

/// Those of them that can be taken.
fn specifications(directory: &Path) -> Vec<ServiceSpec> {
    let read = |path: &PathBuf| spec::decode(&config::parse(&std::fs::read_to_string(path).ok()?).ok()?).ok();
    paths(directory).iter().filter_map(read).collect()
}

/// Those that cannot.
fn files(directory: &Path) -> Vec<Check> {
    paths(directory).iter().filter_map(|path| file(path)).collect()
}

fn file(path: &Path) -> Option<Check> {
    const ID: &str = "services.file";
    let problem = |why: String| {
        let remedy = format!("repair it, then: svcctl install -f {} --update", path.display());
        Some(Check::problem(ID, why, remedy).of(path.display().to_string()))
    };
    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let document = match read.and_then(|text| config::parse(&text).map_err(|error| error.to_string())) {
        Ok(document) => document,
        Err(why) => return problem(format!("cannot be read: {why}")),
    };
    match spec::decode(&document) {
        Ok(spec) if path.file_stem().is_some_and(|stem| stem == spec.name.as_str()) => None,
        Ok(spec) => Some(
            Check::warning(
                ID,
                format!("is named otherwise than its service, {}", spec.name),
                format!("rename it to {}.{ENDING}", spec.name),
            )
            .of(path.display().to_string()),
        ),
        Err(problems) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            let more =
                if problems.len() > 1 { format!(", and {} more", problems.len() - 1) } else { String::new() };
            problem(format!("is wrong: {first}{more}"))
        }
    }
}

fn pending(service: &Service, directory: &Path) -> Option<Check> {
    let path = directory.join(format!("{}.{ENDING}", service.name));
    // A file that cannot be taken is told by itself.
    if !service.pending || file(&path).is_some_and(|check| check.id == "services.file") {
        return None;
    }
    let (text, remedy) = if path.exists() {
        (
            "its file was edited, and the edit is not applied",
            format!("svcctl install -f {} --update", path.display()),
        )
    } else {
        ("its file is gone", format!("install it again, or: svcctl uninstall {}", service.name))
    };
    Some(Check::warning("services.pending", text, remedy).of(service.name.clone()))
}

fn needs(name: &str, spec: &ServiceSpec) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |id, why: Option<String>, remedy: &str| {
        checks.extend(why.map(|why| Check::problem(id, why, remedy).of(name)));
    };
    // What is told only at the start (a variable, a file) cannot be looked for.
    let path = spec.env.get("PATH").and_then(Template::as_literal).map(Into::into);
    let path = path.or_else(|| std::env::var_os("PATH"));
    let program = spec.exec.first().and_then(Template::as_literal);
    let found = program.map(|program| program::resolve(&program, path.as_deref()));
    let (program, missing) = match found {
        Some(Ok(program)) => (Some(program), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, None),
    };
    add("services.program", missing, "install the program, or change exec");
    let interpreter = program.as_deref().and_then(|program| interpreter(Path::new(program)));
    add("services.program", interpreter, "install the interpreter, or change the first line of the program");
    let cwd = spec.cwd.as_ref().and_then(Template::as_literal);
    let cwd = cwd.and_then(|cwd| program::resolve_directory(Path::new(&cwd)).err());
    add("services.cwd", cwd.map(|error| error.to_string()), "make the directory, or change cwd");
    let account = inspect::account(spec.user.as_deref(), spec.group.as_deref()).err();
    add("services.user", account, "make the user and the group, or change them");
    checks
}

/// Why a script's interpreter cannot run it; none where it can, or where it is no script.
fn interpreter(program: &Path) -> Option<String> {
    let mut head = Vec::new();
    std::fs::File::open(program).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    if line.ends_with('\r') {
        let text = format!(
            "the lines of {} end as on Windows (CR LF), so its interpreter is not found",
            program.display()
        );
        return Some(text);
    }
    let name = line.split_ascii_whitespace().next()?;
    (!Path::new(name).exists())
        .then(|| format!("the interpreter {name} of {} is not there", program.display()))
}

/// Files with variables that cannot be read.
fn environment(service: &Service) -> Vec<Check> {
    let listed: Vec<&str> = match service.spec.get("env_file") {
        Some(Value::String(path)) => vec![path],
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    // A leading dash says that it may be missing, as systemd has it.
    let needed = listed.into_iter().filter(|path| !path.starts_with('-'));
    let unreadable = needed.filter_map(|path| Some((path, std::fs::File::open(path).err()?)));
    unreadable
        .map(|(path, error)| {
            let text = format!("{path} cannot be read: {error}");
            Check::problem("services.env_file", text, "make the file readable, or change env_file")
                .of(service.name.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;
    use crate::output::service::sample;
    use serde_json::json;

    #[test]
    fn what_a_service_lacks_is_named() {
        let spec = |document: Value| spec::decode(&document).unwrap();
        let sound = spec(json!({"spec": 1, "name": "web", "exec": ["/bin/sh"]}));
        assert_eq!(needs("web", &sound), []);
        let poor =
            spec(json!({"spec": 1, "name": "web", "exec": ["/no/such/program"], "cwd": "/no/such/place",
            "user": "svcctl-no-such-user"}));
        let ids: Vec<_> = needs("web", &poor).iter().map(|check| check.id).collect();
        assert_eq!(ids, ["services.program", "services.cwd", "services.user"]);
    }

    #[test]
    fn a_script_needs_its_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        let with = |text: &str| {
            std::fs::write(&script, text).unwrap();
            interpreter(&script)
        };
        assert_eq!(with("#!/bin/sh\n"), None);
        assert!(with("#!/no/such -x\n").unwrap().contains("/no/such of "));
        assert!(with("#!/bin/sh\r\n").unwrap().contains("CR LF"));
        assert_eq!(with("echo"), None);
    }

    #[test]
    fn files_are_judged_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("good.yaml", "spec: 1\nname: good\nexec: [/bin/sh]\n");
        write("other.yaml", "spec: 1\nname: good\nexec: [/bin/sh]\n");
        write("bad.yaml", "spec: 1\nname: bad\nexec: []\nreddy: 1\n");
        write("torn.yaml", "spec: [");
        write("notes.txt", "?");
        let found = files(folder.path());
        let verdicts: Vec<_> = found.iter().map(|check| check.verdict).collect();
        assert_eq!(verdicts, [Verdict::Problem, Verdict::Warning, Verdict::Problem], "{found:?}");
        let edited = sample(&json!({"name": "good", "pending": true}));
        assert_eq!(pending(&edited, folder.path()).unwrap().verdict, Verdict::Warning);
        assert_eq!(pending(&sample(&json!({"name": "bad", "pending": true})), folder.path()), None);
    }

    #[test]
    fn variables_must_be_readable() {
        let with = |value: Value| environment(&sample(&json!({"spec": {"env_file": value}}))).len();
        assert_eq!((with(json!("/no/such")), with(json!(["/bin/sh", "/no/such"]))), (1, 1));
        assert_eq!((with(json!("-/no/such")), with(json!("/bin/sh"))), (0, 0));
    }
}
