//! The rules about Rust code, each a function from a file to its problems.

mod attributes;
mod imports;
mod panics;
mod shape;
mod unsafe_code;

use super::Problem;
use super::source::Source;

const RULES: &[fn(&Source) -> Vec<Problem>] = &[
    shape::begins_with_purpose,
    shape::short_functions,
    unsafe_code::only_in_os,
    unsafe_code::forbidden_elsewhere,
    panics::no_unwrap,
    panics::expect_proves,
    attributes::no_allow,
    attributes::systems_are_told_apart_in_one_place,
    imports::core_decides_only,
    imports::one_process_machine,
    imports::exit_only_in_main,
    imports::no_waiting_by_sleep,
];

/// All problems of one file.
pub(super) fn check(source: &Source) -> Vec<Problem> {
    RULES.iter().flat_map(|rule| rule(source)).collect()
}

#[cfg(test)]
fn problems(rule: fn(&Source) -> Vec<Problem>, file: &str, text: &str) -> usize {
    let Ok(source) = Source::parse(file, text) else { panic!("{text:?} is not Rust") };
    rule(&source).len()
}
