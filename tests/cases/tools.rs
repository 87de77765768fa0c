//! What makes svcctl pleasant: completions, manual pages, patterns, pages and progress on a terminal, `init`, and
//! mistakes that are understood.
#![forbid(unsafe_code)]

use rustix::process::Signal;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use svcctl_tests::net::free_address;
use svcctl_tests::processes::signal;
use svcctl_tests::wait::SOON;
use svcctl_tests::{Ran, Sandbox, wait_until};

/// Less than a client waits for a daemon that does not answer.
const AT_ONCE: Duration = Duration::from_secs(8);

/// A command with svcctl in its `PATH` and the sandbox's root in its environment.
fn with_svcctl(sandbox: &Sandbox, program: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.env("PATH", format!("{}:{path}", sandbox.path().join("bin").display()));
    command.env("SVCCTL_ROOT", sandbox.root()).current_dir(sandbox.path()).stdin(Stdio::null());
    command
}

/// What bash would offer for a line whose words are `words`, the last one being typed.
fn completed_by_bash(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let script = r#"
        source <(svcctl completions bash)
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
        _clap_complete_svcctl svcctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut command = with_svcctl(sandbox, "bash");
    command.args(["--norc", "-c", script, "bash"]).args(words);
    let ran = sandbox.run(command);
    assert_eq!(ran.code(0).stderr, "", "completing prints nothing else");
    ran.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Runs a line of sh on a terminal of ten lines, and gives all that appears on it.
fn on_a_terminal(sandbox: &Sandbox, line: &str, variables: &[(&str, &str)]) -> Ran {
    let line = format!("stty rows 10 cols 100; {line}");
    let mut command = with_svcctl(sandbox, "script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied());
    sandbox.run(command)
}

#[test]
fn bash_completes_services_flags_and_values() {
    let sandbox = Sandbox::new();
    for name in ["web-one", "web-two", "db"] {
        sandbox.install(name, &[], &sandbox.fixture().stay());
    }
    let of = |words: &[&str]| completed_by_bash(&sandbox, words);
    assert_eq!(of(&["svcctl", "start", "web"]), ["web-one", "web-two"]);
    assert_eq!(of(&["svcctl", "logs", "--output", "="]), of(&["svcctl", "logs", "--output", ""]));
    assert_eq!(of(&["svcctl", "logs", "--output", "=", "j"]), ["json"]);
    assert_eq!(of(&["svcctl", "uninst"]), ["uninstall"]);
    assert_eq!(of(&["svcctl", "install", "api", "--depends-on", "d"]), ["db"]);
    assert_eq!(of(&["svcctl", "install", "api", "--depends-on", "db", ":", "re"]), ["ready"]);
    let elsewhere = sandbox.file("elsewhere").to_string_lossy().into_owned();
    assert!(!of(&["svcctl", "--root", "=", &elsewhere, "start", "web"]).contains(&"web-one".to_owned()));
    sandbox.svcctl(&["daemon", "status"]).code(10);
    sandbox.svcctl(&["start", "db"]).code(0);
    assert_eq!(of(&["svcctl", "stop", ""]), ["db", "web-one", "web-two"]);
}

#[test]
fn completing_does_not_wait_for_a_daemon_that_hangs() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    let engines = sandbox.root().join("run/engines");
    std::fs::create_dir_all(&engines).expect("room for a directory");
    let _silent = UnixListener::bind(engines.join("daemon.sock")).expect("a free address");
    let began = Instant::now();
    assert_eq!(completed_by_bash(&sandbox, &["svcctl", "start", "w"]), ["web"]);
    assert!(began.elapsed() < AT_ONCE, "completing took {:?}", began.elapsed());
}

#[test]
fn other_shells_take_their_scripts() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute"), ("bash", "-n")] {
        let script = sandbox.svcctl(&["completions", shell]).code(0).stdout.clone();
        let file = sandbox.file(shell);
        std::fs::write(&file, script).expect("room for a file");
        let mut command = Command::new(shell);
        command.arg(check).arg(&file);
        assert_eq!(sandbox.run(command).code(0).stderr, "", "{shell} says something");
    }
    sandbox.svcctl(&["completions", "powershell"]).code(0);
    sandbox.svcctl(&["completions", "csh"]).code(2).says("bash, zsh, fish, powershell");
    let mut fish = with_svcctl(&sandbox, "fish");
    fish.env("HOME", sandbox.path());
    fish.args(["--no-config", "-c", "svcctl completions fish | source; complete -C 'svcctl start '"]);
    assert!(sandbox.run(fish).code(0).stdout.lines().any(|line| line.starts_with("web")));
}

