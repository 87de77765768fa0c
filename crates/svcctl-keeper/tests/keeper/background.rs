//! Going into the background, and what the process in front learns.

use crate::Test;
use crate::bed::{descendants, eventually, is_alive, own};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use svcctl_os::linux::procfs;
use tempfile::TempDir;

pub(crate) const TESTS: &[Test] = &[
    ("in_front_one_learns_that_it_serves", in_front_one_learns_that_it_serves),
    ("a_hangup_means_nothing_in_the_background", a_hangup_means_nothing_in_the_background),
    ("in_front_one_learns_why_it_does_not", in_front_one_learns_why_it_does_not),
    ("in_front_one_learns_of_a_death_without_a_word", in_front_one_learns_of_a_death_without_a_word),
    ("in_front_one_learns_of_engines_that_die", in_front_one_learns_of_engines_that_die),
];

fn start(engine: &[&str]) -> (TempDir, Output) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let output = own(&["__background", path]).args(engine).output().unwrap();
    (directory, output)
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap())
}

fn pid(directory: &Path) -> u32 {
    fs::read_to_string(directory.join("pid")).unwrap().parse().unwrap()
}

fn in_front_one_learns_that_it_serves() {
    let (directory, output) = start(&["__engine-that-serves"]);
    assert_eq!(said(&output), (Some(0), "it serves\n".to_owned()));
    let pid = pid(directory.path());
    let entry = procfs::process(pid).unwrap();
    assert_ne!(entry.session, pid, "a session leader could get a terminal");
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/0")).unwrap(), Path::new("/dev/null"));
    let log = fs::read_link(format!("/proc/{pid}/fd/2")).unwrap();
    assert_eq!(log, fs::canonicalize(directory.path().join("svcctl.log")).unwrap());
    end(pid);
}

fn send(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn end(pid: u32) {
    send("-TERM", pid);
    eventually("it ends", || (!is_alive(pid)).then_some(()));
}

fn a_hangup_means_nothing_in_the_background() {
    let (directory, _) = start(&["__engine-that-serves"]);
    let pid = pid(directory.path());
    let engine = || descendants(pid).first().map(|entry| entry.pid);
    let first = eventually("there is an engine", engine);
    send("-HUP", pid);
    send("-KILL", first);
    eventually("there is another engine", || engine().filter(|pid| *pid != first));
    let log = fs::read_to_string(directory.path().join("svcctl.log")).unwrap();
    assert!(log.contains("was killed by SIGKILL"), "{log}");
    end(pid);
}

fn in_front_one_learns_why_it_does_not() {
    let (directory, output) = start(&["__engine-that-is-unable", "the port is taken"]);
    assert_eq!(said(&output), (Some(9), "the port is taken\n".to_owned()));
    let pid = pid(directory.path());
    eventually("it ends", || procfs::process(pid).is_none_or(|entry| entry.zombie).then_some(()));
}

fn in_front_one_learns_of_a_death_without_a_word() {
    let (directory, output) = start(&["none"]);
    let log = directory.path().join("svcctl.log");
    let message = format!("the background process ended without a word; see {}\n", log.display());
    assert_eq!(said(&output), (Some(1), message));
}

fn in_front_one_learns_of_engines_that_die() {
    let (directory, output) = start(&["__engine-that-fails", "3"]);
    assert_eq!(said(&output), (Some(1), "the engine died 5 times without having served\n".to_owned()));
    let log = fs::read_to_string(directory.path().join("svcctl.log")).unwrap();
    assert_eq!(log.matches("ended with code 3").count(), 5, "{log}");
}
