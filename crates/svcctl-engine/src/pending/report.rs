//! Telling of edits: once each, in the daemon's log and as events.

use super::compare::Compared;
use crate::events::{EventLevel, Events};
use crate::say;
use crate::store::files::told;
use std::collections::BTreeMap;
use std::path::Path;
use svckit::control::types::{Failure, PlacedProblem};

/// Tells what has not been told yet.
pub(super) struct Report {
    events: Events,
    /// What was told last of each file.
    told: BTreeMap<String, Line>,
    settings: Vec<PlacedProblem>,
    trouble: Option<String>,
    refused: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    service: Option<String>,
    is_bad: bool,
    text: String,
}

impl Report {
    pub(super) fn new(events: Events) -> Self {
        Self { events, told: BTreeMap::new(), settings: Vec::new(), trouble: None, refused: BTreeMap::new() }
    }

    /// Tells what differs and what is wrong, where that is new.
    pub(super) fn compared(&mut self, compared: &Compared, auto_apply: bool) {
        let mut lines = BTreeMap::new();
        for invalid in &compared.invalid {
            let problems: Vec<String> = invalid.problems.iter().map(place).collect();
            let file = short(Path::new(&invalid.file));
            let text = format!(
                "{file} cannot be taken, and its service stays as it is: it is wrong at {}; see: svcctl diff",
                problems.join(", ")
            );
            let service = stem(Path::new(&invalid.file));
            lines.insert(file, Line { service, is_bad: true, text });
        }
        for file in &compared.take {
            let path = short(&file.path);
            let service = stem(&file.path);
            let step = compared.plan.steps.iter().find(|step| Some(step.name.as_str()) == service.as_deref());
            let what = match step {
                Some(step) if !step.differences.is_empty() => {
                    format!("differs in {}", keys(&step.differences))
                }
                Some(_) | None => "is new".to_owned(),
            };
            let next = if auto_apply {
                "it is taken up"
            } else {
                "see: svcctl diff; take it with: svcctl apply --pending"
            };
            lines.insert(
                path.clone(),
                Line { service, is_bad: false, text: format!("{path} {what}; {next}") },
            );
        }
        for name in &compared.gone {
            let text = format!(
                "the file of {name} in services/ is gone, and {name} goes on as it is; remove it with: svcctl uninstall {name}"
            );
            let line = Line { service: Some(name.to_string()), is_bad: false, text };
            lines.insert(format!("gone {name}"), line);
        }
        for (file, line) in &lines {
            if self.told.get(file) != Some(line) {
                self.tell(line);
            }
        }
        self.refused.retain(|file, _| lines.contains_key(file));
        self.told = lines;
    }

    /// All that was to be taken up was.
    pub(super) fn taken(&mut self, compared: &Compared) {
        for file in &compared.take {
            let path = short(&file.path);
            self.told.remove(&path);
            let text = format!("{path} was taken up");
            self.tell(&Line { service: stem(&file.path), is_bad: false, text });
        }
    }

    /// A file was not taken up.
    pub(super) fn refused(&mut self, path: &Path, failure: &Failure) {
        let file = short(path);
        let text = format!("{file} was not taken up: {failure}");
        if self.refused.get(&file) != Some(&text) {
            self.tell(&Line { service: stem(path), is_bad: true, text: text.clone() });
            self.refused.insert(file, text);
        }
    }

    /// What is wrong with the settings, if anything.
    pub(super) fn settings(&mut self, path: &Path, problems: &[PlacedProblem]) {
        if self.settings == problems {
            return;
        }
        self.settings = problems.to_vec();
        if problems.is_empty() {
            return self.tell(&Line {
                service: None,
                is_bad: false,
                text: format!("{} is in order again", path.display()),
            });
        }
        let problems: Vec<String> =
            problems.iter().map(|problem| format!("{}:{}", path.display(), told(problem))).collect();
        let text = format!("{}; the settings stay as they were", problems.join("; "));
        self.tell(&Line { service: None, is_bad: true, text });
    }

    /// The files cannot be looked at.
    pub(super) fn trouble(&mut self, why: &str) {
        if self.trouble.as_deref() != Some(why) {
            self.trouble = Some(why.to_owned());
            self.tell(&Line { service: None, is_bad: true, text: why.to_owned() });
        }
    }

    fn tell(&self, line: &Line) {
        let level = if line.is_bad { EventLevel::Warn } else { EventLevel::Info };
        let text = harmless(&line.text);
        if line.is_bad {
            say::warn(&text);
        } else {
            say::info(&text);
        }
        self.events.config(line.service.as_deref(), level, text);
    }
}

/// The keys of `path: old → new`. The values may be secrets, and every local user may read events.
fn keys(differences: &[String]) -> String {
    let path = |difference: &String| difference.split(": ").next().unwrap_or_default().to_owned();
    differences.iter().map(path).collect::<Vec<_>>().join(", ")
}

/// Where a problem is: `4:1 env.PORT`. What it is may tell the value.
fn place(problem: &PlacedProblem) -> String {
    format!("{}:{} {}", problem.line, problem.column, problem.path).trim_end().to_owned()
}

/// One line, in which nothing that a file says can steer a terminal.
fn harmless(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// `services/web.yaml`
fn short(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("services/{}", name.escape_debug())
}

fn stem(path: &Path) -> Option<String> {
    Some(path.file_stem()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_its_keys_and_never_by_values() {
        let differences = ["env.PASSWORD: hunter2 → sword: fish", "restart.delay: 5s → 10s"];
        let told = keys(&differences.map(str::to_owned));
        assert_eq!(told, "env.PASSWORD, restart.delay");
    }

    #[test]
    fn a_problem_is_told_by_its_place_and_never_by_its_value() {
        let (path, message) = ("env.PIN".to_owned(), "must be a text; write \"6379\"".to_owned());
        let problem = PlacedProblem { line: 4, column: 8, length: 4, path, message };
        assert_eq!(place(&problem), "4:8 env.PIN");
    }
}
