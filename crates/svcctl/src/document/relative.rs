//! Relative paths in a specification's file: they are meant from where the file lies, and are made absolute when it is
//! taken. The daemon has another directory, and would look for them there.

use serde_json::{Value, json};
use std::path::Path;
use svcctl_core::spec::{self, words};

/// Makes the program and the directories of `document` absolute, where they are relative to `base`, which is absolute.
/// What begins with a variable is left alone, as is a bare name, which is looked up in `PATH`; what is wrong is left
/// for the decoder to say.
pub(super) fn resolve(document: &mut Value, base: &Path) {
    let Some(map) = document.as_object_mut() else { return };
    if let Some(exec) = map.get_mut("exec") {
        resolve_exec(exec, base);
    }
    for (section, resolve) in SECTIONS {
        if let Some(section) = map.get_mut(section) {
            resolve(section, base);
        }
    }
    if let Some(Value::String(cwd)) = map.get_mut("cwd")
        && let Some(absolute) = absolute(cwd, base)
    {
        *cwd = absolute;
    }
    match map.get_mut("env_file") {
        Some(Value::Array(paths)) => paths.iter_mut().for_each(|path| resolve_entry(path, base)),
        Some(path) => resolve_entry(path, base),
        None => {}
    }
}

/// What makes the paths below a key absolute.
type Resolve = fn(&mut Value, &Path);

/// The keys below which paths stand.
const SECTIONS: [(&str, Resolve); 7] = [
    ("start", |start, base| each(start.get_mut("when"), |one| resolve_check(one, base))),
    ("ready", resolve_check),
    ("health", |health, base| {
        for probe in ["liveness", "readiness"] {
            health.get_mut(probe).into_iter().for_each(|probe| resolve_check(probe, base));
        }
    }),
    ("hooks", |hooks, base| {
        for hook in ["before_start", "after_start", "before_stop", "after_exit"] {
            hooks.get_mut(hook).into_iter().for_each(|hook| resolve_hooks(hook, base));
        }
    }),
    ("reload", |reload, base| {
        reload.get_mut("command").into_iter().for_each(|command| resolve_hooks(command, base));
        each(reload.get_mut("watch"), |path| resolve_path(path, base));
    }),
    ("trigger", |trigger, base| {
        trigger.get_mut("path").into_iter().for_each(|path| resolve_path(path, base));
        trigger.get_mut("condition").into_iter().for_each(|check| resolve_check(check, base));
    }),
    ("stop", |stop, base| {
        each(stop.get_mut("steps"), |step| {
            step.get_mut("command").into_iter().for_each(|command| resolve_hooks(command, base));
        });
    }),
];

/// Each value of a list; nothing where there is none.
fn each(list: Option<&mut Value>, resolve: impl FnMut(&mut Value)) {
    list.and_then(Value::as_array_mut).into_iter().flatten().for_each(resolve);
}

/// A question: the program that asks, or the path it is about.
fn resolve_check(check: &mut Value, base: &Path) {
    check.get_mut("exec").into_iter().for_each(|exec| resolve_exec(exec, base));
    check.get_mut("exists").into_iter().for_each(|path| resolve_path(path, base));
}

