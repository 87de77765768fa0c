//! From a specification to what the keeper makes a process from.
//!
//! A program sees, the later outranking the earlier: of the daemon's environment the usual few and what `inherit_env`
//! names; the variables of `env_file`; those of `env`; and for hooks and probes, what tells them about the service.

use crate::prepare::{Environment, OF_THE_USER, OWN_PREFIX, Setting, Wanted};
use std::collections::BTreeMap;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::Template;
use svcctl_core::spec::model::{Amount, InheritEnv, Limits};
use svcctl_keeper::protocol::{Identity, Image, Limit, Resource};

/// What a program sees of the daemon's environment without asking for more.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TZ"];
/// The search path where the daemon has none.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The image of what is wanted, with `daemon` as the daemon's own environment. It reads the files that the specification
/// names, so it may take long: [`Wanted::needs_files`].
///
/// # Errors
/// A sentence fragment for people: what is missing, and where it is needed.
pub(crate) fn of(wanted: &Wanted, daemon: &Environment) -> Result<Image, String> {
    let spec = &*wanted.spec;
    let setting = Setting::of(spec, wanted.variables(), daemon)?;
    let identity = (spec.user.is_some() || spec.group.is_some() || spec.groups.is_some()).then(|| Identity {
        user: spec.user.clone(),
        group: spec.group.clone(),
        groups: spec.groups.clone(),
    });
    let (at, exec) = wanted.exec();
    let argv = exec
        .iter()
        .enumerate()
        .map(|(index, word)| setting.expand(&format!("{at}[{index}]"), word).map(String::into_bytes))
        .collect::<Result<Vec<_>, _>>()?;
    check_program(at, exec, argv.first())?;
    let cwd = spec.cwd.as_ref().map(|cwd| setting.expand("cwd", cwd)).transpose()?;
    if cwd.as_ref().is_some_and(|cwd| !cwd.starts_with('/')) {
        return Err("cwd is no absolute path once its placeholders are replaced".to_owned());
    }
    Ok(Image {
        argv,
        env: environment(spec, &setting.assigned(), daemon),
        cwd: cwd.unwrap_or_else(|| "/".to_owned()).into_bytes(),
        identity,
        umask: spec.umask,
        limits: limits(&spec.limits),
    })
}

/// What could not be known before the placeholders were replaced.
fn check_program(at: &str, exec: &[Template], program: Option<&Vec<u8>>) -> Result<(), String> {
    let as_written = exec.first().map(Template::as_written).unwrap_or_default();
    match program {
        None => Err(format!("{at} names no program")),
        Some(program) if program.is_empty() => {
            Err(format!("{at}[0], {as_written}, names no program once its placeholders are replaced"))
        }
        Some(program) if program.contains(&b'/') && !program.starts_with(b"/") => {
            Err(format!("{at}[0], {as_written}, is a relative path once its placeholders are replaced"))
        }
        Some(_) => Ok(()),
    }
}

fn environment(spec: &ServiceSpec, assigned: &BTreeMap<&str, &str>, daemon: &Environment) -> Vec<Vec<u8>> {
    let set = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| assigned.contains_key(name));
    let mut env: Vec<Vec<u8>> = Vec::new();
    let mut has_path = set(b"PATH");
    for (name, value) in daemon {
        if inherits(spec, name) && !set(name) {
            has_path |= name == b"PATH";
            env.push(assignment(name, value));
        }
    }
    if !has_path {
        env.push(assignment(b"PATH", PATH_DEFAULT.as_bytes()));
    }
    env.extend(assigned.iter().map(|(name, value)| assignment(name.as_bytes(), value.as_bytes())));
    env
}

