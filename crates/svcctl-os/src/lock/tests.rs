//! Locks on real files, with other processes and, where the tests run as root, other users.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// Far longer than any wait of these tests takes.
const LONG: Duration = Duration::from_mins(1);
/// A user who is not the one of these tests.
const STRANGER: u32 = 65_534;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).expect("a directory of ours");
    let path = directory.path().join("daemon.lock");
    (directory, path)
}

/// A process that ends when its standard input does.
fn waiting(script: &str, as_stranger: bool) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if as_stranger {
        command.uid(STRANGER).gid(STRANGER).current_dir("/");
    }
    command.spawn().expect("a shell")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_held_lock_names_its_holder_and_is_free_after_it() {
    let (_directory, path) = place();
    assert_eq!(Lock::holder(&path).unwrap(), None);
    let lock = Lock::acquire(&path, "the daemon").unwrap();
    let error = Lock::acquire(&path, "another").unwrap_err();
    assert_eq!(error.to_string(), format!("the daemon already runs as pid {}", std::process::id()));
    assert_eq!(Lock::holder(&path).unwrap().unwrap().pid, Some(std::process::id()));
    drop(lock);
    assert_eq!(Lock::holder(&path).unwrap(), None);
    assert_eq!(std::fs::read(&path).unwrap(), b"", "a free lock names nobody");
    Lock::acquire(&path, "another").unwrap();
}

#[test]
fn a_place_where_no_file_can_be_is_named() {
    let error = Lock::acquire(Path::new("/no/such/place.lock"), "x").unwrap_err();
    assert!(error.to_string().starts_with("lock /no/such/place.lock: "), "{error}");
}

#[test]
fn asking_for_the_holder_keeps_nobody_from_the_lock() {
    let (_directory, path) = place();
    drop(Lock::acquire(&path, "the daemon").unwrap());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                Lock::holder(&path).unwrap();
            }
        });
        let refused = (0..2_000).find_map(|_| Lock::acquire(&path, "the daemon").err());
        stop.store(true, Ordering::Relaxed);
        assert!(refused.is_none(), "{refused:?}");
    });
}

#[test]
fn commands_are_waited_for_and_a_daemon_is_not() {
    let (_directory, path) = place();
    let command = Lock::acquire(&path, A_COMMAND).unwrap();
    let error = Lock::acquire_within(&path, "the daemon", Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.to_string(), format!("a command already runs as pid {}", std::process::id()));
    let daemon = std::thread::scope(|scope| {
        let daemon = scope.spawn(|| Lock::acquire_within(&path, "the daemon", LONG).unwrap());
        drop(command);
        daemon.join().unwrap()
    });
    let begun = Instant::now();
    let error = Lock::acquire_within(&path, A_COMMAND, LONG).unwrap_err();
    assert!(matches!(&error, LockError::Held(holder) if !holder.is_passing()), "{error}");
    assert!(begun.elapsed() < LONG / 2);
    drop(daemon);
}

#[test]
fn commands_beside_each_other_all_get_their_turn() {
    let (_directory, path) = place();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    drop(Lock::acquire_within(&path, A_COMMAND, LONG).unwrap());
                }
            });
        }
    });
}

#[test]
fn a_process_of_the_same_number_but_another_start_is_not_the_holder() {
    let (_directory, path) = place();
    let mut child = waiting("read line", false);
    let pid = child.id();
    let entry = crate::linux::procfs::process(pid).unwrap();
    let lock = Lock::acquire(&path, "the daemon").unwrap();
    let stale = entry.start + 1;
    std::fs::write(&path, format!("{pid}\n{stale}\nthe daemon\n")).unwrap();
    let unnamed = Lock::holder(&path).unwrap().unwrap();
    assert_eq!((unnamed.pid, unnamed.to_string().as_str()), (None, "another svcctl already runs"));
    let of = |start| Holder { what: "the daemon".to_owned(), pid: Some(pid), start: Some(start) };
    for stale in [unnamed, of(stale)] {
        assert_eq!(stale.signal(Signal::Term).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
    assert!(!Lock::wait_until_free(&path, Duration::from_millis(1)).unwrap());
    // The one that is meant, and only it: had the other been signalled, its signal would have ended the child.
    of(entry.start).signal(Signal::Kill).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    assert_eq!(of(entry.start).signal(Signal::Term).unwrap_err().kind(), io::ErrorKind::NotFound);
    drop(lock);
    assert!(Lock::wait_until_free(&path, LONG).unwrap());
}

#[test]
fn the_file_is_its_owners_alone_and_a_stranger_keeps_nobody_from_the_lock() {
    if !is_root() {
        return;
    }
    let (_directory, path) = place();
    std::fs::write(&path, "1\n1\nthe daemon\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let script = format!("exec 9<{0} && flock -s 9 && echo held && read line && ! cat {0}", path.display());
    let mut stranger = waiting(&script, true);
    let mut said = String::new();
    BufReader::new(stranger.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    assert_eq!(Lock::holder(&path).unwrap(), None);
    let lock = Lock::acquire(&path, "the daemon").unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    stranger.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(stranger.wait().unwrap().success(), "the stranger could read the file");
    drop(lock);
}

#[test]
fn who_may_not_open_the_file_is_told_so() {
    if !is_root() {
        return;
    }
    let (_directory, path) = place();
    let _lock = Lock::acquire(&path, "the daemon").unwrap();
    // The rights are those of one thread, which ends with them.
    let stranger = std::thread::scope(|scope| {
        let asks = scope.spawn(|| {
            rustix::thread::set_thread_uid(rustix::fs::Uid::from_raw(STRANGER)).unwrap();
            [Lock::holder(&path).unwrap_err(), Lock::acquire(&path, "x").unwrap_err()]
        });
        asks.join().unwrap()
    });
    for error in stranger {
        assert!(matches!(error, LockError::Denied { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("lock {}: permission denied", path.display()));
    }
}
