//! Programs that run as somebody else.

use crate::Test;
use crate::bed::{Bed, OPEN_DESCRIPTORS, OPEN_FILES, Trees, image, read_all, script};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use svcctl_keeper::protocol::{Identity, Image, Limit, Resource, Status};

pub(crate) const TESTS: &[Test] = &[
    ("a_program_runs_as_its_user_and_groups", a_program_runs_as_its_user_and_groups),
    ("the_helper_leaves_nothing_behind", the_helper_leaves_nothing_behind),
    ("identities_that_cannot_be_are_named", identities_that_cannot_be_are_named),
    ("a_program_has_its_umask_and_limits", a_program_has_its_umask_and_limits),
    ("without_rights_only_the_own_user_is_possible", without_rights_only_the_own_user_is_possible),
];

fn whom(user: Option<&str>, group: Option<&str>, groups: Option<&[&str]>) -> Identity {
    let groups = groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
    Identity { user: user.map(Into::into), group: group.map(Into::into), groups }
}

/// Tests of this file need root, since only root can become somebody else.
fn assert_root() {
    assert!(
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0),
        "run as root"
    );
}

fn a_program_runs_as_its_user_and_groups() {
    assert_root();
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let mut generation = 0;
    let mut ids = |identity| {
        generation += 1;
        let text = "id -u; id -g; id -G; grep -E '^[UG]id' /proc/self/status | cut -f2- | tr '\\t' ' '";
        let spawned = engine.spawn("web#0", generation, Image { identity: Some(identity), ..script(text) });
        engine.exit("web#0", generation);
        read_all(spawned.stdout)
    };
    let nobody = "65534\n65534\n65534\n65534 65534 65534 65534\n65534 65534 65534 65534\n";
    assert_eq!(ids(whom(Some("nobody"), None, None)), nobody);
    assert_eq!(ids(whom(Some("65534"), None, None)), nobody);
    let mixed = ids(whom(Some("nobody"), Some("daemon"), Some(&["adm", "4242"])));
    assert_eq!(mixed, "65534\n1\n1 4 4242\n65534 65534 65534 65534\n1 1 1 1\n");
    assert!(ids(whom(None, Some("daemon"), None)).starts_with("0\n1\n1\n"));
    assert!(ids(whom(Some("4242"), Some("4243"), None)).starts_with("4242\n4243\n4243\n"));
}

fn the_helper_leaves_nothing_behind() {
    assert_root();
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let text = format!("{OPEN_DESCRIPTORS}; ulimit -n; pwd; env");
    let env = vec![b"PATH=/usr/bin:/bin".to_vec(), b"HOME=/given".to_vec()];
    let image = Image {
        identity: Some(whom(Some("nobody"), None, None)),
        env,
        cwd: b"/usr".to_vec(),
        ..script(&text)
    };
    let output = read_all(engine.spawn("web#0", 1, image).stdout);
    let mut lines = output.lines();
    assert_eq!(lines.next(), Some("0 1 2 "));
    assert_eq!(lines.next(), Some(OPEN_FILES));
    assert_eq!(lines.next(), Some("/usr"));
    let mut variables: Vec<&str> =
        lines.filter(|line| !line.starts_with("PWD=") && !line.starts_with("_=")).collect();
    variables.sort_unstable();
    let shell = "SHELL=/usr/sbin/nologin";
    let expected = [
        "HOME=/given",
        "LOGNAME=nobody",
        "PATH=/usr/bin:/bin",
        shell,
        "SVCCTL_INSTANCE=web#0:1",
        "USER=nobody",
    ];
    assert_eq!(variables, expected);
}

fn identities_that_cannot_be_are_named() {
    assert_root();
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let run = |identity| Image { identity: Some(identity), ..image(&["/bin/true"]) };
    let private = bed.directory.path().join("private");
    std::fs::DirBuilder::new().mode(0o700).create(&private).unwrap();
    let cwd = private.to_str().unwrap().as_bytes().to_vec();
    let cases = [
        (run(whom(Some("no-such-user"), None, None)), "user no-such-user does not exist".to_owned()),
        (run(whom(None, Some("no-such-group"), None)), "group no-such-group does not exist".to_owned()),
        (run(whom(Some("nobody"), None, Some(&["x-y"]))), "group x-y does not exist".to_owned()),
        (
            Image { identity: Some(whom(Some("nobody"), None, None)), ..image(&["/no/such"]) },
            "/no/such: no such file".to_owned(),
        ),
        (
            Image { cwd, ..run(whom(Some("nobody"), None, None)) },
            format!("working directory {}: permission denied", private.display()),
        ),
    ];
    for (generation, (image, message)) in (1..).zip(cases) {
        assert_eq!(engine.refusal(generation, image), message);
    }
}

