//! The services that there are, found quickly: from the daemon, or by the files in services/ where it says nothing.

use crate::args::{PlaceArgs, ScopeName};
use crate::context::{Context, block_on};
use clap::ValueEnum as _;
use clap_complete::engine::CompletionCandidate;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::time::Duration;
use svcctl_core::ident::ServiceName;

/// How long the daemon may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);
/// The ending of a specification's file.
const ENDING: &str = ".yaml";

/// Where services are looked for: what stands about it on the line being typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    root: Option<String>,
    scope: Option<String>,
}

impl Place {
    /// Looks for `--root` and `--scope` among the words of svcctl itself.
    pub(super) fn of(typed: &[OsString]) -> Self {
        let mut place = Self::default();
        let own = typed.iter().take_while(|word| *word != "--").map(|word| word.to_string_lossy());
        let words: Vec<_> = own.collect();
        for (at, word) in words.iter().enumerate() {
            let next = || words.get(at + 1).map(|next| next.clone().into_owned());
            match word.split_once('=') {
                Some(("--root", value)) => place.root = Some(value.to_owned()),
                Some(("--scope", value)) => place.scope = Some(value.to_owned()),
                None if word == "--root" => place.root = next(),
                None if word == "--scope" => place.scope = next(),
                Some(_) | None => {}
            }
        }
        place
    }

    fn context(&self) -> Option<Context> {
        let scope = self.scope.as_deref().and_then(|scope| ScopeName::from_str(scope, false).ok());
        Context::new(&PlaceArgs { root: self.root.clone().map(Into::into), scope }).ok()
    }
}

/// The names that begin like `current`, each with every one of `endings` that fits what is typed.
pub(super) fn candidates(place: &Place, current: &OsStr, endings: &[&str]) -> Vec<CompletionCandidate> {
    let Some(context) = place.context() else { return Vec::new() };
    let current = current.to_string_lossy();
    let mut found = Vec::new();
    for (name, state) in services(&context) {
        // Endings come once the name is whole: before that they would only be noise.
        let endings = if current.contains(':') { endings } else { &endings[..1] };
        let texts = endings.iter().map(|ending| format!("{name}{ending}"));
        let fitting = texts.filter(|text| text.starts_with(&*current));
        found.extend(fitting.map(|text| CompletionCandidate::new(text).help(state.clone().map(Into::into))));
    }
    found
}

/// Names and states; without the daemon's answer, names alone.
fn services(context: &Context) -> Vec<(String, Option<String>)> {
    let asked = block_on(async {
        let daemon = context.daemon();
        tokio::time::timeout(ANSWER_WITHIN, async { daemon.services().await.ok() }).await.ok().flatten()
    });
    match asked.ok().flatten() {
        Some(answer) => {
            answer.services.into_iter().map(|service| (service.name, Some(service.state))).collect()
        }
        None => files(context).into_iter().map(|name| (name, None)).collect(),
    }
}

fn files(context: &Context) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(&context.paths.services) else { return BTreeSet::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|file| Some(file.strip_suffix(ENDING)?.to_owned()))
        .filter(|name| ServiceName::new(name).is_ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: &str) -> Place {
        Place::of(&line.split(' ').map(Into::into).collect::<Vec<_>>())
    }

    fn names(place: &Place, current: &str, endings: &[&str]) -> Vec<String> {
        let found = candidates(place, OsStr::new(current), endings);
        found.iter().map(|one| one.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_place_on_the_line_is_the_one_that_counts() {
        let found = place("svcctl --root=/a start --scope user x -- --root /b");
        assert_eq!((found.root.as_deref(), found.scope.as_deref()), (Some("/a"), Some("user")));
        assert_eq!(place("svcctl start --root /c").root.as_deref(), Some("/c"));
    }

    #[test]
    fn without_a_daemon_the_files_tell() {
        let root = tempfile::tempdir().unwrap();
        let services = root.path().join("services");
        std::fs::create_dir(&services).unwrap();
        for file in ["web.yaml", "web-2.yaml", "db.yaml", "db.yaml.new", "notes.txt", ".x.yaml"] {
            std::fs::write(services.join(file), "").unwrap();
        }
        let place = place(&format!("svcctl --root {} start", root.path().display()));
        assert_eq!(names(&place, "", &[""]), ["db", "web", "web-2"]);
        assert_eq!(names(&place, "web", &[""]), ["web", "web-2"]);
        let kinds = ["", ":ready", ":started", ":completed"];
        assert_eq!(names(&place, "db", &kinds), ["db"]);
        assert_eq!(names(&place, "db:", &kinds), ["db:ready", "db:started", "db:completed"]);
        assert!(!root.path().join("run").exists(), "a question makes nothing");
    }
}
