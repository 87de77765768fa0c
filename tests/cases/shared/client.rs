//! Giving specifications to the daemon by its API, as any client may.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use svcctl_tests::Sandbox;

/// Gives a specification to the daemon as any client may, and checks that it is taken.
#[track_caller]
pub(crate) fn install(sandbox: &Sandbox, document: &Value) {
    sandbox.svcctl(&["list"]);
    let socket = sandbox.root().join("run/engines/daemon.sock");
    if !socket.exists() {
        sandbox.svcctl(&["daemon", "--background"]).code(0);
    }
    let body = document.to_string();
    let mut stream = UnixStream::connect(socket).expect("the daemon listens");
    let name = document["name"].as_str().expect("a name");
    let head = format!(
        "PUT /v1/services/{name}?update=true HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A shell that runs this.
pub(crate) fn sh(script: &str) -> Value {
    json!(["/bin/sh", "-c", script])
}

/// A path as text.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
