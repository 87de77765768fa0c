//! The daemon behind the command that starts it: what it keeps of its caller, and who may be at work beside it.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A root with a daemon that is ended with it.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn svcctl(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_svcctl")).args(arguments).output().expect("svcctl")
    }

    /// A program with svcctl's surroundings, and with svcctl itself as `$SVCCTL`.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SVCCTL_ROOT", self.path()).env("SVCCTL_FORCE", "no-cgroup");
        command.env("SVCCTL", env!("CARGO_BIN_EXE_svcctl")).current_dir(self.path());
        command
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        drop(self.svcctl(&["daemon", "stop"]));
    }
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_daemon_in_the_background_keeps_no_descriptor_of_its_caller() {
    let root = Root::new();
    // The script's lock is free when the script has ended, and the pipe of $( ) ends with the command.
    let script = r#"
        exec 9>script.lock && flock 9
        said=$(exec 8>&1; "$SVCCTL" daemon --background) && echo "$said"
    "#;
    let output = root.command("sh").args(["-c", script]).output().unwrap();
    succeeded(&output);
    assert!(String::from_utf8_lossy(&output.stdout).contains("the daemon runs in the background"));
    let status = root.command("flock").args(["--nonblock", "script.lock", "true"]).status().unwrap();
    assert!(status.success(), "the daemon holds the lock of the script that started it");
    succeeded(&root.svcctl(&["daemon", "status"]));
}

#[test]
fn commands_at_once_exclude_neither_each_other_nor_the_daemon() {
    let root = Root::new();
    succeeded(&root.svcctl(&["install", "web", "--no-autostart", "--", "/bin/true"]));
    let stop = AtomicBool::new(false);
    let (refused, daemon) = std::thread::scope(|scope| {
        let ask = || {
            let mut refused = None;
            while refused.is_none() && !stop.load(Ordering::Relaxed) {
                refused = Some(root.svcctl(&["list"])).filter(|output| !output.status.success());
            }
            refused
        };
        let asking = [(); 3].map(|()| scope.spawn(ask));
        for _ in 0..10 {
            root.svcctl(&["list"]);
        }
        let daemon = root.svcctl(&["daemon", "--background"]);
        stop.store(true, Ordering::Relaxed);
        let refused: Vec<Output> = asking.into_iter().filter_map(|asking| asking.join().ok()?).collect();
        (refused, daemon)
    });
    succeeded(&daemon);
    refused.iter().for_each(succeeded);
}