fn a_program_has_its_umask_and_limits() {
    assert_root();
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let limit = |resource, at| Limit { resource, at };
    let limited = |text: &str| Image {
        umask: Some(0o027),
        limits: vec![
            limit(Resource::OpenFiles, Some(4000)),
            limit(Resource::Core, Some(0)),
            limit(Resource::FileSize, Some(8192)),
            limit(Resource::Stack, Some(1 << 20)),
            limit(Resource::LockedMemory, Some(1 << 16)),
        ],
        ..script(text)
    };
    let text = "umask; ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -f; ulimit -s; ulimit -Hl; id -u";
    let output = read_all(engine.spawn("web#0", 1, limited(text)).stdout);
    assert_eq!(output, "0027\n4000\n4000\n0\n16\n1024\n64\n0\n");
    engine.exit("web#0", 1);
    let image = Image {
        identity: Some(whom(Some("nobody"), None, None)),
        limits: vec![limit(Resource::Core, None), limit(Resource::Processes, Some(77))],
        ..script("ulimit -c; ulimit -p; umask; id -u")
    };
    let output = read_all(engine.spawn("web#0", 2, image).stdout);
    assert_eq!(
        output,
        format!("{}\n77\n{}\n65534\n", shell("ulimit -c unlimited; ulimit -c"), shell("umask"))
    );
    engine.exit("web#0", 2);
    // As many as the machine has, if the tests may ask for that.
    let most = shell("read most </proc/sys/fs/nr_open; ulimit -Hn $most 2>/dev/null && ulimit -Hn");
    let image = Image { limits: vec![limit(Resource::OpenFiles, None)], ..script("ulimit -Hn") };
    if most.is_empty() {
        assert!(engine.refusal(3, image).starts_with("not allowed to set limits.open_files to "));
    } else {
        assert_eq!(read_all(engine.spawn("web#0", 3, image).stdout), format!("{most}\n"));
    }
}

/// What a shell of this process says.
fn shell(script: &str) -> String {
    let shown = Command::new("/bin/sh").args(["-c", script]).output().unwrap();
    String::from_utf8(shown.stdout).unwrap().trim().to_owned()
}

fn without_rights_only_the_own_user_is_possible() {
    assert_root();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    let path = path.as_str();
    std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    // The binary itself may lie where nobody else may look, so it is copied.
    let binary = directory.path().join("svcctl");
    // Not by this process: its other tests fork, and a file that is open for writing cannot be executed.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&binary).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(&binary);
    command.args(["__keeper", path, "auto", "__engine", path]).uid(65534).gid(65534);
    let bed = Bed::with(&mut command, directory);
    let engine = bed.greeted();
    let run = |user| Image { identity: Some(whom(Some(user), None, None)), ..image(&["/bin/true"]) };
    assert_eq!(
        engine.refusal(1, run("daemon")),
        "not allowed to change to user daemon (svcctl runs as uid 65534)"
    );
    engine.spawn("web#0", 2, run("nobody"));
    assert_eq!(engine.exit("web#0", 2), Status::Code(0));
    let limits = vec![Limit { resource: Resource::OpenFiles, at: Some(1 << 40) }];
    let refused = engine.refusal(3, Image { limits, ..image(&["/bin/true"]) });
    assert!(
        refused
            .starts_with("not allowed to set limits.open_files to 1099511627776 (the daemon's own limit is ")
            && refused.ends_with("raise the limit that the daemon is started with"),
        "{refused}"
    );
    let limits = vec![Limit { resource: Resource::OpenFiles, at: Some(64) }];
    engine.spawn("web#0", 4, Image { limits, ..image(&["/bin/true"]) });
    assert_eq!(engine.exit("web#0", 4), Status::Code(0));
}
