//! The specifications as files: `services/NAME.yaml`, one a service, written whole or not at all.

use super::StoreError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::{self, ServiceSpec};
use svcctl_core::supervisor::action::Persist;
use svckit::config;

/// The ending of a specification's file.
const ENDING: &str = "yaml";

/// The ending of a file that is being written; one that is found was left by a kill and means nothing.
const UNFINISHED: &str = "yaml.new";

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::File { path: path.to_owned(), source }
}

fn path_of(directory: &Path, name: &ServiceName) -> PathBuf {
    directory.join(format!("{name}.{ENDING}"))
}

/// The text of a specification's file.
fn text_of(spec: &ServiceSpec) -> io::Result<String> {
    config::render(&spec.to_document()).map_err(io::Error::other)
}

/// Writes the file of every specification in `batch`, so that they outlive a power loss.
pub(super) fn write_all(directory: &Path, batch: &[Persist]) -> Result<(), StoreError> {
    let mut written = false;
    for persist in batch {
        if let Persist::Service { spec, .. } = persist {
            write(directory, spec)?;
            written = true;
        }
    }
    if written { sync(directory) } else { Ok(()) }
}

fn write(directory: &Path, spec: &ServiceSpec) -> Result<(), StoreError> {
    let path = path_of(directory, &spec.name);
    text_of(spec)
        .and_then(|text| svcctl_os::files::replace(&path, UNFINISHED, text.as_bytes()))
        .map_err(file_error(&path))
}

fn sync(directory: &Path) -> Result<(), StoreError> {
    svcctl_os::files::sync_directory(directory).map_err(file_error(directory))
}

/// Removes the file of every service that `batch` forgets; one that is gone already is as good.
pub(super) fn remove_all(directory: &Path, batch: &[Persist]) -> Result<(), StoreError> {
    for persist in batch {
        if let Persist::Forget(name) = persist {
            let path = path_of(directory, name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(file_error(&path)(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// A specification's file, and what it says or why it cannot be taken.
pub(super) type Found = (PathBuf, Result<ServiceSpec, String>);

/// Every specification that stands as a file; ordered by path.
pub(super) fn read_all(directory: &Path) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(file_error(directory))? {
        let path = entry.map_err(file_error(directory))?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            let spec = read(&path);
            found.push((path, spec));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn read(path: &Path) -> Result<ServiceSpec, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let document = config::parse(&text).map_err(|error| error.to_string())?;
    spec::decode(&document).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        problems.join("; ")
    })
}

/// Whether the file of `name` means something else than `spec`; a missing or unreadable file does.
pub(super) fn differs(directory: &Path, name: &ServiceName, spec: &ServiceSpec) -> bool {
    let path = path_of(directory, name);
    let same_text =
        fs::read_to_string(&path).is_ok_and(|text| text_of(spec).is_ok_and(|accepted| accepted == text));
    !same_text && read(&path).as_ref() != Ok(spec)
}
