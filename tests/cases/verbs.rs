//! Verbs with a daemon and without: that they do the same, say what changed, and name what was probably meant.
#![forbid(unsafe_code)]

use rustix::process::Signal;
use std::path::Path;
use std::process::Stdio;
use svcctl_tests::processes::signal;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// Gives `text`, whose program is PROGRAM, as the file `name`, outside of svcctl's root.
fn file(sandbox: &Sandbox, name: &str, text: &str) -> String {
    let path = sandbox.file(name);
    std::fs::write(&path, text.replace("PROGRAM", &program(sandbox))).expect("room for a file");
    path.to_string_lossy().into_owned()
}

/// A program and its arguments as a flow sequence.
fn program(sandbox: &Sandbox) -> String {
    serde_json::to_string(&sandbox.fixture().stay()).expect("texts are JSON")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file that is there")
}

fn has_daemon(sandbox: &Sandbox) -> bool {
    sandbox.svcctl(&["daemon", "status"]).code == Some(0)
}

#[test]
fn a_hold_is_taken_and_given_back_without_a_daemon() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    sandbox.svcctl(&["hold", "web", "--reason", "a new disk"]).code(0);
    sandbox.svcctl(&["hold", "wbe"]).code(4).says("wbe");
    assert!(!has_daemon(&sandbox), "what needs no daemon starts none");
    let start = sandbox.svcctl(&["start", "web"]);
    assert_ne!(start.code, Some(0), "{}", start.stdout);
    start.says("a new disk");
    sandbox.stop_daemon();
    sandbox.svcctl(&["unhold", "--all"]).code(0);
    assert!(!has_daemon(&sandbox));
    sandbox.svcctl(&["start", "web"]).code(0);
}

#[test]
fn the_comments_of_a_file_outlive_enable_and_disable() {
    let sandbox = Sandbox::new();
    let given = file(&sandbox, "web.yaml", "# the site\nspec: 1\nname: web # its name\nexec: PROGRAM\n");
    sandbox.svcctl(&["install", "-f", &given]).code(0);
    let kept = sandbox.root().join("services/web.yaml");
    let before = text(&kept);
    assert!(before.starts_with("# the site\n"), "an install without a daemon keeps the text: {before}");
    for turn in ["without a daemon", "with a daemon"] {
        sandbox.svcctl(&["disable", "web"]).code(0);
        let disabled = before.replace("# its name\n", "# its name\nautostart: false\n");
        assert_eq!(text(&kept), disabled, "{turn}");
        assert_eq!(sandbox.status("web")["autostart"], false);
        sandbox.svcctl(&["enable", "web"]).code(0);
        assert_eq!(text(&kept), disabled.replace("false", "true"), "{turn}");
        assert_eq!(sandbox.status("web")["autostart"], true);
        sandbox.svcctl(&["diff"]).code(0);
        std::fs::write(&kept, &before).expect("a file of ours");
        if !has_daemon(&sandbox) {
            sandbox.svcctl(&["daemon", "--background"]).code(0);
        }
    }
}

#[test]
fn what_is_the_same_is_not_called_missing_by_apply_pending() {
    for with_daemon in [false, true] {
        let sandbox = Sandbox::new();
        for name in ["same", "edited", "gone"] {
            sandbox.install(name, &[], &sandbox.fixture().stay());
        }
        if with_daemon {
            sandbox.svcctl(&["daemon", "--background"]).code(0);
        }
        let services = sandbox.root().join("services");
        std::fs::remove_file(services.join("gone.yaml")).expect("a file of ours");
        let edited = services.join("edited.yaml");
        std::fs::write(&edited, format!("{}env: {{A: '1'}}\n", text(&edited))).expect("a file of ours");
        let said = |words: &[&str]| {
            let ran = sandbox.svcctl(&[&["apply", "--pending", "--dry-run"], words].concat());
            ran.code(0).stdout.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
        };
        let all = said(&[]);
        assert!(all.iter().any(|line| line == "= same"), "{all:?}");
        assert!(
            all.iter().any(|line| line.contains("= gone") && line.contains("not in the files")),
            "{all:?}"
        );
        assert!(all.iter().any(|line| line.contains("~ edited") && line.contains("env.A")), "{all:?}");
        let one = said(&["edited"]);
        assert!(one.len() == 2 && one[0].contains("edited"), "{one:?}");
        sandbox.svcctl(&["diff"]).code(1);
        assert_eq!(has_daemon(&sandbox), with_daemon);
    }
}

