//! Command lines to documents, and what is refused.

use super::{CliError, Specification, name_of, of_install, of_run};
use crate::args::{Cli, Verb};
use clap::Parser as _;
use serde_json::json;
use svckit::control::types::{Failure, FailureKind};

fn build(words: &[&str]) -> Result<Specification, CliError> {
    match Cli::try_parse_from(std::iter::once(&"svcctl").chain(words)).unwrap().verb {
        Verb::Install(args) => of_install(&args),
        Verb::Run(args) => of_run(&args),
        verb => panic!("{verb:?}"),
    }
}

fn refused(words: &[&str]) -> Failure {
    match build(words).unwrap_err() {
        CliError::Failure(failure) => failure,
        CliError::Wrong(wrong) => {
            Failure { kind: FailureKind::Invalid, message: wrong.message(), problems: Vec::new() }
        }
        error => panic!("{error:?}"),
    }
}

#[test]
fn only_what_was_said_is_written() {
    let small = build(&["install", "web", "--", "/bin/sh", "-c", "exit 1"]).unwrap();
    assert_eq!(small.document, json!({"spec": 1, "name": "web", "exec": ["/bin/sh", "-c", "exit 1"]}));
}

#[test]
fn every_flag_has_its_key_and_the_keys_their_order() {
    let words = [
        "install",
        "--name=web",
        "--exec",
        "sh -c 'exit 1'",
        "--user",
        "svc",
        "--group",
        "www",
        "--cwd",
        "/",
        "-e",
        "A=1",
        "--depends-on",
        "db",
        "--depends-on",
        "setup:completed",
        "--ready-tcp",
        ":8080",
        "--restart",
        "on-failure",
        "--restart-delay",
        "1500ms",
        "--start-timeout",
        "30s",
        "--stop-timeout",
        "1m",
        "--manager",
        "embedded",
        "--display-name",
        "Web",
        "--description",
        "Serves",
        "--no-autostart",
        "--type",
        "simple",
    ];
    let document = build(&words).unwrap().document;
    assert_eq!(
        svckit::config::render(&document).unwrap(),
        format!(
            "spec: 1\nname: web\ndisplay_name: Web\ndescription: Serves\nmanager: embedded\nexec:\n- {}\n- -c\n- exit 1\n\
             cwd: /\nuser: svc\ngroup: www\nenv:\n  A: \"1\"\nautostart: false\n\
             depends_on:\n  db: ready\n  setup: completed\ntype: simple\nstart:\n  timeout: 30s\n\
             ready:\n  tcp: 127.0.0.1:8080\nrestart:\n  policy: on-failure\n  delay: 1s500ms\nstop:\n  timeout: 1m\n",
            document["exec"][0].as_str().unwrap()
        )
    );
    assert!(document["exec"][0].as_str().unwrap().ends_with("/sh"));
}

#[test]
fn a_run_inherits_environment_and_directory() {
    let document = build(&["run", "--", "/bin/sh", "-c", "exit 1"]).unwrap().document;
    let here = std::env::current_dir().unwrap();
    assert_eq!(document["name"], "sh");
    assert_eq!(document["inherit_env"], "all");
    assert_eq!(document["cwd"].as_str().map(std::path::Path::new), Some(here.as_path()));
    for (program, name) in [("/opt/My App.bin", "My-App"), ("/opt/...", "program"), ("/opt/_x.sh", "x")] {
        assert_eq!(name_of(program), name, "{program}");
    }
}

