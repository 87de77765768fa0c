//! What is wrong with specifications in files: shown with their lines, or as a list for programs.

use crate::output::Style;
use serde::Serialize;
use std::collections::BTreeMap;
use svckit::config::{self, Located, render_problems};
use svckit::control::types::PlacedProblem;

/// How wide problems are shown where nobody says how wide the terminal is.
const COLUMNS: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It is not taken.
    Error,
    /// It is taken, and will hardly work here.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FileProblem {
    /// The file, as it was named.
    pub(crate) file: String,
    /// From 1; 0 where the file as a whole is meant.
    pub(crate) line: u64,
    /// From 1, in characters; 0 where the file as a whole is meant.
    pub(crate) column: u64,
    /// How many characters are meant.
    pub(crate) length: u64,
    /// Keys and indexes from the root, such as `exec[0]`; empty for the whole.
    pub(crate) path: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
    /// How bad it is.
    pub(crate) severity: Severity,
}

impl FileProblem {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(file: &str, message: &str) -> Self {
        Self::located(file, Located { line: 0, column: 0, length: 0, message: message.to_owned() })
    }

    /// A problem of the text.
    pub(crate) fn located(file: &str, located: Located) -> Self {
        let Located { line, column, length, message } = located;
        let (file, path) = (file.to_owned(), String::new());
        Self { file, line, column, length, path, message, severity: Severity::Error }
    }

    /// As an engine tells it of a file in services/.
    pub(crate) fn of_engine(file: &str, problem: &PlacedProblem) -> Self {
        let PlacedProblem { line, column, length, path, message } = problem.clone();
        Self { file: file.to_owned(), line, column, length, path, message, severity: Severity::Error }
    }

    fn sentence(&self) -> String {
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        let warning = match self.severity {
            Severity::Warning => "warning: ",
            Severity::Error => "",
        };
        format!("{warning}{path}{}", self.message)
    }
}

/// All that is wrong with the files of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrong {
    /// In the order of their files and lines.
    pub(crate) problems: Vec<FileProblem>,
    /// The texts of the files, by their names.
    pub(crate) texts: BTreeMap<String, String>,
}

impl Wrong {
    /// One sentence for all.
    pub(crate) fn message(&self) -> String {
        match self.problems.as_slice() {
            [one] => {
                let place = if one.line > 0 { format!(", line {}", one.line) } else { String::new() };
                format!("the specification is wrong: {}{place}: {}", one.file, one.sentence())
            }
            several => {
                let mut files: Vec<&str> = several.iter().map(|one| one.file.as_str()).collect();
                files.dedup();
                let whose = match files.as_slice() {
                    [file] => format!("the specification {file} is"),
                    files => format!("{} files are", files.len()),
                };
                format!("{whose} wrong in {} places", several.len())
            }
        }
    }

    /// Every problem with its line and a mark below it.
    pub(crate) fn render(&self, style: Style) -> String {
        let width =
            svcctl_os::foreground::terminal_size().map_or(COLUMNS, |(columns, _)| usize::from(columns));
        let style = config::Style { colour: style == Style::Coloured, width };
        let mut files: Vec<&str> = Vec::new();
        for problem in &self.problems {
            if !files.contains(&problem.file.as_str()) {
                files.push(&problem.file);
            }
        }
        let blocks = files.into_iter().map(|file| {
            let located: Vec<Located> = self
                .problems
                .iter()
                .filter(|problem| problem.file == file)
                .map(|one| Located {
                    line: one.line,
                    column: one.column,
                    length: one.length,
                    message: one.sentence(),
                })
                .collect();
            let text = self.texts.get(file).map_or("", String::as_str);
            render_problems(file, text, &located, style)
        });
        blocks.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_schema_is_published() {
        crate::output::published::is_current::<Vec<FileProblem>>("problems");
    }

    #[test]
    fn problems_are_shown_with_their_lines() {
        let text = "spec: 1\nnaem: web\n";
        let located =
            Located { line: 2, column: 1, length: 4, message: "unknown key; did you mean name?".to_owned() };
        let mut wrong =
            Wrong { problems: vec![FileProblem::located("web.yaml", located)], ..Wrong::default() };
        wrong.texts.insert("web.yaml".to_owned(), text.to_owned());
        let shown = wrong.render(Style::Plain);
        assert!(
            shown.contains("web.yaml:2:1") && shown.contains("naem: web") && shown.contains("^^^^"),
            "{shown}"
        );
        assert_eq!(
            wrong.message(),
            "the specification is wrong: web.yaml, line 2: unknown key; did you mean name?"
        );
    }
}
