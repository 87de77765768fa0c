//! Unsafe code stands in svcctl-os alone, each piece with the reason why it is sound.

use crate::tidy::Problem;
use crate::tidy::source::Source;

/// The one crate that may have it.
const UNSAFE_CRATE: &str = "svcctl-os";

/// How many lines of the same statement may stand between the comment and the word.
const CODE_BETWEEN: usize = 4;

/// `unsafe` stands only in svcctl-os, below a comment with `SAFETY` (or, for what a caller must hold, `# Safety`).
/// Clippy's `undocumented_unsafe_blocks` looks closer; here is said who may.
pub(super) fn only_in_os(source: &Source) -> Vec<Problem> {
    let uses = source.tokens.paths.iter().filter(|found| found.path == "unsafe").map(|found| found.line);
    uses.filter_map(|line| {
        if source.product_crate() != Some(UNSAFE_CRATE) {
            return Some(source.problem(line, format!("unsafe code stands only in {UNSAFE_CRATE}")));
        }
        let comment = source.comment_above(line, CODE_BETWEEN);
        let reasoned = comment.contains("SAFETY") || comment.contains("# Safety");
        (!reasoned).then(|| source.problem(line, "unsafe without a SAFETY comment"))
    })
    .collect()
}

/// The root of every other crate forbids it.
pub(super) fn forbidden_elsewhere(source: &Source) -> Vec<Problem> {
    if !is_root(&source.file) || source.product_crate() == Some(UNSAFE_CRATE) {
        return Vec::new();
    }
    let forbids = source.tokens.attributes.iter().any(|attribute| attribute.text == "forbid(unsafe_code)");
    if forbids {
        Vec::new()
    } else {
        vec![source.problem(1, "this crate's root lacks #![forbid(unsafe_code)]")]
    }
}

fn is_root(file: &str) -> bool {
    let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
    let directory = directory.rsplit('/').next().unwrap_or_default();
    matches!((directory, name), ("src", "lib.rs" | "main.rs") | ("bin" | "cases", _))
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    const OS: &str = "crates/svcctl-os/src/linux/spawn.rs";

    #[test]
    fn unsafe_code_needs_its_place_and_its_reason() {
        let good = "fn a() {\n    // SAFETY: the pointer is ours.\n    let b =\n        unsafe { c() };\n}";
        assert_eq!(problems(only_in_os, OS, good), 0);
        assert_eq!(problems(only_in_os, "crates/svckit/src/a.rs", good), 1);
        assert_eq!(problems(only_in_os, OS, "fn a() { unsafe { c() } }"), 1);
        assert_eq!(problems(only_in_os, OS, "/// # Safety\n/// `b` is open.\nunsafe fn a(b: i32) {}"), 0);
        assert_eq!(problems(only_in_os, OS, "m!(unsafe { c() });"), 1);
        assert_eq!(
            problems(only_in_os, "crates/svckit/src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";"),
            0
        );
    }

    #[test]
    fn roots_forbid_it() {
        let (good, bad) = ("//! A.\n#![forbid(unsafe_code)]\n", "//! A.\n#![deny(unsafe_code)]\n");
        for root in
            ["crates/svckit/src/lib.rs", "xtask/src/main.rs", "tests/src/bin/fixture.rs", "tests/cases/a.rs"]
        {
            assert_eq!(problems(forbidden_elsewhere, root, good), 0);
            assert_eq!(problems(forbidden_elsewhere, root, bad), 1);
        }
        assert_eq!(problems(forbidden_elsewhere, "crates/svcctl-os/src/lib.rs", bad), 0);
        assert_eq!(problems(forbidden_elsewhere, "crates/svckit/src/config/lib_a.rs", bad), 0);
    }
}
