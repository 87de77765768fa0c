//! Where svcctl keeps its files: services/, state/, run/ and logs/ of a scope, or below one root.

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;
#[cfg(not(any(windows, target_os = "macos")))]
mod xdg;
#[cfg(not(any(windows, target_os = "macos")))]
use xdg as system;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Whose services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The machine's.
    System,
    /// One user's.
    User,
}

impl Scope {
    /// The machine's for an administrator (root; on Windows always), else the user's.
    pub fn default_by_privilege() -> Self {
        if system::is_privileged() { Self::System } else { Self::User }
    }
}

/// Why there are no paths.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// The environment does not tell where the user's files are.
    #[error("find the user's directories: {0} is not set")]
    NoHome(&'static str),
    /// The working directory, to which a relative root refers, is gone.
    #[error("find the root {}: {source}", path.display())]
    Root {
        /// The root as given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory cannot be made.
    #[error("make the directory {}: {source}{}", path.display(), crate::files::remedy(source))]
    Make {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory that others may enter cannot be made its owner's alone.
    #[error("keep others out of the directory {}: {source}", path.display())]
    Protect {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The directories of one scope or root; all absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Specifications, one file a service.
    pub services: PathBuf,
    /// The store and the spools: what must outlive a boot.
    pub state: PathBuf,
    /// Sockets and locks: what must not.
    pub run: PathBuf,
    /// What services print, and svcctl's own log.
    pub logs: PathBuf,
    /// Whether only their owner may enter them.
    private: bool,
}

impl Paths {
    /// The directories of `scope`, or those below `root` if one is given. Nothing is made; see [`Paths::ensure`].
    ///
    /// # Errors
    /// [`PathsError::NoHome`] or [`PathsError::Root`].
    pub fn resolve(scope: Scope, root: Option<&Path>) -> Result<Self, PathsError> {
        Self::resolve_by(scope, root, &|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn resolve_by(scope: Scope, root: Option<&Path>, variable: &Variable<'_>) -> Result<Self, PathsError> {
        if let Some(root) = root {
            let absolute = std::path::absolute(root);
            let root = absolute.map_err(|source| PathsError::Root { path: root.to_owned(), source })?;
            let [services, state, run, logs] =
                ["services", "state", "run", "logs"].map(|name| root.join(name));
            return Ok(Self { services, state, run, logs, private: scope == Scope::User });
        }
        let [services, state, run, logs] = match scope {
            Scope::System => system::system(variable)?,
            Scope::User => system::user(variable)?,
        };
        Ok(Self { services, state, run, logs, private: scope == Scope::User })
    }

    /// Makes the directories that are not there: services and run for all to enter (the socket checks who asks), state
    /// for the owner alone, logs for owner and group; all four for the owner alone in a user's scope. Those that are
    /// there keep their mode, but for state and what holds locks and output: what others may do there is taken away.
    ///
    /// # Errors
    /// [`PathsError::Make`].
    pub fn ensure(&self) -> Result<(), PathsError> {
        let modes = if self.private { [0o700; 4] } else { [0o755, 0o700, 0o755, 0o750] };
        let directories = [&self.services, &self.state, &self.run, &self.logs];
        for (directory, mode) in directories.into_iter().zip(modes) {
            make(directory, mode)?;
        }
        let below = [(self.engines(), modes[2]), (self.locks(), modes[1]), (self.spool(), modes[1])];
        below.iter().try_for_each(|(directory, mode)| make(directory, *mode))?;
        [&self.state, &self.locks(), &self.spool()]
            .into_iter()
            .try_for_each(|directory| make_private(directory))
    }

    /// The lock that the daemon of this scope holds.
    pub fn daemon_lock(&self) -> PathBuf {
        self.run.join("daemon.lock")
    }

    /// Where the engines' sockets are.
    pub fn engines(&self) -> PathBuf {
        self.run.join("engines")
    }

    /// The socket of one engine: `daemon`, or `run-NAME`.
    pub fn engine_socket(&self, id: &str) -> PathBuf {
        self.engines().join(format!("{id}.sock"))
    }

    /// Where the locks of services are.
    pub fn locks(&self) -> PathBuf {
        self.run.join("locks")
    }

    /// The lock that the engine of a service holds.
    pub fn service_lock(&self, name: &str) -> PathBuf {
        self.locks().join(format!("{name}.lock"))
    }

    /// The store.
    pub fn store(&self) -> PathBuf {
        self.state.join("svcctl.redb")
    }

    /// Where output stands between a pipe and its log.
    pub fn spool(&self) -> PathBuf {
        self.state.join("spool")
    }

    /// Where the logs of a service are.
    pub fn service_logs(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// The settings of the daemon itself: `svcctl.yaml`, beside services/.
    pub fn settings(&self) -> PathBuf {
        self.services.with_file_name("svcctl.yaml")
    }

    /// What happened: the events of all services, the newest part.
    pub fn events(&self) -> PathBuf {
        self.logs.join("events.ndjson")
    }

    /// What svcctl itself has to say.
    pub fn own_log(&self) -> PathBuf {
        self.logs.join("svcctl.log")
    }
}

/// How the environment is asked.
type Variable<'a> = dyn Fn(&'static str) -> Option<OsString> + 'a;

/// The directory that a variable names, if it does so absolutely.
fn named(variable: &Variable<'_>, name: &'static str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn make(directory: &Path, mode: u32) -> Result<(), PathsError> {
    system::make_directory(directory, mode)
        .map_err(|source| PathsError::Make { path: directory.to_owned(), source })
}

fn make_private(directory: &Path) -> Result<(), PathsError> {
    system::make_private(directory)
        .map_err(|source| PathsError::Protect { path: directory.to_owned(), source })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn resolve(scope: Scope, environment: &[(&str, &str)]) -> Result<Paths, PathsError> {
        let variable = |name: &'static str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        Paths::resolve_by(scope, None, &variable)
    }

    #[test]
    fn a_users_directories_follow_the_xdg_specification() {
        let paths = resolve(Scope::User, &[("HOME", "/home/a"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
        assert_eq!(paths.services, Path::new("/home/a/.config/svcctl/services"));
        assert_eq!(paths.store(), Path::new("/home/a/.local/state/svcctl/svcctl.redb"));
        assert_eq!(paths.engine_socket("daemon"), Path::new("/run/user/1/svcctl/engines/daemon.sock"));
        let given = [("HOME", "/home/a"), ("XDG_STATE_HOME", "/s"), ("XDG_CONFIG_HOME", "relative")];
        let paths = resolve(Scope::User, &given).unwrap();
        assert_eq!(paths.services, Path::new("/home/a/.config/svcctl/services"));
        assert_eq!(
            (paths.run.as_path(), paths.logs.as_path()),
            (Path::new("/s/svcctl/run"), Path::new("/s/svcctl/logs"))
        );
        assert!(matches!(resolve(Scope::User, &[]), Err(PathsError::NoHome("HOME"))));
    }

    #[test]
    fn the_system_has_its_usual_places() {
        let paths = resolve(Scope::System, &[]).unwrap();
        assert_eq!(paths.services, Path::new("/etc/svcctl/services"));
        assert_eq!(paths.daemon_lock(), Path::new("/run/svcctl/daemon.lock"));
        assert_eq!(paths.service_logs("web"), Path::new("/var/log/svcctl/web"));
    }

    #[test]
    fn directories_are_made_below_a_root_with_their_modes() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(Scope::System, Some(root.path())).unwrap();
        paths.ensure().unwrap();
        paths.ensure().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            [&paths.services, &paths.state, &paths.run, &paths.logs].map(|path| mode(path)),
            [0o755, 0o700, 0o755, 0o750]
        );
        assert_eq!(mode(&paths.spool()), 0o700);
        for open in [&paths.state, &paths.logs, &paths.services] {
            std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        paths.ensure().unwrap();
        assert_eq!(
            [&paths.state, &paths.logs, &paths.services].map(|path| mode(path)),
            [0o700, 0o755, 0o755]
        );
        let error =
            Paths::resolve(Scope::System, Some(Path::new("/dev/null/x"))).unwrap().ensure().unwrap_err();
        assert!(error.to_string().starts_with("make the directory /dev/null/x/services: "), "{error}");
    }
}
