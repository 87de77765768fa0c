//! What this binary is when a test, or the keeper, starts it with arguments.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use svcctl_keeper::client::Link;
use svcctl_keeper::protocol::{Image, Notice, Request, Status};
use svcctl_keeper::{Containment, KEEPER_FD_VARIABLE, KeeperConfig};
use svcctl_os::background::{Detached, Verdict, detach};
use svcctl_os::linux::packet::{self, Wait};
use svcctl_os::lock::Lock;
use svcctl_os::{descriptor, process};

/// Plays the role that the arguments name, and gives its exit code.
pub(crate) fn role() -> Option<u8> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["__exec", ..] => Some(process::helper_main()),
        ["__keeper", directory, containment, ref engine @ ..] => Some(keeper(directory, containment, engine)),
        ["__background", directory, ref engine @ ..] => Some(background(directory, engine)),
        ["__engine", directory] => Some(engine(directory)),
        ["__engine-that-fails", code] => Some(code.parse().unwrap()),
        ["__engine-by-client"] => Some(engine_by_client()),
        ["__engine-that-serves"] => Some(engine_that_serves()),
        ["__engine-that-is-unable", message] => Some(engine_that_is_unable(message)),
        _ => None,
    }
}

fn config(directory: &str, engine: &[&str]) -> KeeperConfig {
    KeeperConfig {
        engine_args: engine.iter().map(OsString::from).collect(),
        run_dir: PathBuf::from(directory),
        lock: None,
        reporter: None,
        inherit_stdio: true,
        containment: Containment::Auto,
    }
}

fn keeper(directory: &str, containment: &str, engine: &[&str]) -> u8 {
    let containment = if containment == "walk" { Containment::WalkOnly } else { Containment::Auto };
    let lock = match Lock::acquire(&Path::new(directory).join("daemon.lock"), "the daemon") {
        Ok(lock) => lock,
        Err(error) => {
            eprintln!("{error}");
            return 8;
        }
    };
    svcctl_keeper::run(KeeperConfig { lock: Some(lock), containment, ..config(directory, engine) })
}

fn background(directory: &str, engine: &[&str]) -> u8 {
    let log = Path::new(directory).join("svcctl.log");
    match detach(Some(&log)).unwrap() {
        Detached::Foreground(Verdict::Ok) => {
            println!("it serves");
            0
        }
        Detached::Foreground(Verdict::Failed { exit_code, message }) => {
            println!("{message}");
            exit_code
        }
        Detached::Background(reporter) => {
            std::fs::write(Path::new(directory).join("pid"), std::process::id().to_string()).unwrap();
            if engine == ["none"] {
                drop(reporter);
                return 0;
            }
            svcctl_keeper::run(KeeperConfig { reporter: Some(reporter), ..config(directory, engine) })
        }
    }
}

/// Gives its socket to the test that listens in `directory`, and stays until the test closes the connection.
fn engine(directory: &str) -> u8 {
    let socket = descriptor::from_environment(KEEPER_FD_VARIABLE).unwrap();
    // A test that is over has removed its directory.
    let Ok(mut test) = UnixStream::connect(Path::new(directory).join("test.sock")) else { return 98 };
    packet::send(&test, &std::process::id().to_ne_bytes(), &[socket.as_fd()], Wait::Yes).unwrap();
    drop(socket);
    let mut code = [0];
    test.read_exact(&mut code).map_or(99, |()| code[0])
}

/// Does by the client what an engine does: starts a process whose environment fits no packet, and ends with its code.
fn engine_by_client() -> u8 {
    let (sender, receiver) = Link::from_environment().unwrap();
    assert!(Link::from_environment().is_err(), "the socket can be taken once");
    sender.send(&Request::Hello, &[]).unwrap();
    let script = b"exit $(( ${#LONG} == 100000 ? 7 : 8 ))".to_vec();
    let image = Image {
        argv: vec![b"/bin/sh".to_vec(), b"-c".to_vec(), script],
        env: vec![[b"LONG=", &[b'x'; 100_000][..]].concat()],
        ..Image::default()
    };
    sender.spawn("big#0", 1, image, Vec::new()).unwrap();
    loop {
        let (notice, _) = receiver.recv().unwrap().unwrap();
        if let Notice::Exited { status: Status::Code(code), .. } = notice {
            let exit_code = u8::try_from(code).unwrap();
            sender.send(&Request::Goodbye { exit_code, keep: false }, &[]).unwrap();
            return 0;
        }
    }
}

fn engine_that_serves() -> u8 {
    let (sender, receiver) = Link::from_environment().unwrap();
    sender.send(&Request::Hello, &[]).unwrap();
    sender.send(&Request::Serving, &[]).unwrap();
    while let Ok(Some((notice, _))) = receiver.recv() {
        if notice == Notice::Shutdown {
            sender.send(&Request::Goodbye { exit_code: 0, keep: false }, &[]).unwrap();
        }
    }
    0
}

fn engine_that_is_unable(message: &str) -> u8 {
    let (sender, receiver) = Link::from_environment().unwrap();
    sender.send(&Request::Hello, &[]).unwrap();
    sender.send(&Request::Unable { message: message.to_owned(), exit_code: 9 }, &[]).unwrap();
    // The keeper ends, or kills this process.
    while let Ok(Some(_)) = receiver.recv() {}
    0
}
