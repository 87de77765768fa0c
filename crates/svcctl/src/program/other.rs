//! Programs on Windows: files, known by their extension.

use std::fs::Metadata;

/// Whether it is looked up in `PATH`.
pub(super) fn is_bare(program: &str) -> bool {
    !program.contains(['/', '\\', ':'])
}

/// Whether it may be executed: there is no such permission that is worth asking for.
pub(super) fn is_executable(_metadata: &Metadata) -> bool {
    true
}

/// The files that a name may mean.
pub(super) fn file_names(name: &str) -> [String; 2] {
    [name.to_owned(), format!("{name}.exe")]
}
