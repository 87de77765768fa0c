//! The capture on a file system that is full: a small tmpfs in a mount namespace of its own.
//!
//! This program starts itself there by `unshare` (util-linux), which needs root or unprivileged user namespaces.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_engine::logs::{self, LogsConfig, StreamId, read};
use svcctl_keeper::protocol::Stream;

const FOLDER: &str = "SVCCTL_TEST_FULL_DISK";
const PATIENCE: Duration = Duration::from_secs(30);
const MOUNT_AND_RUN: &str =
    r#"mount -t tmpfs -o size=2m none "$1" && exec "$0" --exact on_the_small_disk --nocapture"#;

#[test]
fn a_program_goes_on_when_the_disk_is_full_and_the_loss_is_said() {
    let folder = tempfile::tempdir().expect("folder");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT_AND_RUN])
        .arg(std::env::current_exe().expect("this program"))
        .arg(folder.path())
        .env(FOLDER, folder.path())
        .output()
        .expect("unshare");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("the small disk was full"), "{text}");
}

/// Not a test by itself: what runs on the small disk. Without the variable it has nothing to do.
#[test]
fn on_the_small_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let config = LogsConfig {
        logs: folder.join("logs"),
        spools: folder.join("spool"),
        boot_id: "boot".into(),
        echo: None,
        on_spool: Box::new(|_, _| {}),
        on_stream_done: Box::new(|_| {}),
    };
    let (handle, joiner) = logs::start(config).expect("start");
    let name = ServiceName::new("app").expect("a name");
    let id = StreamId {
        slot: SlotKey { name: name.clone(), index: 0 },
        generation: Generation(1),
        pid: 1,
        stream: Stream::Stdout,
    };
    let (pipe, mut write) = std::io::pipe().expect("pipe");
    handle.attach(id, pipe.into());
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![1; 1024 * 1024]).expect("ballast");
    let line = "x".repeat(99) + "\n";
    for _ in 0..100_000 {
        write.write_all(line.as_bytes()).expect("the program is never blocked");
    }
    let (flushed, wait) = channel();
    handle.flush(None, move || flushed.send(()).expect("the test waits"));
    wait.recv_timeout(PATIENCE).expect("flushed");
    std::fs::remove_file(ballast).expect("room again");
    write.write_all(b"after\n").expect("write");
    wait_for(&handle, &name, &folder.join("logs/app"), "\"message\":\"dropped ");
    drop(write);
    handle.finish(Instant::now() + PATIENCE);
    joiner.join().expect("it ends well");
    println!("the small disk was full");
}

/// Waits until the log has this text, by following it.
fn wait_for(handle: &logs::LogsHandle, name: &ServiceName, folder: &Path, text: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("runtime");
    let mut follower = handle.watch(name);
    let found = async {
        loop {
            let mut cursor = read::Cursor::default();
            loop {
                let records = read::after(folder, cursor).expect("read");
                if records.bytes.is_empty() {
                    break;
                }
                if String::from_utf8_lossy(&records.bytes).contains(text) {
                    return;
                }
                cursor = records.cursor;
            }
            follower.changed().await.expect("the thread lives");
        }
    };
    runtime.block_on(async { tokio::time::timeout(PATIENCE, found).await }).expect("it is said in time");
}
