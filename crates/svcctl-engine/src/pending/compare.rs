//! The files of services/ beside what is accepted: what differs, what is wrong, what is gone.

use crate::store::files::{self, Found};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::plan::{Plan, PlanAction, PlanStep, plan};
use svcctl_core::spec::{Problem as SpecProblem, ServiceSpec, check_timezone};
use svcctl_core::supervisor::view::ServiceView;
use svckit::config::{Document, DocumentFormat};
use svckit::control::types::{Failure, FailureKind, InvalidFile, PlacedProblem, Step};

/// Accepted specifications, by name.
pub(crate) type Accepted = BTreeMap<ServiceName, Arc<ServiceSpec>>;

/// The files of services/ beside what is accepted.
#[derive(Debug)]
pub(crate) struct Compared {
    /// What can be taken, and differs or is new.
    pub(crate) take: Vec<Found>,
    /// What would be done with it.
    pub(crate) plan: Plan,
    /// What cannot be taken.
    pub(crate) invalid: Vec<InvalidFile>,
    /// Accepted services without a file.
    pub(crate) gone: Vec<ServiceName>,
}

impl Compared {
    /// The services whose file means something else than what is accepted, cannot be taken, or is gone.
    pub(crate) fn names(&self) -> BTreeSet<ServiceName> {
        let of = |file: &str| ServiceName::new(Path::new(file).file_stem()?.to_str()?).ok();
        let taken = self.take.iter().filter_map(Found::name);
        let invalid = self.invalid.iter().filter_map(|invalid| of(&invalid.file));
        self.gone.iter().cloned().chain(taken).chain(invalid).collect()
    }
}

/// Refuses to be rid of what has no file while a file is wrong: it may be the one that is missed, under another name.
///
/// # Errors
/// All problems of all files, as what makes the set of specifications wrong.
pub(crate) fn require_sound_to_prune(compared: &Compared) -> Result<(), Failure> {
    if compared.invalid.is_empty() {
        return Ok(());
    }
    let of_file = |invalid: &InvalidFile| {
        let problems: Vec<String> = invalid.problems.iter().map(files::told).collect();
        format!("{}: {}", invalid.file, problems.join("; "))
    };
    let told: Vec<String> = compared.invalid.iter().map(of_file).collect();
    let message = format!(
        "nothing is pruned while a file is wrong, as it may be the file of a service that seems to have none; mend or remove it, or apply without --prune: {}",
        told.join("; ")
    );
    Err(Failure { kind: FailureKind::Invalid, message, problems: Vec::new() })
}

/// What is accepted, by what is shown.
pub(crate) fn accepted(views: &[ServiceView]) -> Accepted {
    views.iter().map(|view| (view.name.clone(), Arc::clone(&view.spec))).collect()
}

/// Sorts the files; those that do not fit the set as it would be are invalid as well, one after the other until the rest
/// fits.
pub(crate) fn compare(
    accepted: &Accepted,
    running: &BTreeSet<ServiceName>,
    files: Vec<Found>,
    chosen: impl Fn(&Found) -> bool,
) -> Compared {
    let with_file: BTreeSet<ServiceName> = files.iter().filter_map(Found::name).collect();
    let gone = accepted.keys().filter(|name| !with_file.contains(*name)).cloned().collect();
    let mut invalid = Vec::new();
    let mut take = Vec::new();
    for file in files.into_iter().filter(chosen) {
        match &file.spec {
            Err(problems) => invalid.push(invalid_file(&file, problems.clone())),
            Ok(spec) if accepted.get(&spec.name) == Some(spec) => {}
            Ok(spec) => match check_timezone(spec, &crate::zones::MachineZones) {
                None => take.push(file),
                Some(problem) => invalid.push(invalid_file(&file, placed_in(&file, &[problem]))),
            },
        }
    }
    loop {
        let new: Vec<_> = take.iter().filter_map(|file| file.spec.clone().ok()).collect();
        let problems = match plan(accepted, |name| running.contains(name), &new, false) {
            Ok(plan) => return Compared { take, plan, invalid, gone },
            Err(problems) => problems,
        };
        let before = take.len();
        take.retain(|file| {
            let own = problems_of(file, &problems);
            let fits = own.is_empty();
            if !fits {
                invalid.push(invalid_file(file, own));
            }
            fits
        });
        if take.len() == before {
            // A problem that is of none of the files: nothing of them can be taken.
            let all: Vec<_> = problems
                .iter()
                .map(|problem| files::without_place(&problem.path, problem.message.clone()))
                .collect();
            invalid.extend(take.drain(..).map(|file| invalid_file(&file, all.clone())));
        }
    }
}

/// The problems of the set that are of this file, at their places in it.
fn problems_of(file: &Found, problems: &[SpecProblem]) -> Vec<PlacedProblem> {
    let Ok(spec) = &file.spec else { return Vec::new() };
    let own = problems.iter().filter_map(|problem| {
        let rest = problem.path.strip_prefix(spec.name.as_str())?;
        let path = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
        Some(SpecProblem { path: path.to_owned(), ..problem.clone() })
    });
    placed_in(file, &own.collect::<Vec<_>>())
}