fn limits(limits: &Limits) -> Vec<Limit> {
    let Limits { open_files, processes, core, file_size, stack, locked_memory, address_space } = *limits;
    let all = [
        (Resource::OpenFiles, open_files),
        (Resource::Processes, processes),
        (Resource::Core, core),
        (Resource::FileSize, file_size),
        (Resource::Stack, stack),
        (Resource::LockedMemory, locked_memory),
        (Resource::AddressSpace, address_space),
    ];
    let limit = |(resource, amount): (Resource, Option<Amount>)| match amount? {
        Amount::At(most) => Some(Limit { resource, at: Some(most) }),
        Amount::Unlimited => Some(Limit { resource, at: None }),
    };
    all.into_iter().filter_map(limit).collect()
}

fn inherits(spec: &ServiceSpec, name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return matches!(spec.inherit_env, InheritEnv::All);
    };
    if name.starts_with(OWN_PREFIX) {
        return false;
    }
    if OF_THE_USER.contains(&name) && spec.user.is_some() {
        return false;
    }
    match &spec.inherit_env {
        InheritEnv::All => true,
        InheritEnv::These(more) => INHERITED.contains(&name) || more.iter().any(|other| other == name),
    }
}

fn assignment(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b"=", value].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::Extra;
    use serde_json::json;
    use std::sync::Arc;
    use svcctl_core::spec::model::EnvFile;

    fn daemon() -> Environment {
        [
            ("PATH", "/bin"),
            ("HOME", "/root"),
            ("SECRET", "x"),
            ("SVCCTL_ROOT", "/r"),
            ("MORE", "m"),
            ("EMPTY", ""),
        ]
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .to_vec()
    }

    fn spec(document: &serde_json::Value) -> ServiceSpec {
        svcctl_core::spec::decode(document).unwrap()
    }

    fn made(spec: ServiceSpec, extra: Option<Extra>) -> Result<Image, String> {
        of(&Wanted { spec: Arc::new(spec), extra }, &daemon())
    }

    fn texts(all: Vec<Vec<u8>>) -> Vec<String> {
        all.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    fn env_of(spec: ServiceSpec) -> Vec<String> {
        let mut env = texts(made(spec, None).unwrap().env);
        env.sort();
        env
    }

    fn template(text: &str) -> Template {
        Template::parse(text).unwrap()
    }

    #[test]
    fn a_program_sees_the_usual_few_and_what_is_set() {
        let document = json!({"spec": 1, "name": "a", "exec": ["/bin/a"], "env": {"A": "1", "HOME": "/h"}});
        assert_eq!(env_of(spec(&document)), ["A=1", "HOME=/h", "PATH=/bin"]);
    }

    #[test]
    fn another_user_does_not_get_the_home_of_the_daemons() {
        let document =
            json!({"spec": 1, "name": "a", "exec": ["/bin/a"], "user": "svc", "inherit_env": ["MORE"]});
        assert_eq!(env_of(spec(&document)), ["MORE=m", "PATH=/bin"]);
        let mut spec = spec(&document);
        spec.exec.push(template("${HOME}"));
        let error = made(spec, None).unwrap_err();
        assert!(
            error.ends_with("nor the daemon's environment (that of its own user does not count)"),
            "{error}"
        );
    }

    #[test]
    fn variables_come_from_files_the_specification_and_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let first = file("first", "A=first\nB=first\nNAME=second\n");
        let second = file("second", "B=second\nPATH=/of/file\n");
        let secret = file("token", "t0p\r\n");
        let folder = folder.path().display();
        let mut spec = spec(&json!({"spec": 1, "name": "a", "exec": ["/bin/a"]}));
        let env_file = |text: &str, optional| EnvFile { path: template(text), optional };
        spec.env_file = vec![
            env_file(&first, false),
            env_file(&format!("{folder}/${{NAME}}"), false),
            env_file("/no/such/file", true),
        ];
        spec.env = [
            ("A", "env of ${A}"),
            ("TOKEN", &format!("<${{file:{secret}}}>")),
            ("FROM", "${SECRET}${EMPTY:-d}${UNSET:-e}"),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), template(text)))
        .collect();
        spec.exec.extend(["${A}", "$${B} ${B}", "${TOKEN}", "${PATH}", "${EMPTY}"].map(template));
        spec.cwd = Some(template("${UNSET:-/srv}"));
        assert!(Wanted { spec: Arc::new(spec.clone()), extra: None }.needs_files());
        let image = made(spec.clone(), None).unwrap();
        assert_eq!(texts(image.argv), ["/bin/a", "env of first", "${B} second", "<t0p>", "/of/file", ""]);
        assert_eq!(image.cwd, b"/srv");
        let mut env = texts(image.env);
        env.sort();
        assert_eq!(
            env,
            [
                "A=env of first",
                "B=second",
                "FROM=xde",
                "HOME=/root",
                "NAME=second",
                "PATH=/of/file",
                "TOKEN=<t0p>"
            ]
        );
        let missing = format!("{second}.not");
        spec.env_file[0] = env_file(&missing, false);
        let error = made(spec, None).unwrap_err();
        assert_eq!(error, format!("env_file {missing} does not exist; create it, or mark it as optional"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let base = || spec(&json!({"spec": 1, "name": "a", "exec": ["/bin/a"]}));
        let with = |change: &dyn Fn(&mut ServiceSpec)| {
            let mut spec = base();
            change(&mut spec);
            made(spec, None).unwrap_err()
        };
        let exec = |words: &[&str]| {
            let words: Vec<Template> = words.iter().map(|word| template(word)).collect();
            with(&move |spec| spec.exec = words.clone())
        };
        assert_eq!(
            exec(&["/bin/a", "b", "${TOKEN}"]),
            "exec[2] needs ${TOKEN}, which is set neither in env, env_file nor the daemon's environment"
        );
        assert!(exec(&["${SVCCTL_ROOT}"]).contains("is set neither"), "what is svcctl's own is nobody's");
        assert_eq!(
            exec(&["${MORE}/x"]),
            "exec[0], ${MORE}/x, is a relative path once its placeholders are replaced"
        );
        assert_eq!(
            exec(&["${EMPTY}"]),
            "exec[0], ${EMPTY}, names no program once its placeholders are replaced"
        );
        assert_eq!(
            exec(&["/bin/a", "${file:/no/such}"]),
            "exec[1] needs ${file:/no/such}, which cannot be read: no such file or directory"
        );
        assert_eq!(
            with(&|spec| drop(spec.env.insert("A".into(), template("${file:/dev/zero}")))),
            "env.A needs ${file:/dev/zero}, which cannot be read: it is no regular file"
        );
        assert_eq!(
            with(&|spec| spec.cwd = Some(template("${MORE}"))),
            "cwd is no absolute path once its placeholders are replaced"
        );
    }

    #[test]
    fn a_hook_is_told_about_the_service_and_is_run_as_it_is() {
        let mut spec =
            spec(&json!({"spec": 1, "name": "a", "exec": ["/bin/a"], "user": "svc", "cwd": "/srv"}));
        spec.umask = Some(0o077);
        spec.limits.open_files = Some(Amount::At(9));
        spec.limits.core = Some(Amount::Unlimited);
        let extra = Extra {
            at: "reload.command".to_owned(),
            exec: vec![template("kill"), template("${SVCCTL_PID}")],
            variables: vec![("SVCCTL_PID", "7".to_owned())],
        };
        let image = made(spec, Some(extra)).unwrap();
        assert_eq!(texts(image.argv), ["kill", "7"]);
        assert_eq!(texts(image.env), ["PATH=/bin", "SVCCTL_PID=7"]);
        assert_eq!((image.cwd.as_slice(), image.umask), (&b"/srv"[..], Some(0o077)));
        assert_eq!(image.identity.unwrap().user.as_deref(), Some("svc"));
        let limit = |resource, at| Limit { resource, at };
        assert_eq!(image.limits, [limit(Resource::OpenFiles, Some(9)), limit(Resource::Core, None)]);
    }
}
