//! A file says what it is for; functions are short.

use crate::tidy::Problem;
use crate::tidy::source::Source;

/// The longest function, in lines from its signature to its closing brace.
const FUNCTION_MAX_LINES: usize = 70;

/// The first line of a file says its purpose.
pub(super) fn begins_with_purpose(source: &Source) -> Vec<Problem> {
    let good = source.lines.first().is_some_and(|line| line.starts_with("//! "));
    if good { Vec::new() } else { vec![source.problem(1, "does not begin with its purpose, as `//! …`")] }
}

/// No function is too long, tests included.
pub(super) fn short_functions(source: &Source) -> Vec<Problem> {
    let functions = source.tokens.functions.iter();
    let measured = functions.map(|function| (function, function.lines.clone().count()));
    let long = measured.filter(|(_, length)| *length > FUNCTION_MAX_LINES);
    long.map(|(function, length)| {
        let what = format!("fn {} has {length} lines; {FUNCTION_MAX_LINES} is the most", function.name);
        source.problem(*function.lines.start(), what)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    #[test]
    fn a_file_begins_with_its_purpose() {
        assert_eq!(problems(begins_with_purpose, "a.rs", "//! What it is.\nfn a() {}"), 0);
        assert_eq!(problems(begins_with_purpose, "a.rs", "use a;\n//! late"), 1);
        assert_eq!(problems(begins_with_purpose, "a.rs", "// What it is.\n"), 1);
        assert_eq!(problems(begins_with_purpose, "a.rs", ""), 1);
    }

    fn function_of(lines: usize) -> String {
        format!(
            "/// Documentation is not counted.\nfn a<const N: usize>()\n{{\n{}}}",
            "b();\n".repeat(lines - 3)
        )
    }

    #[test]
    fn long_functions_are_found_in_every_place() {
        assert_eq!(problems(short_functions, "a.rs", &function_of(FUNCTION_MAX_LINES)), 0);
        let long = function_of(FUNCTION_MAX_LINES + 1);
        assert_eq!(problems(short_functions, "a.rs", &long), 1);
        assert_eq!(problems(short_functions, "a.rs", &format!("impl A {{ mod b {{ {long} }} }}")), 1);
        assert_eq!(problems(short_functions, "a.rs", &format!("m! {{ {long} }}")), 1);
    }

    #[test]
    fn a_function_without_body_does_not_take_the_next_one() {
        let text = format!("trait A {{ fn a(&self);\n{} }}", "fn b();\n".repeat(FUNCTION_MAX_LINES + 1));
        assert_eq!(problems(short_functions, "a.rs", &text), 0);
    }
}