fn placed_in(file: &Found, problems: &[SpecProblem]) -> Vec<PlacedProblem> {
    let format = DocumentFormat::from_path(&file.path).unwrap_or(DocumentFormat::Yaml);
    let document = Document::parse(&file.text, format);
    let placed = problems.iter().map(|problem| match &document {
        Ok(document) => files::placed(document, problem),
        Err(_) => files::without_place(&problem.path, problem.message.clone()),
    });
    placed.collect()
}

fn invalid_file(file: &Found, problems: Vec<PlacedProblem>) -> InvalidFile {
    InvalidFile { file: file.path.display().to_string(), problems }
}

/// A plan as the API has it.
pub(crate) fn steps(plan: &Plan) -> Vec<Step> {
    let step = |step: &PlanStep| Step {
        name: step.name.to_string(),
        action: word(step.action),
        differences: step.differences.clone(),
    };
    plan.steps.iter().map(step).collect()
}

/// What an apply of the files in services/ comes to: `names` of them, or all where there are none. The plan is made of
/// what differs, so that a service with a file that it leaves alone is kept as it is.
pub(crate) fn steps_of_files(plan: &Plan, gone: &[ServiceName], names: &[String]) -> Vec<Step> {
    let mut found = steps(plan);
    found.retain(|step| names.is_empty() || names.contains(&step.name));
    for step in &mut found {
        if step.action == word(PlanAction::Leave) && !gone.iter().any(|name| name.as_str() == step.name) {
            step.action = word(PlanAction::Keep);
        }
    }
    found
}

/// The API's word.
pub(crate) fn word(action: PlanAction) -> String {
    match action {
        PlanAction::Keep => "keep",
        PlanAction::Update => "update",
        PlanAction::Restart => "restart",
        PlanAction::Start => "start",
        PlanAction::Install => "install",
        PlanAction::Uninstall => "uninstall",
        PlanAction::Leave => "leave",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepted_of(names: &[&str]) -> Accepted {
        let spec = |name: &&str| {
            let document = json!({"spec": 1, "name": name, "exec": ["/bin/true"]});
            let spec = svcctl_core::spec::decode(&document).unwrap();
            (spec.name.clone(), Arc::new(spec))
        };
        names.iter().map(spec).collect()
    }

    fn compared_of(accepted: &Accepted, files: &[(&str, &str)]) -> Compared {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let files = files::read_all(folder.path()).unwrap();
        compare(accepted, &BTreeSet::new(), files, |_| true)
    }

    #[test]
    fn a_file_that_means_the_same_is_not_pending_and_one_that_is_gone_is() {
        let accepted = accepted_of(&["db", "web"]);
        let found =
            compared_of(&accepted, &[("web.yaml", "# mine\nexec: [/bin/true]\nname: web\nspec: 1\n")]);
        assert!(found.take.is_empty() && found.invalid.is_empty());
        assert_eq!(found.gone, [ServiceName::new("db").unwrap()]);
    }

    #[test]
    fn an_invalid_file_keeps_no_valid_one_back_and_has_its_problems_at_their_lines() {
        let found = compared_of(
            &accepted_of(&["web"]),
            &[
                ("new.toml", "spec = 1\nname = \"new\"\nexec = [\"/bin/true\"]\n"),
                ("web.yaml", "spec: 1\nname: web\nexec: [/bin/true]\nrestrat: {}\n"),
            ],
        );
        assert_eq!(found.take.len(), 1);
        assert_eq!(found.plan.steps.iter().filter(|step| step.action == PlanAction::Start).count(), 1);
        let [invalid] = found.invalid.as_slice() else { panic!("{:?}", found.invalid) };
        assert_eq!((invalid.problems[0].line, invalid.problems[0].path.as_str()), (4, "restrat"));
    }

    #[test]
    fn a_file_that_does_not_fit_the_set_is_invalid_and_the_rest_is_taken() {
        let orphan = "spec: 1\nname: orphan\nexec: [/bin/true]\ndepends_on: [nobody]\n";
        let found = compared_of(
            &Accepted::new(),
            &[("ok.yaml", "spec: 1\nname: ok\nexec: [/bin/true]\n"), ("orphan.yaml", orphan)],
        );
        assert_eq!(found.take.len(), 1);
        assert_eq!(found.invalid.len(), 1);
        assert_eq!(found.invalid[0].problems[0].line, 4);
    }

    #[test]
    fn two_files_of_one_service_are_both_invalid_and_name_each_other() {
        let text = "spec: 1\nname: web\nexec: [/bin/true]\n";
        let found = compared_of(&Accepted::new(), &[("web.yaml", text), ("web.yml", text)]);
        assert_eq!((found.take.len(), found.invalid.len()), (0, 2));
        let message = &found.invalid[0].problems[0].message;
        assert!(message.contains("web.yaml") && message.contains("web.yml"), "{message}");
    }
}