#[test]
fn an_update_says_what_changed_and_a_rehearsal_what_would() {
    let sandbox = Sandbox::new();
    let stay = sandbox.fixture().stay();
    let install = |options: &[&str]| {
        let words = [&["install", "web"], options, &["--"]].concat().into_iter().map(str::to_owned);
        sandbox.svcctl(&words.chain(stay.iter().cloned()).collect::<Vec<_>>())
    };
    install(&["--dry-run"]).code(0).says("would install web");
    assert!(!sandbox.root().join("services/web.yaml").exists());
    install(&["--env", "A=1"]).code(0);
    for (old, new) in [("1", "2"), ("2", "3")] {
        let change = format!("env.A: {old} → {new}");
        let setting = format!("A={new}");
        install(&["--env", &setting, "--update", "--dry-run"]).code(0).says(&change);
        install(&["--env", &setting, "--dry-run"]).code(8).says(&change);
        let updated = install(&["--env", &setting, "--update"]).code(0).stdout.clone();
        assert!(updated.contains(&change), "{updated}");
        let again = install(&["--env", &setting, "--update"]).code(0).stdout.clone();
        assert_eq!(again, "web is already installed like this\n");
        if !has_daemon(&sandbox) {
            sandbox.svcctl(&["daemon", "--background"]).code(0);
        }
    }
}

#[test]
fn a_mistyped_program_has_its_neighbour_named() {
    let sandbox = Sandbox::new();
    sandbox
        .svcctl(&["install", "web", "--", "bin/fixtrue"])
        .code(9)
        .says("did you mean")
        .says("bin/fixture?");
    assert!(!sandbox.root().exists(), "nothing is made for a mistake");
}

#[test]
fn exit_2_is_a_file_that_is_not_there_and_9_one_that_is_wrong() {
    let sandbox = Sandbox::new();
    let wrong = file(&sandbox, "wrong.yaml", "spec: 1\nname: web\nexec: PROGRAM\nrestrat: {}\n");
    let missing = sandbox.file("missing.yaml").to_string_lossy().into_owned();
    for verb in ["install", "apply", "diff"] {
        sandbox.svcctl(&[verb, "-f", &missing]).code(2).says("missing.yaml");
        sandbox.svcctl(&[verb, "-f", &wrong]).code(9).says("restrat");
    }
    sandbox.svcctl(&["validate", &missing]).code(2).says("missing.yaml");
    assert!(sandbox.svcctl(&["validate", &wrong]).code(9).stdout.contains("restrat"));
    sandbox.svcctl(&["run", "--", "./missing"]).code(9).says("missing");
}

#[test]
fn what_svcctl_run_says_is_of_no_daemon() {
    let sandbox = Sandbox::new();
    let exec = sandbox.fixture().stay();
    let words = ["run", "--name", "web", "--"].into_iter().map(str::to_owned).chain(exec);
    let mut command = sandbox.command(&words.collect::<Vec<_>>());
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("svcctl can be started");
    sandbox.wait_for("web", "runs", |service| service["state"] == "RUNNING");
    signal(run.id(), Signal::INT);
    let ended = wait_until(SOON, "svcctl run ends", {
        let mut run = Some(run);
        move || {
            let ended = run.as_mut().is_some_and(|run| run.try_wait().is_ok_and(|status| status.is_some()));
            if ended { run.take().map(|run| run.wait_with_output().expect("a child of ours")) } else { None }
        }
    });
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("svcctl: started") && said.contains("svcctl: svcctl is ending"), "{said}");
    let help = sandbox.svcctl(&["run", "--help"]).code(0).stdout.clone();
    for text in [&said, &help] {
        assert!(!text.contains("daemon") && !text.contains("wanted up"), "{text}");
    }
    assert!(help.contains("[default: the current one]"), "{help}");
}

#[test]
fn commands_beside_a_daemon_that_begins_are_done_by_the_one_or_the_other() {
    let sandbox = Sandbox::new();
    let stay = sandbox.fixture().stay();
    sandbox.install("web", &[], &stay);
    for turn in 0..4 {
        let begin = sandbox.command(&["daemon", "--background"]).spawn().expect("svcctl can be started");
        let words = ["install", &format!("new-{turn}"), "--"].map(str::to_owned);
        let commands = [
            sandbox.command(&words.into_iter().chain(stay.iter().cloned()).collect::<Vec<_>>()),
            sandbox.command(&["stop", "web"]),
            sandbox.command(&["disable", "web"]),
            sandbox.command(&["list"]),
        ];
        std::thread::scope(|scope| {
            for command in commands {
                let sandbox = &sandbox;
                scope.spawn(move || sandbox.run(command).code(0).clone());
            }
        });
        let mut begin = begin;
        assert!(begin.wait().expect("a child of ours").success());
        sandbox.svcctl(&["uninstall", &format!("new-{turn}")]).code(0);
        sandbox.stop_daemon();
    }
}
