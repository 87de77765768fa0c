//! From a specification to what the keeper makes a process from.

use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::InheritEnv;
use svcctl_keeper::protocol::{Identity, Image};

/// What a program sees of the daemon's environment without asking for more.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TZ"];
/// What belongs to the daemon's user, and so not to a program of another: the exec helper sets those of its own user.
const OF_THE_USER: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];
/// The search path where the daemon has none.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is svcctl's own and never a program's, whatever is inherited.
const OWN_PREFIX: &str = "SVCCTL_";

/// The image of a service's process, with `environment` as the daemon's own.
pub(crate) fn of(spec: &ServiceSpec, environment: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Image {
    let identity = (spec.user.is_some() || spec.group.is_some() || spec.groups.is_some()).then(|| Identity {
        user: spec.user.clone(),
        group: spec.group.clone(),
        groups: spec.groups.clone(),
    });
    let set = |name: &[u8]| spec.env.keys().any(|key| key.as_bytes() == name);
    let mut env: Vec<Vec<u8>> = Vec::new();
    let mut has_path = set(b"PATH");
    for (name, value) in environment {
        if inherits(spec, &name) && !set(&name) {
            has_path |= name == b"PATH";
            env.push(assignment(&name, &value));
        }
    }
    if !has_path {
        env.push(assignment(b"PATH", PATH_DEFAULT.as_bytes()));
    }
    env.extend(spec.env.iter().map(|(name, value)| assignment(name.as_bytes(), value.as_bytes())));
    Image {
        argv: spec.exec.iter().map(|word| word.clone().into_bytes()).collect(),
        env,
        cwd: spec.cwd.clone().unwrap_or_else(|| "/".to_owned()).into_bytes(),
        identity,
    }
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
    use serde_json::json;

    fn environment() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        [("PATH", "/bin"), ("HOME", "/root"), ("SECRET", "x"), ("SVCCTL_ROOT", "/r"), ("MORE", "m")]
            .into_iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
    }

    fn env_of(document: &serde_json::Value) -> Vec<String> {
        let spec = svcctl_core::spec::decode(document).unwrap();
        let mut env: Vec<String> =
            of(&spec, environment()).env.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        env.sort();
        env
    }

    #[test]
    fn a_program_sees_the_usual_few_and_what_is_set() {
        let document = json!({"spec": 1, "name": "a", "exec": ["/bin/a"], "env": {"A": "1", "HOME": "/h"}});
        assert_eq!(env_of(&document), ["A=1", "HOME=/h", "PATH=/bin"]);
    }

    #[test]
    fn another_user_does_not_get_the_home_of_the_daemons() {
        let document =
            json!({"spec": 1, "name": "a", "exec": ["/bin/a"], "user": "svc", "inherit_env": ["MORE"]});
        assert_eq!(env_of(&document), ["MORE=m", "PATH=/bin"]);
    }
}
