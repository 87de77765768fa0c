//! Who asks, where everything is kept, and whether it can be.

use super::check::Check;
use crate::context::Context;
use std::io;
use std::path::Path;
use svcctl_os::inspect::{self, Directory};
use svcctl_os::paths::Scope;
use svcctl_os::users::effective_uid;

/// The longest path that fits a socket's address; a longer one is reached through `/proc`.
const SOCKET_PATH_MAX_BYTES: usize = 107;
/// Others may write.
const WORLD_WRITABLE: u32 = 0o002;
/// A directory in which everybody may make files, but nobody remove those of others.
const STICKY: u32 = 0o1000;
/// Anybody but the owner may do anything.
const NOT_PRIVATE: u32 = 0o077;

pub(super) fn check(context: &Context) -> Vec<Check> {
    let paths = &context.paths;
    let me = effective_uid();
    let mut checks = vec![who(context.scope, me)];
    for (id, path) in [
        ("rights.services", &paths.services),
        ("rights.state", &paths.state),
        ("rights.run", &paths.run),
        ("rights.logs", &paths.logs),
    ] {
        checks.push(directory(id, path, inspect::directory(path), me));
    }
    checks.push(socket(&paths.engine_socket(crate::context::DAEMON), Path::new("/proc/self/fd").exists()));
    checks
}

fn who(scope: Scope, me: u32) -> Check {
    let scope = match scope {
        Scope::System => "the system's services",
        Scope::User => "your own services",
    };
    Check::ok("rights.user", format!("user {me}, {scope}"))
}

fn directory(id: &'static str, path: &Path, found: io::Result<Directory>, me: u32) -> Check {
    let shown = path.display();
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return missing(id, path),
        Err(error) => {
            return Check::problem(
                id,
                format!("{shown}: {error}"),
                "repair it, or give another place with --root",
            );
        }
    };
    if found.mode & WORLD_WRITABLE != 0 && found.mode & STICKY == 0 {
        let text = format!("{shown} can be written by every user (mode {:o})", found.mode);
        return Check::problem(id, text, format!("chmod o-w {shown}"));
    }
    if !found.writable && !found.read_only {
        let text = format!("{shown} belongs to user {} and you, user {me}, may not write there", found.owner);
        return Check::problem(id, text, "try it as that user, such as root, or with --scope user");
    }
    if id == "rights.state" && found.mode & NOT_PRIVATE != 0 {
        let text = format!("{shown} can be entered by others (mode {:o})", found.mode);
        return Check::warning(id, text, format!("chmod 700 {shown}"));
    }
    if found.owner != me && me != 0 {
        let text = format!("{shown} belongs to user {}, and you are user {me}", found.owner);
        return Check::warning(id, text, "use one user for all of svcctl's commands");
    }
    Check::ok(id, format!("{shown}, mode {:o}", found.mode))
}

/// A directory that is not there is made when it is needed, if it can be.
fn missing(id: &'static str, path: &Path) -> Check {
    let above = above(path);
    match inspect::directory(above) {
        Ok(found) if found.writable || found.read_only => {
            Check::ok(id, format!("{} is not there yet; the first service makes it", path.display()))
        }
        Ok(_) => Check::problem(
            id,
            format!("{} is not there, and you may not make it in {}", path.display(), above.display()),
            "try it as root, or with --scope user, or with another --root",
        ),
        Err(error) => Check::problem(
            id,
            format!("{} cannot be made: {}: {error}", path.display(), above.display()),
            "give another place with --root",
        ),
    }
}

/// The nearest directory above that is there.
pub(super) fn above(path: &Path) -> &Path {
    path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"))
}

fn socket(path: &Path, proc: bool) -> Check {
    const ID: &str = "paths.socket";
    let length = path.as_os_str().len();
    if length <= SOCKET_PATH_MAX_BYTES {
        Check::ok(ID, path.display().to_string())
    } else if proc {
        Check::ok(ID, format!("{} is long ({length} bytes), and reached through /proc", path.display()))
    } else {
        let text = format!(
            "{} has {length} bytes, {SOCKET_PATH_MAX_BYTES} fit a socket's address, and /proc is not there",
            path.display()
        );
        Check::problem(ID, text, "give a shorter place with --root, or mount /proc")
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    fn sound() -> Directory {
        Directory {
            owner: 7,
            mode: 0o700,
            writable: true,
            read_only: false,
            bytes_free: 1,
            bytes_total: 1,
            inodes_free: 1,
            inodes_total: 1,
        }
    }

    #[test]
    fn what_others_may_do_is_judged() {
        let judge = |id, found: Directory, me| directory(id, Path::new("/s"), Ok(found), me).verdict;
        assert_eq!(judge("rights.state", sound(), 7), Verdict::Ok);
        assert_eq!(judge("rights.state", Directory { mode: 0o755, ..sound() }, 7), Verdict::Warning);
        assert_eq!(judge("rights.services", Directory { mode: 0o755, ..sound() }, 7), Verdict::Ok);
        assert_eq!(judge("rights.run", Directory { mode: 0o777, ..sound() }, 7), Verdict::Problem);
        assert_eq!(judge("rights.run", Directory { writable: false, ..sound() }, 8), Verdict::Problem);
        assert_eq!(judge("rights.run", sound(), 0), Verdict::Ok);
        assert_eq!(judge("rights.run", sound(), 8), Verdict::Warning);
    }

    #[test]
    fn what_is_not_there_can_be_made_or_not() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &Path| directory("rights.run", path, inspect::directory(path), effective_uid());
        assert_eq!(at(&root.path().join("a/b")).verdict, Verdict::Ok);
        std::fs::write(root.path().join("file"), "").unwrap();
        assert_eq!(at(&root.path().join("file/b")).verdict, Verdict::Problem);
    }

    #[test]
    fn a_long_socket_needs_proc() {
        let long = Path::new("/").join("d".repeat(120));
        assert_eq!(socket(&long, true).verdict, Verdict::Ok);
        assert_eq!(socket(&long, false).verdict, Verdict::Problem);
    }
}
