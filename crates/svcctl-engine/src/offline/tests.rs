//! Commands on a real store, without a daemon.

use super::*;
use serde_json::json;
use std::fs;
use svckit::control::types::{Act, Apply, Install, Verb};

struct Bench {
    _root: tempfile::TempDir,
    paths: Paths,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(svcctl_os::paths::Scope::User, Some(root.path())).unwrap();
        paths.ensure().unwrap();
        Self { _root: root, paths }
    }

    fn apply(&self, apply: &Apply) -> Vec<(String, String)> {
        let applied = apply_to(&self.paths, apply);
        applied.steps.into_iter().map(|step| (step.name, step.action)).collect()
    }

    fn service(&self, name: &str) -> Service {
        show(&self.paths, Some(ServiceName::new(name).unwrap())).unwrap().pop().unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.paths.services.join(file), text).unwrap();
    }
}

fn apply_to(paths: &Paths, asked: &Apply) -> svckit::control::types::Applied {
    apply(paths, asked).unwrap()
}

fn install_of(name: &str) -> Install {
    Install { document: json!({"spec": 1, "name": name, "exec": ["/bin/true"]}), source: None }
}

fn set(names: &[&str]) -> Apply {
    Apply { services: names.iter().map(|name| install_of(name)).collect(), ..Apply::default() }
}

fn act_on(name: &str) -> Act {
    Act { names: vec![name.to_owned()], ..Act::default() }
}

fn steps_of(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, action)| ((*name).to_owned(), (*action).to_owned())).collect()
}

#[test]
fn a_set_is_applied_and_a_rehearsal_changes_nothing() {
    let bench = Bench::new();
    let rehearsal = Apply { dry_run: true, ..set(&["db", "web"]) };
    assert_eq!(bench.apply(&rehearsal), steps_of(&[("db", "start"), ("web", "start")]));
    assert!(show(&bench.paths, None).unwrap().is_empty());
    bench.apply(&set(&["db", "web"]));
    assert_eq!(bench.service("web").desired, "up");
    let pruned = bench.apply(&Apply { prune: true, ..set(&["db"]) });
    assert_eq!(pruned, steps_of(&[("db", "keep"), ("web", "uninstall")]));
    assert!(!bench.paths.services.join("web.yaml").exists());
}

#[test]
fn a_hold_outlives_the_command_and_is_taken_back() {
    let bench = Bench::new();
    bench.apply(&set(&["web"]));
    let hold = Act { reason: Some("migration".to_owned()), ..act_on("web") };
    assert!(act(&bench.paths, Verb::Hold, &hold).unwrap().services[0].changed);
    assert_eq!(bench.service("web").held.unwrap().reason, "migration");
    act(&bench.paths, Verb::Unhold, &act_on("web")).unwrap();
    assert_eq!(bench.service("web").held, None);
}

#[test]
fn disable_is_about_the_next_boot_and_leaves_what_is_wanted() {
    let bench = Bench::new();
    bench.apply(&set(&["web"]));
    act(&bench.paths, Verb::Disable, &act_on("web")).unwrap();
    let shown = bench.service("web");
    assert_eq!((shown.autostart, shown.desired.as_str(), shown.pending), (false, "up", false));
    act(&bench.paths, Verb::Stop, &act_on("web")).unwrap();
    assert_eq!(bench.service("web").desired, "down");
    let error = act(&bench.paths, Verb::Reload, &act_on("web")).unwrap_err();
    assert_eq!(error.kind, FailureKind::NoDaemon);
}

#[test]
fn edited_files_are_pending_and_are_taken_with_their_comments() {
    let bench = Bench::new();
    bench.apply(&set(&["web", "db"]));
    let text = "# mine\nspec: 1\nname: web\nexec: [/bin/false]\n";
    bench.write("web.yaml", text);
    bench.write("db.yaml", "spec: 1\nname: db\nexec: [\n");
    let found = pending(&bench.paths).unwrap();
    assert_eq!((found.steps.len(), found.invalid.len()), (1, 1), "{found:?}");
    assert!(bench.service("web").pending && bench.service("db").pending);
    let applied = apply_to(&bench.paths, &Apply { pending: true, ..Apply::default() });
    assert_eq!(applied.invalid.len(), 1);
    assert_eq!(bench.service("web").spec["exec"], json!(["/bin/false"]));
    assert!(!bench.service("web").pending);
    assert_eq!(fs::read_to_string(bench.paths.services.join("web.yaml")).unwrap(), text);
    assert_eq!(bench.service("db").spec["exec"], json!(["/bin/true"]), "an invalid file is no wish");
}

