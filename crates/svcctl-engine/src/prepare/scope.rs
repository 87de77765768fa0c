//! What placeholders stand for.
//!
//! A variable is looked up where the program itself would see it, then where the daemon does: what the run brings along
//! (for hooks), `env`, `env_file` (a later entry before an earlier one), the daemon's environment. Values of `env` see
//! `env_file` and the daemon's environment, paths of `env_file` what was read before them and the daemon's environment.
//! What is svcctl's own (`SVCCTL_…`) is not seen, nor is what belongs to the daemon's user when a service has its own.

use super::read;
use std::collections::BTreeMap;
use std::path::Path;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::template::{Placeholder, Template};

/// What belongs to the daemon's user, and so not to a program of another: the exec helper sets those of its own user.
pub(crate) const OF_THE_USER: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];
/// What is svcctl's own and never a program's, whatever is inherited.
pub(crate) const OWN_PREFIX: &str = "SVCCTL_";

/// The daemon's own environment.
pub(crate) type Environment = Vec<(Vec<u8>, Vec<u8>)>;

/// Where variables are looked up.
pub(super) struct Scope<'a> {
    pub(super) spec: &'a ServiceSpec,
    /// What counts before the daemon's environment; the first that has a variable counts.
    pub(super) layers: Vec<&'a BTreeMap<String, String>>,
    /// How these are called in messages: `env, env_file`.
    pub(super) called: &'static str,
    pub(super) daemon: &'a Environment,
}

enum Found<'a> {
    Value(&'a str),
    NotText,
    Nowhere,
}

impl Scope<'_> {
    /// What the template at the place `at` of the specification means.
    ///
    /// # Errors
    /// A sentence fragment that names the place and what is missing; never a value.
    pub(super) fn expand(&self, at: &str, template: &Template) -> Result<String, String> {
        template.expand(|placeholder| match placeholder {
            Placeholder::File(path) => read::secret(at, path),
            Placeholder::Variable { name, default } => match (self.find(name), default) {
                (Found::Value("") | Found::Nowhere, Some(default)) => Ok((*default).to_owned()),
                (Found::Value(value), _) => Ok(value.to_owned()),
                (Found::NotText, _) => {
                    Err(format!("{at} needs ${{{name}}}, which is not UTF-8 in the daemon's environment"))
                }
                (Found::Nowhere, None) => Err(format!(
                    "{at} needs ${{{name}}}, which is set neither in {} nor the daemon's environment{}",
                    self.called,
                    if self.is_the_users(name) { " (that of its own user does not count)" } else { "" },
                )),
            },
        })
    }

    fn find(&self, name: &str) -> Found<'_> {
        if let Some(value) = self.layers.iter().find_map(|layer| layer.get(name)) {
            return Found::Value(value);
        }
        if name.starts_with(OWN_PREFIX) || self.is_the_users(name) {
            return Found::Nowhere;
        }
        let entry = self.daemon.iter().find(|(key, _)| key == name.as_bytes());
        match entry.map(|(_, value)| std::str::from_utf8(value)) {
            Some(Ok(value)) => Found::Value(value),
            Some(Err(_)) => Found::NotText,
            None => Found::Nowhere,
        }
    }

    fn is_the_users(&self, name: &str) -> bool {
        self.spec.user.is_some() && OF_THE_USER.contains(&name)
    }
}

/// The variables that the specification itself sets: those of `env_file`, and over them those of `env`.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(super) files: BTreeMap<String, String>,
    pub(super) env: BTreeMap<String, String>,
}

impl Variables {
    /// Reads and expands them.
    ///
    /// # Errors
    /// A sentence fragment for people.
    pub(super) fn of(spec: &ServiceSpec, daemon: &Environment) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for (index, file) in spec.env_file.iter().enumerate() {
            let scope = Scope { spec, layers: vec![&files], called: "an earlier env_file", daemon };
            let path = scope.expand(&format!("env_file[{index}]"), &file.path)?;
            if !Path::new(&path).is_absolute() {
                return Err(format!(
                    "env_file[{index}] must be an absolute path once its placeholders are replaced"
                ));
            }
            files.extend(read::variables(&path, file.optional)?);
        }
        let mut env = BTreeMap::new();
        let scope = Scope { spec, layers: vec![&files], called: "env_file", daemon };
        for (name, template) in &spec.env {
            let value = scope.expand(&format!("env.{name}"), template)?;
            env.insert(name.clone(), value);
        }
        Ok(Self { files, env })
    }
}

/// Whether a file must be read to know what this means.
pub(super) fn names_a_file(template: &Template) -> bool {
    template.placeholders().any(|placeholder| matches!(placeholder, Placeholder::File(_)))
}

/// Whether anything is to be replaced in this.
pub(super) fn has_placeholders(template: &Template) -> bool {
    template.placeholders().next().is_some()
}
