//! Lints are not silenced without a reason, and systems are told apart in one place.

use crate::tidy::Problem;
use crate::tidy::source::Source;

/// `#[expect(lint, reason = "…")]` instead of `#[allow]`: it is reported once it is not needed any more.
pub(super) fn no_allow(source: &Source) -> Vec<Problem> {
    let attributes = source.tokens.attributes.iter();
    let found = attributes
        .filter(|attribute| attribute.text.starts_with("allow(") || attribute.text.contains(",allow("));
    found
        .map(|attribute| source.problem(attribute.line, "allow: use expect with a reason, or mend it"))
        .collect()
}

/// Outside svcctl-os, the system is asked for only in a `mod.rs` or `lib.rs`, and only to choose a module. A test may
/// say for which system it is.
pub(super) fn systems_are_told_apart_in_one_place(source: &Source) -> Vec<Problem> {
    if source.product_crate().is_none_or(|name| name == "svcctl-os") {
        return Vec::new();
    }
    let chooser = matches!(source.base_name(), "mod.rs" | "lib.rs");
    let asking = source.tokens.attributes.iter().filter(|attribute| asks_for_the_system(&attribute.text));
    let outside_tests = asking.filter(|attribute| !source.is_test(attribute.line));
    let misplaced =
        outside_tests.filter(|attribute| !chooser || !matches!(attribute.item.as_str(), "mod" | "use"));
    misplaced.map(|attribute| source.problem(attribute.line, "only svcctl-os tells systems apart")).collect()
}

fn asks_for_the_system(text: &str) -> bool {
    const WORDS: [&str; 5] = ["unix", "windows", "target_os", "target_family", "target_env"];
    let text = text.strip_prefix("cfg").filter(|rest| rest.starts_with('(') || rest.starts_with("_attr("));
    let words =
        text.unwrap_or_default().split(|character: char| !(character.is_alphanumeric() || character == '_'));
    words.into_iter().any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn allow_is_found() {
        assert_eq!(problems(no_allow, "a.rs", "#[expect(dead_code, reason = \"used by b\")]\nfn a() {}"), 0);
        assert_eq!(problems(no_allow, "a.rs", "#[allow(dead_code)]\nfn a() {}"), 1);
        assert_eq!(problems(no_allow, "a.rs", "#![allow(dead_code)]"), 1);
        assert_eq!(problems(no_allow, "a.rs", "#[cfg_attr(test, allow(dead_code))]\nfn a() {}"), 1);
        assert_eq!(problems(no_allow, "a.rs", "m! { #[allow(dead_code)] fn a() {} }"), 1);
    }

    #[test]
    fn systems_are_asked_for_in_their_place() {
        let rule = systems_are_told_apart_in_one_place;
        let choice = "#[cfg(target_os = \"linux\")]\npub(crate) mod linux;\n#[cfg(not(unix))]\nuse a::b;";
        assert_eq!(problems(rule, "crates/svckit/src/ipc/mod.rs", choice), 0);
        assert_eq!(problems(rule, "crates/svckit/src/ipc/client.rs", choice), 2);
        assert_eq!(problems(rule, "crates/svckit/src/lib.rs", "#[cfg(windows)]\nfn a() {}"), 1);
        assert_eq!(problems(rule, "crates/svckit/src/a.rs", "fn a() { if cfg!(unix) { b(); } }"), 1);
        assert_eq!(problems(rule, "crates/svckit/src/a.rs", "#[cfg(test)]\nmod tests {}"), 0);
        assert_eq!(problems(rule, "crates/svckit/src/a.rs", "#[cfg(feature = \"tokio\")]\nfn unix() {}"), 0);
        assert_eq!(problems(rule, "crates/svckit/tests/a.rs", "#![cfg(unix)]"), 0);
        assert_eq!(problems(rule, "crates/svcctl-os/src/a.rs", "#[cfg(windows)]\nfn a() {}"), 0);
    }
}
