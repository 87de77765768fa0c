//! Why there is no process, in exact words.

use crate::Test;
use crate::bed::{Bed, Trees, eventually, image};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use svcctl_keeper::protocol::{Image, MESSAGE_MAX_BYTES};
use svcctl_os::linux::procfs;

pub(crate) const TESTS: &[Test] = &[
    ("spawn_errors_are_exact", spawn_errors_are_exact),
    ("a_long_reason_is_cut", a_long_reason_is_cut),
    ("a_slot_works_after_a_failed_spawn", a_slot_works_after_a_failed_spawn),
];

fn spawn_errors_are_exact() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let directory = bed.directory.path();
    let file = |name: &str, text: &str, mode: u32| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = file("plain", "echo x\n", 0o755);
    let script = file("script", "#!/bin/foo -x\n", 0o755);
    let windows = file("windows", "#!/bin/sh\r\necho x\r\n", 0o755);
    let denied = file("denied", "#!/bin/sh\n", 0o644);
    let in_directory = |cwd: &str| Image { cwd: cwd.as_bytes().to_vec(), ..image(&["/bin/true"]) };
    let with_path =
        Image { env: vec![format!("PATH={}:/x", directory.display()).into_bytes()], ..image(&["denied"]) };
    let cases = [
        (image(&["/opt/web/server"]), "/opt/web/server: no such file".to_owned()),
        (image(&[&denied]), format!("{denied}: permission denied")),
        (image(&["/etc/passwd/x"]), "/etc/passwd/x: a part of its path is not a directory".to_owned()),
        (image(&[&script]), format!("{script}: no such file (its interpreter /bin/foo is missing)")),
        (
            image(&[&plain]),
            format!(
                "{plain}: not a program this system can run (a script needs a first line such as #!/bin/sh)"
            ),
        ),
        (
            image(&[&windows]),
            format!(
                "{windows}: its lines end as on Windows (CR LF), so its interpreter /bin/sh is not found; \
                 change that with: sed -i 's/\\r$//' {windows}"
            ),
        ),
        (image(&["no-such-program"]), "no-such-program: not found in PATH (/usr/bin:/bin)".to_owned()),
        (with_path, format!("{denied}: permission denied")),
        (in_directory("/nope"), "working directory /nope: no such directory".to_owned()),
        (in_directory("/etc/passwd"), "working directory /etc/passwd: not a directory".to_owned()),
        (image(&[]), "the command is empty".to_owned()),
        (image(&["/bin/a\0b"]), "\"/bin/a\\0b\" has a NUL byte in it".to_owned()),
    ];
    for (generation, (image, message)) in (1..).zip(cases) {
        assert_eq!(engine.refusal(generation, image), message);
    }
}

fn a_long_reason_is_cut() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let path = ["PATH=/".as_bytes(), &":/ä".repeat(10_000).into_bytes()].concat();
    let message = engine.refusal(1, Image { env: vec![path], ..image(&["no-such-program"]) });
    assert!(message.starts_with("no-such-program: not found in PATH (/:/ä"), "{message}");
    assert!((MESSAGE_MAX_BYTES - 1..=MESSAGE_MAX_BYTES).contains(&message.len()), "{}", message.len());
}

fn a_slot_works_after_a_failed_spawn() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    for round in 0..20 {
        engine.refusal(round * 2 + 1, image(&["/no/such"]));
        engine.spawn("web#0", round * 2 + 2, image(&["/bin/true"]));
        engine.exit("web#0", round * 2 + 2);
    }
    eventually("no zombie is left", || {
        let own =
            procfs::processes().into_iter().filter(|entry| entry.parent == bed.keeper.id() && entry.zombie);
        (own.count() == 0).then_some(())
    });
}