#[test]
fn manual_pages_render_without_a_warning() {
    let sandbox = Sandbox::new();
    let pages = sandbox.file("man1");
    sandbox.svcctl(&["man", "--dir", &pages.to_string_lossy()]).code(0);
    let found: Vec<_> =
        std::fs::read_dir(&pages).expect("the pages").flatten().map(|entry| entry.path()).collect();
    assert!(found.len() > 12 && found.contains(&pages.join("svcctl-install.1")), "{found:?}");
    for page in &found {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww"]).arg(page);
        let ran = sandbox.run(groff);
        assert_eq!(ran.code(0).stderr, "", "{}", page.display());
        assert!(ran.stdout.contains("SYNOPSIS") || ran.stdout.contains("S\u{8}S"), "{}", page.display());
    }
    let one = sandbox.svcctl(&["man", "install"]).code(0).stdout.clone();
    assert_eq!(one, std::fs::read_to_string(pages.join("svcctl-install.1")).expect("a page"));
    sandbox.svcctl(&["man", "instal"]).code(2).says("did you mean install?");
}

#[test]
fn patterns_stand_for_services() {
    let sandbox = Sandbox::new();
    for name in ["web-1", "web-2", "db"] {
        sandbox.install(name, &[], &sandbox.fixture().stay());
    }
    sandbox.svcctl(&["start", "web-*"]).code(0);
    let state = |name: &str| sandbox.status(name)["state"].clone();
    assert_eq!([state("web-1"), state("web-2"), state("db")], ["RUNNING", "RUNNING", "STOPPED"]);
    sandbox.svcctl(&["restart", "web-[2-9]"]).code(0);
    let several = sandbox.svcctl(&["status", "web-*", "--output", "json"]).code(0).json();
    let names: Vec<_> =
        several.as_array().expect("a list").iter().map(|service| service["name"].clone()).collect();
    assert_eq!(names, ["web-1", "web-2"]);
    assert!(sandbox.svcctl(&["status", "d?", "--output", "json"]).code(3).json().is_array());
    assert!(sandbox.svcctl(&["status", "db", "--output", "json"]).code(3).json().is_object());
    for verb in ["start", "stop", "restart", "reset", "uninstall", "status", "logs"] {
        sandbox.svcctl(&[verb, "api-*"]).code(4).says("no service matches api-*");
    }
    assert!(sandbox.svcctl(&["logs", "web-*"]).code(0).stdout.contains("web-2"));
    sandbox.svcctl(&["uninstall", "web-*"]).code(0);
    assert_eq!(
        sandbox.svcctl(&["list", "--output", "json"]).json()["services"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn long_output_is_paged_on_a_terminal_only() {
    let sandbox = Sandbox::new();
    for number in 0..20 {
        sandbox.install(&format!("s{number}"), &[], &sandbox.fixture().stay());
    }
    let pager = [("SVCCTL_PAGER", "sed s/^/paged:/")];
    let shown = |line: &str, variables: &[(&str, &str)]| on_a_terminal(&sandbox, line, variables).stdout;
    assert!(shown("svcctl list", &pager).contains("paged:s19"));
    for line in ["svcctl list --no-pager", "svcctl list | cat", "svcctl status s1"] {
        let text = shown(line, &pager);
        assert!(!text.contains("paged:") && text.contains("s1"), "{line}: {text}");
    }
    assert!(!shown("svcctl list", &[("SVCCTL_PAGER", ""), ("PAGER", "sed s/^/paged:/")]).contains("paged:"));
    assert!(shown("svcctl list", &[("SVCCTL_PAGER", "no-such-pager")]).contains("s19"));
    assert!(shown("svcctl man", &pager).contains("paged:.SH NAME"));
    // Who has seen enough is no error.
    on_a_terminal(&sandbox, "svcctl list", &[("SVCCTL_PAGER", "true")]).code(0);
}

#[test]
fn colours_are_as_they_were_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.install("web", &[], &sandbox.fixture().stay());
    let coloured = |line: &str, variables: &[(&str, &str)]| {
        on_a_terminal(&sandbox, line, variables).code(0).stdout.contains("\u{1b}[")
    };
    assert!(coloured("svcctl list", &[]));
    assert!(!coloured("svcctl list", &[("NO_COLOR", "1")]));
    assert!(!coloured("svcctl list --color never", &[]));
    assert!(!coloured("svcctl list | cat", &[]));
    assert!(coloured("svcctl --color always list | cat", &[("NO_COLOR", "1")]));
}

#[test]
fn a_long_start_shows_what_it_waits_for() {
    let sandbox = Sandbox::new();
    let nobody = free_address().to_string();
    sandbox.install("slow", &["--ready-tcp", &nobody], &sandbox.fixture().stay());
    let ran = on_a_terminal(&sandbox, "svcctl start slow --timeout 2s", &[]);
    let line = ran.code(6).stdout.find("waiting for slow: is not ready");
    assert!(line.is_some() && ran.stdout.contains("\r\u{1b}[Ksvcctl: "), "{}", ran.stdout);
    let quiet = sandbox.svcctl(&["restart", "slow", "--timeout", "1s"]);
    assert!(!quiet.code(6).stderr.contains("waiting for"), "{}", quiet.stderr);
}

#[test]
fn init_guesses_from_arguments_and_its_file_can_be_installed() {
    let sandbox = Sandbox::new();
    let program = sandbox.fixture().stay();
    let text = |words: &[&str]| sandbox.svcctl(&[&["init"], words].concat()).code(0).stdout.clone();
    let written = text(&["web", "--", &program[0], "--port", "8081"]);
    assert!(
        written.contains("# Guessed from the argument --port 8081.\nready:\n  tcp: 127.0.0.1:8081\n"),
        "{written}"
    );
    let file = sandbox.file("web.yaml").to_string_lossy().into_owned();
    sandbox.svcctl(&["init", "web", "-f", &file, "--", &program[0], &program[1]]).code(0).says("install -f");
    sandbox.svcctl(&["init", "web", "-f", &file, "--", &program[0]]).code(8).says("--force");
    sandbox.svcctl(&["init", "web", "-f", &file, "--force", "--", &program[0], &program[1]]).code(0);
    sandbox.svcctl(&["install", "-f", &file, "--now"]).code(0);
    sandbox.svcctl(&["init", "--", "no-such-program-at-all"]).code(9).says("no-such-program-at-all");
    assert!(!sandbox.root().join("services/fixture.yaml").exists());
}

#[test]
fn init_tries_a_program_and_leaves_nothing_of_it() {
    let sandbox = Sandbox::new();
    let address = free_address();
    let serve = sandbox.fixture().serve(address, 100);
    let words: Vec<&str> =
        ["init", "--probe", "--"].into_iter().chain(serve.iter().map(String::as_str)).collect();
    let text = sandbox.svcctl(&words).code(0).stdout.clone();
    assert!(text.contains("# Guessed from a trial") && text.contains(&format!("tcp: {address}")), "{text}");
    let pids = sandbox.file("pids");
    std::fs::write(&pids, "").expect("room for a file");
    let tree = sandbox.fixture().tree(&pids);
    let words: Vec<&str> =
        ["init", "--probe", "--"].into_iter().chain(tree.iter().map(String::as_str)).collect();
    let text = sandbox.svcctl(&words).code(0).stdout.clone();
    assert!(text.contains("it listened at no TCP port"), "{text}");
    assert!(sandbox.processes().is_empty(), "{:?}", sandbox.processes());
    let exit = sandbox.fixture().exit(3);
    let text =
        sandbox.svcctl(&["init", "--probe", "--", &exit[0], &exit[1], &exit[2]]).code(0).stdout.clone();
    assert!(text.contains("# While it was tried, it ended with exit code 3."), "{text}");
}

#[test]
fn a_trial_that_is_interrupted_leaves_nothing() {
    let sandbox = Sandbox::new();
    let pids = sandbox.file("pids");
    std::fs::write(&pids, "").expect("room for a file");
    let tree = sandbox.fixture().tree(&pids);
    let words: Vec<&str> =
        ["init", "--probe", "--"].into_iter().chain(tree.iter().map(String::as_str)).collect();
    let mut init = sandbox.command(&words).stderr(Stdio::null()).spawn().expect("svcctl can be started");
    let begun = || std::fs::read_to_string(&pids).is_ok_and(|text| text.lines().count() >= 6);
    wait_until(SOON, "the tree is there", || begun().then_some(()));
    signal(init.id(), Signal::INT);
    let status = wait_until(SOON, "init ends", || init.try_wait().expect("a child of ours"));
    assert_eq!(status.code(), Some(1));
    assert!(sandbox.processes().is_empty(), "{:?}", sandbox.processes());
}

#[test]
fn init_sees_where_a_running_process_of_the_program_listens() {
    let sandbox = Sandbox::new();
    let address = free_address();
    let serve = sandbox.fixture().serve(address, 0);
    sandbox.install("server", &["--now", "--ready-tcp", &address.to_string()], &serve);
    let text = sandbox.svcctl(&["init", "--", &serve[0]]).code(0).stdout.clone();
    assert!(text.contains("of the same program, which listens there now"), "{text}");
    assert!(text.contains(&format!("tcp: {address}")), "{text}");
}

#[test]
fn relative_paths_in_a_file_are_meant_from_the_file() {
    let sandbox = Sandbox::new();
    let folder = sandbox.make_directory("app");
    std::fs::create_dir(folder.join("work")).expect("room for a directory");
    std::os::unix::fs::symlink(sandbox.fixture().program(), folder.join("server")).expect("room for a link");
    let document = "spec: 1\nname: web\nexec: [./server, stay]\ncwd: work\n";
    std::fs::write(folder.join("web.yaml"), document).expect("room for a file");
    sandbox.svcctl(&["install", "-f", "app/web.yaml", "--now"]).code(0);
    let spec = sandbox.status("web")["spec"].clone();
    assert_eq!(spec["exec"][0], folder.join("server").to_string_lossy().into_owned());
    assert_eq!(spec["cwd"], folder.join("work").to_string_lossy().into_owned());
    let mut from_stdin = sandbox.command(&["install", "-f", "-", "--dry-run", "--output", "json"]);
    let mut child = from_stdin
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("svcctl can be started");
    let document = document.replace("name: web", "name: other");
    child.stdin.take().expect("a pipe").write_all(document.as_bytes()).expect("a reader");
    let output = child.wait_with_output().expect("a child of ours");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains(&*folder.join("server").to_string_lossy()), "{shown}");
}

fn script(path: &Path, text: &str) -> String {
    std::fs::write(path, text).expect("room for a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a file of ours");
    path.to_string_lossy().into_owned()
}

#[test]
fn scripts_that_the_system_cannot_run_are_explained() {
    let sandbox = Sandbox::new();
    let windows = script(&sandbox.file("windows"), "#!/bin/sh\r\necho x\r\n");
    let plain = script(&sandbox.file("plain"), "echo x\n");
    sandbox.install("windows", &[], &[windows]);
    sandbox.install("plain", &[], &[plain]);
    sandbox.svcctl(&["start", "windows"]).code(1).says("CR LF").says("interpreter /bin/sh is not found");
    sandbox.svcctl(&["start", "plain"]).code(1).says("a script needs a first line such as #!/bin/sh");
}

#[test]
fn what_is_said_of_a_program_that_ends_at_once_fits_the_exit_code() {
    let sandbox = Sandbox::new();
    let exit = sandbox.fixture().exit(3);
    let options = ["--now", "--restart-delay", "1h"];
    let words: Vec<&str> = ["install", "short"].into_iter().chain(options).chain(["--"]).collect();
    let words: Vec<&str> = words.into_iter().chain(exit.iter().map(String::as_str)).collect();
    let ran = sandbox.svcctl(&words);
    // It is asked for right after its start, so it may be seen running still.
    let fits = ran.stdout.contains("started, and has ended since") || ran.stdout.contains("running");
    assert!(ran.code == Some(0) && fits, "{ran:?}");
    let words: Vec<&str> = ["install", "given-up", "--now", "--restart", "never", "--"].to_vec();
    let words: Vec<&str> = words.into_iter().chain(exit.iter().map(String::as_str)).collect();
    let ran = sandbox.svcctl(&words);
    assert_eq!(ran.code == Some(1), ran.stdout.contains("ERROR"), "{ran:?}");
}

#[test]
fn mistakes_are_told_in_one_sentence() {
    let sandbox = Sandbox::new();
    for (words, said) in [
        (&["strat", "web"][..], "did you mean svcctl start?"),
        (&["web", "start"], "the verb comes first: svcctl start web"),
        (&["install", "web", "./server"], "svcctl install web -- ./server"),
        (&["status", "--al"], "status has no flag --al"),
    ] {
        let ran = sandbox.svcctl(words);
        ran.code(2).says(said);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}
