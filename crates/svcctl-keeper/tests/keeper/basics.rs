//! Making a process, and how it ends.

use crate::Test;
use crate::bed::{
    Bed, OPEN_DESCRIPTORS, OPEN_FILES, Trees, image, is_alive, own, read_all, read_line, script,
};
use std::fs;
use svcctl_keeper::protocol::{Image, Notice, Request, Status};
use svcctl_os::linux::procfs;

pub(crate) const TESTS: &[Test] = &[
    ("exits_are_told_with_code_or_signal", exits_are_told_with_code_or_signal),
    (
        "a_signal_reaches_the_process_of_that_generation_only",
        a_signal_reaches_the_process_of_that_generation_only,
    ),
    ("a_process_has_its_own_session_and_a_clean_state", a_process_has_its_own_session_and_a_clean_state),
    ("a_process_has_its_directory_and_environment", a_process_has_its_directory_and_environment),
    ("no_descriptor_of_the_keeper_reaches_a_program", no_descriptor_of_the_keeper_reaches_a_program),
    ("a_repeated_spawn_gets_the_first_answer", a_repeated_spawn_gets_the_first_answer),
    ("a_program_is_looked_up_in_its_own_path", a_program_is_looked_up_in_its_own_path),
    ("a_large_image_goes_by_a_file_in_memory", a_large_image_goes_by_a_file_in_memory),
    ("many_processes_start_and_end", many_processes_start_and_end),
];

fn exits_are_told_with_code_or_signal() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let spawned = engine.spawn("web#0", 1, script("echo out; echo err >&2; exit 3"));
    assert_eq!(engine.exit("web#0", 1), Status::Code(3));
    assert_eq!((read_all(spawned.stdout), read_all(spawned.stderr)), ("out\n".into(), "err\n".into()));
    engine.spawn("web#0", 2, script("kill -KILL $$"));
    assert_eq!(engine.exit("web#0", 2), Status::Signal(9));
    engine.spawn("web#0", 3, image(&["/bin/true"]));
    assert_eq!(engine.exit("web#0", 3), Status::Code(0));
}

fn a_signal_reaches_the_process_of_that_generation_only() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let spawned =
        engine.spawn("web#0", 5, script("trap 'echo usr1' USR1; echo ready; while :; do sleep 0.01; done"));
    assert_eq!(read_line(&spawned.stdout), "ready");
    let signal = |generation, signal| {
        let slot = "web#0".to_owned();
        engine.send(&Request::Signal { slot, generation, signal, state: Vec::new(), kill_by: None });
    };
    signal(4, 9);
    signal(5, 10);
    assert_eq!(read_line(&spawned.stdout), "usr1");
    signal(5, 15);
    assert_eq!(engine.exit_unacknowledged("web#0", 5), Status::Signal(15));
}

fn a_process_has_its_own_session_and_a_clean_state() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let spawned = engine.spawn("web#0", 1, script("readlink /proc/self/fd/0; ulimit -n; read x"));
    assert_eq!(read_all(spawned.stdout), format!("/dev/null\n{OPEN_FILES}\n"));
    // The end of its input ends it.
    assert_eq!(engine.exit("web#0", 1), Status::Code(1));
    // Not by a shell, which puts some of this in order itself.
    let spawned = engine.spawn("web#0", 2, image(&["/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]));
    assert_eq!(read_all(spawned.stdout), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    engine.exit("web#0", 2);
    let spawned = engine.spawn("web#0", 3, image(&["/bin/sleep", "1000"]));
    assert_eq!(procfs::process(spawned.pid).unwrap().session, spawned.pid);
}

fn a_process_has_its_directory_and_environment() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let image = Image {
        cwd: b"/usr/bin".to_vec(),
        env: vec![b"A=1".to_vec(), b"B= x".to_vec()],
        ..script("/bin/pwd; /usr/bin/env")
    };
    let output = read_all(engine.spawn("web#0", 1, image).stdout);
    let mut lines: Vec<&str> = output.lines().filter(|line| !line.starts_with("PWD=")).collect();
    assert_eq!(lines.remove(0), "/usr/bin");
    lines.sort_unstable();
    assert_eq!(lines, ["A=1", "B= x", "SVCCTL_INSTANCE=web#0:1"]);
    engine.exit("web#0", 1);
    let output = read_all(engine.spawn("web#0", 2, script("pwd")).stdout);
    assert_eq!(output, "/\n");
}

fn no_descriptor_of_the_keeper_reaches_a_program() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    engine.spawn("other#0", 1, image(&["/bin/sleep", "1000"]));
    assert_eq!(read_all(engine.spawn("web#0", 1, script(OPEN_DESCRIPTORS)).stdout), "0 1 2 \n");
}

fn a_repeated_spawn_gets_the_first_answer() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let first = engine.spawn("web#0", 1, image(&["/bin/sleep", "1000"]));
    let again = engine.spawn("web#0", 1, image(&["/bin/false"]));
    assert_eq!(first.pid, again.pid);
    // Another generation is refused while this one lives.
    assert!(engine.refusal(2, image(&["/bin/true"])).contains("are left"));
    let wrong = "/no/such/program";
    engine.request_spawn("bad#0", 1, image(&[wrong]));
    let one = engine.next().0;
    engine.request_spawn("bad#0", 1, image(&["/bin/true"]));
    let two = engine.next().0;
    assert_eq!(one, two);
    assert!(matches!(one, Notice::SpawnFailed { message, .. } if message.starts_with(wrong)));
    assert!(is_alive(first.pid));
}

fn a_program_is_looked_up_in_its_own_path() {
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    let directory = bed.directory.path().join("bin");
    fs::create_dir(&directory).unwrap();
    std::os::unix::fs::symlink("/bin/echo", directory.join("svcctl-echo")).unwrap();
    let path = format!("PATH=/nowhere:{}", directory.display());
    let image = Image { env: vec![path.into_bytes()], ..image(&["svcctl-echo", "found"]) };
    assert_eq!(read_all(engine.spawn("web#0", 1, image).stdout), "found\n");
}

fn a_large_image_goes_by_a_file_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let status = own(&["__keeper", path, "auto", "__engine-by-client"]).status().unwrap();
    assert_eq!(status.code(), Some(7));
}

fn many_processes_start_and_end() {
    const MANY: usize = 200;
    let bed = Bed::new(Trees::Group);
    let engine = bed.greeted();
    for number in 0..MANY {
        engine.request_spawn(&format!("s{number}#0"), 1, script("echo x; exit 4"));
    }
    let (mut spawned, mut ended) = (0, 0);
    while ended < MANY {
        match engine.next() {
            (Notice::Spawned { .. }, streams) => {
                spawned += 1;
                assert_eq!(streams.len(), 2);
            }
            (Notice::Exited { slot, generation, status, tree_empty }, _) => {
                assert_eq!((status, tree_empty), (Status::Code(4), true));
                engine.send(&Request::Acknowledge { slot, generation });
                ended += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(spawned, MANY);
}