/// A hook, or a list of them: words, a line, or a mapping that has them.
fn resolve_hooks(hook: &mut Value, base: &Path) {
    match hook {
        Value::Object(_) => hook.get_mut("exec").into_iter().for_each(|exec| resolve_exec(exec, base)),
        Value::Array(list) if list.iter().any(|one| !one.is_string()) => {
            for one in list {
                resolve_hooks(one, base);
            }
        }
        Value::Array(_) | Value::String(_) => resolve_exec(hook, base),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn resolve_path(path: &mut Value, base: &Path) {
    if let Value::String(path) = path
        && let Some(absolute) = absolute(path, base)
    {
        *path = absolute;
    }
}

/// A file of variables: its path, or a mapping that has it.
fn resolve_entry(entry: &mut Value, base: &Path) {
    match entry {
        Value::String(path) => resolve_file(path, base),
        Value::Object(map) => {
            if let Some(Value::String(path)) = map.get_mut("path") {
                resolve_file(path, base);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
}

fn resolve_exec(exec: &mut Value, base: &Path) {
    if let Value::String(line) = exec {
        // Words of a text become words of a list, of which one can be changed.
        let Ok(words) = words::split(line) else { return };
        if words.first().is_some_and(|program| is_relative(program)) {
            *exec = json!(words);
        }
    }
    let first = exec.as_array_mut().and_then(|words| words.first_mut());
    if let Some(Value::String(program)) = first
        && program.contains('/')
        && let Some(absolute) = absolute(program, base)
    {
        *program = absolute;
    }
}

/// A leading dash says that the file may be missing.
fn resolve_file(path: &mut String, base: &Path) {
    let (dash, file) = path.strip_prefix('-').map_or(("", path.as_str()), |file| ("-", file));
    if let Some(absolute) = absolute(file, base) {
        *path = format!("{dash}{absolute}");
    }
}

fn is_relative(program: &str) -> bool {
    program.contains('/') && !program.starts_with(['/', '$'])
}

/// The absolute path; none where it is absolute, empty or begins with a variable.
fn absolute(path: &str, base: &Path) -> Option<String> {
    if path.is_empty() || path.starts_with('$') || Path::new(path).is_absolute() {
        return None;
    }
    // A dollar in the directory's own name is no variable; one in the file's text may be.
    let base = match spec::literal_document(json!(base.to_str()?)) {
        Value::String(base) => base,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    std::path::absolute(Path::new(&base).join(path)).ok()?.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(mut document: Value) -> Value {
        resolve(&mut document, Path::new("/srv/a${b}"));
        document
    }

    #[test]
    fn what_is_relative_is_meant_from_the_file() {
        let given =
            json!({"exec": ["./server", "./data"], "cwd": "work", "env_file": ["a.env", "-b.env", "/c.env"]});
        assert_eq!(
            resolved(given),
            json!({"exec": ["/srv/a$${b}/server", "./data"], "cwd": "/srv/a$${b}/work",
                "env_file": ["/srv/a$${b}/a.env", "-/srv/a$${b}/b.env", "/c.env"]})
        );
        let line = resolved(json!({"exec": "bin/server --port '8 0'"}));
        assert_eq!(line, json!({"exec": ["/srv/a$${b}/bin/server", "--port", "8 0"]}));
    }

    #[test]
    fn every_path_of_a_document_is_meant_from_the_file() {
        let given = json!({"exec": "a", "start": {"when": [{"exists": "flag"}, {"exec": ["./ask", "./x"]}]},
            "health": {"liveness": {"exec": "./well"}}, "reload": {"command": ["./tell"], "watch": ["*.conf"]},
            "hooks": {"before_start": [{"exec": ["./before"]}], "after_exit": ["./after", "1"]},
            "trigger": {"path": "in"}, "stop": {"steps": [{"command": "./end"}, {"kill": "tree"}]}});
        let here = "/srv/a$${b}";
        assert_eq!(
            resolved(given),
            json!({"exec": "a",
                "start": {"when": [{"exists": format!("{here}/flag")}, {"exec": [format!("{here}/ask"), "./x"]}]},
                "health": {"liveness": {"exec": [format!("{here}/well")]}},
                "reload": {"command": [format!("{here}/tell")], "watch": [format!("{here}/*.conf")]},
                "hooks": {"before_start": [{"exec": [format!("{here}/before")]}],
                    "after_exit": [format!("{here}/after"), "1"]},
                "trigger": {"path": format!("{here}/in")},
                "stop": {"steps": [{"command": [format!("{here}/end")]}, {"kill": "tree"}]}})
        );
    }

    #[test]
    fn what_is_not_stays_as_it_is() {
        for same in [
            json!({"exec": ["server"], "cwd": "/work"}),
            json!({"exec": "sh -c './a'"}),
            json!({"exec": ["${HOME}/server"], "cwd": "$HOME"}),
            json!({"exec": [], "cwd": 7}),
            json!({"exec": "'open", "env_file": null}),
            json!([1]),
        ] {
            assert_eq!(resolved(same.clone()), same);
        }
    }
}
