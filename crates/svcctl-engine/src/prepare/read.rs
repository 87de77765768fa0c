//! Reading the files that a specification names: secrets and files of variables. Runs on threads that may hang.

use super::env_file;
use crate::logs::reason;
use std::path::Path;
use svcctl_os::files::{ReadError, read_regular};

/// The most that `${file:PATH}` may stand for.
const SECRET_MAX_BYTES: usize = 64 * 1024;
/// The longest file of variables.
const ENV_FILE_MAX_BYTES: usize = 1024 * 1024;

/// What `${file:PATH}` stands for: the text of the file, without its last line's end.
///
/// # Errors
/// A sentence fragment that names the file, and never what is in it.
pub(super) fn secret(at: &str, path: &str) -> Result<String, String> {
    let refused = |why: &str| format!("{at} needs ${{file:{path}}}, which cannot be read: {why}");
    let bytes = read_regular(Path::new(path), SECRET_MAX_BYTES).map_err(|error| refused(&why(&error)))?;
    let mut text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
    if text.contains('\0') {
        return Err(refused("it has a NUL byte in it"));
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// The variables in a file, in order; none if it may be missing and is.
///
/// # Errors
/// A sentence fragment that names the file and what to do.
pub(super) fn variables(path: &str, optional: bool) -> Result<Vec<(String, String)>, String> {
    let bytes = match read_regular(Path::new(path), ENV_FILE_MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(ReadError::System(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return if optional {
                Ok(Vec::new())
            } else {
                Err(format!("env_file {path} does not exist; create it, or mark it as optional"))
            };
        }
        Err(ReadError::System(error)) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(format!(
                "env_file {path} may not be read by the daemon (uid {}); give that user the right to read it",
                svcctl_os::users::effective_uid()
            ));
        }
        Err(error) => return Err(format!("env_file {path} cannot be read: {}", why(&error))),
    };
    let text = String::from_utf8(bytes).map_err(|_| format!("env_file {path} is not UTF-8"))?;
    env_file::parse(&text).map_err(|error| format!("env_file {path}: {error}"))
}

fn why(error: &ReadError) -> String {
    match error {
        ReadError::System(error) => reason(error),
        ReadError::NotRegular | ReadError::TooLong(_) => error.to_string(),
    }
}
