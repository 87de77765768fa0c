//! What is wrong with a text, shown at its place in the manner of rustc.

use super::lines::Lines;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// How many problems are shown of one text; who has more of them has another problem.
const PROBLEMS_SHOWN_MAX: usize = 100;

/// A problem at its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The line, from 1; 0 where the text as a whole is meant.
    pub line: u64,
    /// The character in the line, from 1.
    pub column: u64,
    /// How many characters of the line are concerned.
    pub length: u64,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl Located {
    /// The problem `message` at `place`.
    pub fn new(place: &super::Place, message: impl Into<String>) -> Self {
        let super::Place { line, column, len_chars, .. } = *place;
        Self { line, column, length: len_chars, message: message.into() }
    }

    /// The problem together with the name of its file.
    pub fn in_file(self, file: impl Into<String>) -> InFile {
        InFile { file: file.into(), problem: self }
    }
}

/// A problem and the file where it is, for programs: one object with `file`, `line`, `column`, `length`, `message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFile {
    /// The file's name, as users know it.
    pub file: String,
    /// The problem.
    #[serde(flatten)]
    pub problem: Located,
}

/// How problems are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With the colours of a terminal (ANSI).
    pub colour: bool,
    /// How many columns there are; longer lines are cut around what they are shown for.
    pub width: usize,
}

impl Style {
    /// As for a file: without colours, 140 columns.
    pub const PLAIN: Self = Self { colour: false, width: 140 };
    /// As for a terminal: with colours, 140 columns.
    pub const COLOUR: Self = Self { colour: true, width: 140 };
}

impl Default for Style {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// Writes each of `problems` with its line of `text` and carets under what is meant, a blank line between them; ends
/// with a line feed. `file` is the name that is shown. Nothing that the text or a message has can steer a terminal.
pub fn render_problems(file: &str, text: &str, problems: &[Located], style: Style) -> String {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(style.width);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::of(text);
    let file = harmless(file);
    let mut out = String::new();
    for problem in problems.iter().take(PROBLEMS_SHOWN_MAX) {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&render_one(&renderer, &file, &lines, problem));
        out.push('\n');
    }
    let more = problems.len().saturating_sub(PROBLEMS_SHOWN_MAX);
    if more > 0 {
        // Writing to a text cannot fail.
        let _ = writeln!(out, "\nand {more} more problems in {file}");
    }
    out
}

fn render_one(renderer: &Renderer, file: &str, lines: &Lines, problem: &Located) -> String {
    let title = Level::ERROR.primary_title(harmless(&problem.message));
    let Some(line) = lines.line(problem.line) else {
        let title = renderer.render(&[Group::with_title(title)]);
        return format!("{title}\n --> {file}");
    };
    let start = lines.offset(problem.line, problem.column);
    let end = lines.offset(problem.line, problem.column.saturating_add(problem.length.max(1)));
    // The line alone is given: what is done with a source takes time by its length.
    let before = lines.start_of(problem.line);
    let snippet = Snippet::source(line)
        .path(file)
        .line_start(usize::try_from(problem.line).unwrap_or(usize::MAX))
        .annotation(AnnotationKind::Primary.span(start - before..end - before));
    renderer.render(&[title.element(snippet)])
}

/// The text with what could steer a terminal written out: control characters, and those that turn the direction of
/// writing. The renderer does the same with the lines of the source.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let turns =
            matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}
