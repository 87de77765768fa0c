//! Programs that are there, that are not, and that are something else.

use super::{ProgramError, resolve, resolve_directory};
use std::ffi::OsStr;
use std::path::Path;

#[test]
fn a_bare_name_is_looked_up_and_made_absolute() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::join_paths([folder.path(), Path::new("/bin")]).unwrap();
    assert_eq!(resolve("sh", Some(&path)).unwrap(), "/bin/sh");
    let nobody = resolve("no-such-program", Some(&path)).unwrap_err();
    assert_eq!(nobody.to_string(), "cannot find `no-such-program` in PATH; give its full path");
    assert!(resolve("sh", None).is_err());
    // A file of that name that cannot be run is passed over, as a shell does.
    std::fs::write(folder.path().join("sh"), "").unwrap();
    assert_eq!(resolve("sh", Some(&path)).unwrap(), "/bin/sh");
}

#[test]
fn a_relative_path_is_resolved_against_the_current_directory() {
    let here = std::env::current_dir().unwrap();
    let missing = resolve("./no/such/file", None).unwrap_err();
    assert_eq!(missing, ProgramError::NoFile(here.join("no/such/file")));
}

#[test]
fn what_cannot_be_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "").unwrap();
    let refused = |path: &Path| resolve(path.to_str().unwrap(), Some(OsStr::new("/bin"))).unwrap_err();
    assert_eq!(refused(&file), ProgramError::NotExecutable(file.clone()));
    assert_eq!(refused(folder.path()), ProgramError::NotAFile(folder.path().to_owned()));
    assert_eq!(resolve("", None), Err(ProgramError::Empty));
}

#[test]
fn a_directory_must_be_one() {
    assert_eq!(resolve_directory(Path::new("/bin/.")).unwrap(), "/bin");
    assert!(
        resolve_directory(Path::new("/bin/sh")).unwrap_err().to_string().ends_with("it is not a directory")
    );
}

#[cfg(unix)]
#[test]
fn a_mistyped_program_has_its_neighbour_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [("server", 0o755), ("serves", 0o644)] {
        std::fs::write(folder.path().join(name), "").unwrap();
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join(name), mode).unwrap();
    }
    let said =
        |name: &str| resolve(folder.path().join(name).to_str().unwrap(), None).unwrap_err().to_string();
    let (there, path) = (folder.path().join("server"), folder.path().display());
    let meant = format!("; did you mean {}?", there.display());
    assert_eq!(said("serve"), format!("there is no file {path}/serve{meant}"));
    assert_eq!(said("ser"), format!("there is no file {path}/ser{meant}"));
    assert_eq!(said("client"), format!("there is no file {path}/client"));
}