#[test]
fn a_file_under_a_wrong_name_is_no_wish_to_be_rid_of_its_service() {
    let bench = Bench::new();
    bench.apply(&set(&["web", "db"]));
    fs::rename(bench.paths.services.join("web.yaml"), bench.paths.services.join("web2.yaml")).unwrap();
    fs::remove_file(bench.paths.services.join("db.yaml")).unwrap();
    let prune = Apply { pending: true, prune: true, ..Apply::default() };
    let error = apply(&bench.paths, &prune).unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
    assert!(error.message.contains("web2.yaml") && error.message.contains("rename"), "{}", error.message);
    assert_eq!(show(&bench.paths, None).unwrap().len(), 2, "nothing is done by halves");
    fs::rename(bench.paths.services.join("web2.yaml"), bench.paths.services.join("web.yaml")).unwrap();
    apply_to(&bench.paths, &prune);
    assert_eq!(show(&bench.paths, None).unwrap().len(), 1);
}

#[test]
fn disable_keeps_an_edit_that_nobody_took() {
    let bench = Bench::new();
    bench.apply(&set(&["web"]));
    let edit = "# mine\nspec: 1\nname: web\nexec: [/bin/false]\n";
    bench.write("web.yaml", edit);
    act(&bench.paths, Verb::Disable, &act_on("web")).unwrap();
    let read = |file| fs::read_to_string(bench.paths.services.join(file)).unwrap();
    assert_eq!(read("web.yaml.saved"), edit);
    assert!(read("web.yaml").contains("/bin/true"), "what is accepted");
    // What was accepted is no edit, and another edit does not take the place of the first.
    act(&bench.paths, Verb::Enable, &act_on("web")).unwrap();
    bench.write("web.yaml", "exec: [\n");
    act(&bench.paths, Verb::Disable, &act_on("web")).unwrap();
    assert_eq!((read("web.yaml.saved"), read("web.yaml.saved-2").as_str()), (edit.to_owned(), "exec: [\n"));
    assert_eq!(fs::read_dir(&bench.paths.services).unwrap().count(), 3);
    assert!(pending(&bench.paths).unwrap().invalid.is_empty(), "what is kept is no specification's file");
}

#[test]
fn an_install_keeps_the_file_that_was_prepared_for_another_specification() {
    let bench = Bench::new();
    let prepared = "# mine\nspec: 1\nname: web\nexec: [/bin/false]\n";
    bench.write("web.yaml", prepared);
    bench.apply(&set(&["web"]));
    let saved = fs::read_to_string(bench.paths.services.join("web.yaml.saved")).unwrap();
    assert_eq!(saved, prepared);
}

#[test]
fn a_link_in_services_stays_one_and_what_it_leads_to_is_written() {
    let bench = Bench::new();
    let target = bench.paths.services.parent().unwrap().join("web-of-mine.yaml");
    fs::write(&target, "# mine\nspec: 1\nname: web\nexec: [/bin/true]\n").unwrap();
    let link = bench.paths.services.join("web.yaml");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    apply_to(&bench.paths, &Apply { pending: true, ..Apply::default() });
    act(&bench.paths, Verb::Disable, &act_on("web")).unwrap();
    assert!(link.is_symlink());
    let text = fs::read_to_string(&target).unwrap();
    assert!(text.starts_with("# mine\n") && text.contains("autostart: false"), "{text}");
    assert_eq!(fs::read_dir(&bench.paths.services).unwrap().count(), 1);
}

#[test]
fn a_pipe_in_services_is_an_invalid_file_that_nobody_waits_for() {
    let bench = Bench::new();
    let pipe = bench.paths.services.join("web.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", bench.paths.services.join("db.yaml")).unwrap();
    let found = pending(&bench.paths).unwrap();
    assert_eq!(found.invalid.len(), 2);
    for invalid in &found.invalid {
        assert!(invalid.problems[0].message.contains("no regular file"), "{invalid:?}");
    }
    bench.apply(&set(&["web", "db"]));
    assert!(pending(&bench.paths).unwrap().invalid.is_empty());
    assert!(fs::metadata(&pipe).unwrap().is_file());
}