#[test]
fn mistakes_have_their_sentence_and_kind() {
    for (words, kind, said) in [
        (&["install", "web"][..], FailureKind::Usage, "there is no program to run; put it behind `--`"),
        (&["install", "web", "--exec", "a | b"], FailureKind::Usage, "--exec has an unquoted"),
        (
            &["install", "web", "--", "no-such-program"],
            FailureKind::Invalid,
            "cannot find `no-such-program` in PATH; give its full path",
        ),
        (
            &["install", "web", "--", "/no/such/program"],
            FailureKind::Invalid,
            "there is no file /no/such/program",
        ),
        (
            &["install", "web", "--cwd", "/no/such", "--", "/bin/sh"],
            FailureKind::Invalid,
            "--cwd: cannot look at /no/such: ",
        ),
        (
            &["install", "web", "-e", "A=1", "-e", "A=2", "--", "/bin/sh"],
            FailureKind::Usage,
            "--env sets A twice",
        ),
        (
            &["install", "web", "--depends-on", "a", "--depends-on", "a", "--", "/bin/sh"],
            FailureKind::Usage,
            "--depends-on names a twice",
        ),
        (
            &["install", "web", "--ready-tcp", "db", "--", "/bin/sh"],
            FailureKind::Usage,
            "--ready-tcp needs HOST:PORT",
        ),
        (
            &["install", "web", "--manager", "systemd", "--", "/bin/sh"],
            FailureKind::Unsupported,
            "this svcctl does not put services under systemd yet",
        ),
        (&["install", "-f", "/no/such.yaml"], FailureKind::Usage, "cannot read /no/such.yaml: "),
        (&["install", "../web", "--", "/bin/sh"], FailureKind::Invalid, "the specification is wrong: name: "),
    ] {
        let failure = refused(words);
        assert!(failure.message.starts_with(said), "{words:?}: {}", failure.message);
        assert_eq!(failure.kind, kind, "{words:?}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let failure = refused(&["install", "we/b", "--depends-on", "a:perhaps", "--", "/bin/sh"]);
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert_eq!(failure.problems.len(), 2, "{:?}", failure.problems);
    assert_eq!(failure.message, "the specification is wrong in 2 places");
}

#[test]
fn a_file_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yaml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "spec: 1\nname: web\nexec: /bin/sh -c 'exit 1'\n").unwrap();
    assert_eq!(
        build(&["install", "-f", path])
            .unwrap()
            .spec
            .exec
            .iter()
            .map(svcctl_core::spec::Template::as_written)
            .collect::<Vec<_>>(),
        ["/bin/sh", "-c", "exit 1"]
    );
    assert_eq!(refused(&["install", "other", "-f", path]).kind, FailureKind::Usage);
    std::fs::write(&file, "spec: 1\nname: web\nname: web\n").unwrap();
    let twice = refused(&["install", "-f", path]);
    assert!(
        twice.message.ends_with("web.yaml, line 3: the key \"name\" stands here twice"),
        "{}",
        twice.message
    );
    std::fs::write(&file, "- 1\n").unwrap();
    assert!(
        refused(&["install", "-f", path])
            .message
            .ends_with("a specification has keys; it begins with: spec: 1")
    );
}

#[test]
fn a_file_with_several_specifications_is_for_apply() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("set.yaml");
    let one = |name: &str| format!("spec: 1\nname: {name}\nexec: [/bin/sh]\n");
    std::fs::write(&file, format!("{}---\n{}", one("a"), one("b"))).unwrap();
    let failure = refused(&["install", "-f", file.to_str().unwrap()]);
    assert!(
        failure.message.contains("has 2 specifications; bring them all about with: svcctl apply -f"),
        "{failure}"
    );
    assert_eq!(failure.kind, FailureKind::Usage);
}

#[test]
fn less_common_flags_have_their_keys() {
    let built = build(&[
        "install",
        "web",
        "--ready-http",
        "http://127.0.0.1:8080/health",
        "--env-file=-/etc/web.env",
        "--umask",
        "027",
        "--limit",
        "open_files=8192",
        "--liveness-http",
        "http://127.0.0.1:8080/live",
        "--reload-signal",
        "HUP",
        "--",
        "/bin/sh",
    ])
    .unwrap();
    let document = &built.document;
    assert_eq!(document["ready"], json!({"http": "http://127.0.0.1:8080/health"}));
    assert_eq!(document["env_file"], json!([{"path": "/etc/web.env", "optional": true}]));
    assert_eq!(document["limits"], json!({"open_files": 8192}));
    let cron = ["install", "web", "--cron", "30 2 * * *", "--timezone", "Europe/Prague", "--", "/bin/sh"];
    let cron = build(&cron).unwrap().document;
    assert_eq!(cron["schedule"], json!({"cron": "30 2 * * *", "timezone": "Europe/Prague"}));
    assert_eq!(document["health"]["liveness"]["http"], "http://127.0.0.1:8080/live");
    assert_eq!(document["reload"], json!({"signal": "HUP"}));
    assert_eq!(built.spec.umask, Some(0o027));
    assert!(build(&["install", "web", "--every", "5m", "--", "/bin/sh"]).is_ok());
}
