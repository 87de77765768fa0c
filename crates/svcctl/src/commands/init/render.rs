//! The specification as a file for people: short, with a comment at each guess and at what is worth a thought.

use super::guess::Guess;
use crate::error::{CliError, failure};
use serde_json::{Value, json};
use svcctl_core::ident::ServiceName;
use svcctl_core::spec;
use svckit::config;
use svckit::control::types::FailureKind;

/// What the file is made from.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The service's name.
    pub(super) name: &'a ServiceName,
    /// Its program and arguments.
    pub(super) exec: &'a [String],
    /// Its working directory.
    pub(super) cwd: &'a str,
    /// What was guessed.
    pub(super) guess: &'a Guess,
}

impl Draft<'_> {
    /// The file's text, which is a valid specification.
    pub(super) fn text(&self) -> Result<String, CliError> {
        let parts = [
            "# A specification for svcctl. Look through it, then: svcctl install -f FILE\n".to_owned(),
            key(&json!({"spec": 1, "name": self.name.as_str()}))?,
            "\n# The program and its arguments, one a line; no shell reads them.\n".to_owned(),
            key(&spec::literal_document(json!({"exec": self.exec})))?,
            "# Where it runs: the directory that svcctl init was called in.\n".to_owned(),
            key(&spec::literal_document(json!({"cwd": self.cwd})))?,
            "# Who it runs as; as the daemon, when left out.\n# user: nobody\n".to_owned(),
            "# Its environment, beside PATH, HOME, USER, LANG and TZ.\n# env: {LOG_LEVEL: info}\n".to_owned(),
            self.ready()?,
            "\n# Whether it starts with the machine.\nautostart: true\n".to_owned(),
            "# What must be ready before it starts.\n# depends_on: {database: ready}\n".to_owned(),
            "\n# always, on-failure or never. The first restart follows at once, later ones after growing pauses.\n"
                .to_owned(),
            key(&json!({"restart": {"policy": "always"}}))?,
            "# It is asked to end by SIGTERM, and killed with all its processes after this long.\n".to_owned(),
            key(&json!({"stop": {"timeout": "15s"}}))?,
        ];
        let text = parts.concat();
        check(&text)?;
        Ok(text)
    }

    fn ready(&self) -> Result<String, CliError> {
        let mut text = String::from("\n");
        for remark in &self.guess.remarks {
            text.push_str(&comment(remark));
        }
        let Some(address) = self.guess.address else {
            text.push_str(
                "# When it is ready: once this address accepts connections. No port could be guessed, so\n",
            );
            text.push_str("# it counts as ready once it runs.\n# ready: {tcp: \"127.0.0.1:8080\"}\n");
            return Ok(text);
        };
        text.push_str("# When it is ready: once this address accepts connections.\n");
        text.push_str(&comment(&format!("Guessed from {}.", self.guess.from)));
        text.push_str(&key(&json!({"ready": {"tcp": address.to_string()}}))?);
        let (told, path) = match &self.guess.http {
            Some((path, status)) => (
                format!("While it was tried, GET {path} was answered with {status}. Instead of tcp:"),
                path.as_str(),
            ),
            None => ("If it answers over HTTP, that tells more. Instead of tcp:".to_owned(), "/health"),
        };
        text.push_str(&comment(&told));
        text.push_str(&comment(&format!("ready: {{http: {{url: \"http://{address}{path}\"}}}}")));
        Ok(text)
    }
}

/// Keys and values as YAML.
fn key(value: &Value) -> Result<String, CliError> {
    config::render(value).map_err(|error| {
        failure(FailureKind::Failed, format!("cannot write the specification: failed to {error}"))
    })
}

/// A comment in one line, whatever is in the text.
fn comment(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {line}\n")
}

/// What is handed out must be what install takes.
fn check(text: &str) -> Result<(), CliError> {
    let wrong =
        |why: String| failure(FailureKind::Invalid, format!("the specification would be wrong: {why}"));
    let document = config::parse(text).map_err(|error| wrong(error.to_string()))?;
    spec::decode(&document).map(drop).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        wrong(problems.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use svcctl_core::spec::Template;

    fn draft(exec: &[&str], guess: &Guess) -> String {
        let exec: Vec<String> = exec.iter().map(|word| (*word).to_owned()).collect();
        let name = ServiceName::new("web").unwrap();
        Draft { name: &name, exec: &exec, cwd: "/opt/$x", guess }.text().unwrap()
    }

    #[test]
    fn every_guess_is_said_and_the_file_is_valid() {
        let guess = Guess {
            address: Some("127.0.0.1:8080".parse().unwrap()),
            from: "the argument --port 8080\nevil: true".to_owned(),
            http: Some(("/health".to_owned(), 200)),
            remarks: vec!["It also listened at 127.0.0.1:9.".to_owned()],
        };
        let text = draft(&["/opt/web", "--port", "8080", "a: b # c", "${HOME}", "", "no"], &guess);
        assert!(text.contains("# Guessed from the argument --port 8080 evil: true.\nready:\n"), "{text}");
        assert!(text.contains("# ready: {http: {url: \"http://127.0.0.1:8080/health\"}}\n"), "{text}");
        let spec = spec::decode(&config::parse(&text).unwrap()).unwrap();
        let exec: Vec<Option<String>> = spec.exec.iter().map(Template::as_literal).collect();
        assert_eq!(
            exec,
            ["/opt/web", "--port", "8080", "a: b # c", "${HOME}", "", "no"].map(|word| Some(word.to_owned()))
        );
        assert_eq!(spec.cwd.as_ref().and_then(Template::as_literal).as_deref(), Some("/opt/$x"));
        assert!(spec.ready.is_some());
        // What stands in comments is valid too.
        let http = text.replace("ready:\n  tcp: 127.0.0.1:8080\n", "").replace("# ready:", "ready:");
        assert!(config::parse(&http).is_ok(), "{http}");
    }

    #[test]
    fn nothing_guessed_is_said_too() {
        let text = draft(&["/opt/web"], &Guess::default());
        assert!(text.contains("# ready: {tcp:") && !text.contains("\nready:"), "{text}");
    }
}
