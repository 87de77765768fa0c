//! One check, and all of them together.

use crate::output::Style;
use serde::Serialize;
use std::fmt::Write as _;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and may not for long or not as well as it could.
    Warning,
    /// Something does not work.
    Problem,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    /// Its colour (ECMA-48 SGR).
    fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Warning => "33",
            Self::Problem => "31",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Check {
    /// What was looked at; the same in every version.
    pub(super) id: &'static str,
    /// Which of several, such as a service or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    /// How it is.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) text: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Check {
    /// All is well.
    pub(super) fn ok(id: &'static str, text: impl Into<String>) -> Self {
        Self { id, subject: None, verdict: Verdict::Ok, text: text.into(), remedy: None }
    }

    /// It could be better.
    pub(super) fn warning(id: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { id, subject: None, verdict: Verdict::Warning, text: text.into(), remedy }
    }

    /// It does not work.
    pub(super) fn problem(id: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Problem, ..Self::warning(id, text, remedy) }
    }

    /// The same, of this one.
    pub(super) fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }
}

/// All checks.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Report {
    /// In the order in which they were made.
    checks: Vec<Check>,
    /// How many are as they should be.
    ok: usize,
    /// How many could be better.
    warnings: usize,
    /// How many do not work.
    problems: usize,
}

impl Report {
    /// Counts them.
    pub(super) fn of(checks: Vec<Check>) -> Self {
        let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
        let (ok, warnings, problems) = (count(Verdict::Ok), count(Verdict::Warning), count(Verdict::Problem));
        Self { checks, ok, warnings, problems }
    }

    /// The worst of all.
    pub(super) fn worst(&self) -> Verdict {
        self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// For people: a line each, a second one with what to do, and the count.
    pub(super) fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let word = format!("{:<7}", check.verdict.word());
            let subject = check.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: "));
            // Writing into a String cannot fail.
            let _ = writeln!(
                text,
                "{}  {:<20}  {subject}{}",
                style.paint(check.verdict.colour(), &word),
                check.id,
                check.text
            );
            if let Some(remedy) = &check.remedy {
                let _ = writeln!(text, "{:31}-> {remedy}", "");
            }
        }
        let _ = writeln!(
            text,
            "\n{} ok, {}, {}",
            self.ok,
            counted(self.warnings, "warning"),
            counted(self.problems, "problem")
        );
        text
    }
}

/// `no warning`, `1 warning`, `2 warnings`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        several => format!("{several} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_schema_is_published() {
        crate::output::published::is_current::<Report>("doctor");
    }

    #[test]
    fn a_report_has_a_line_for_each_and_says_what_to_do() {
        let report = Report::of(vec![
            Check::ok("kernel.version", "6.1"),
            Check::problem("services.program", "no such file /x", "install it").of("web"),
        ]);
        assert_eq!(report.worst(), Verdict::Problem);
        assert_eq!(
            report.text(Style::Plain),
            "ok       kernel.version        6.1\n\
             problem  services.program      web: no such file /x\n\
             \u{20}                              -> install it\n\n\
             1 ok, no warning, 1 problem\n"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["checks"][1]["subject"], "web");
        assert_eq!((&json["checks"][0]["verdict"], &json["problems"]), (&"ok".into(), &1.into()));
    }
}
