//! A look at the program itself: it is started, watched for a few seconds, asked over HTTP, and ended.

use super::guess::Guess;
use crate::error::{CliError, failure};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use svcctl_os::process::{Exit, Program};
use svcctl_os::trial::Trial;
use svckit::control::types::FailureKind;

/// How long the program may take to listen.
const WATCHED_FOR: Duration = Duration::from_secs(5);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one HTTP answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How long the program may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);
/// Where programs usually say how they are, the most telling first.
const PATHS: [&str; 6] = ["/health", "/healthz", "/livez", "/ready", "/actuator/health", "/"];
/// How much of an answer tells its status.
const HEAD_BYTES: usize = 32;

/// Tries the program.
pub(super) fn guess(exec: &[String], here: &Path) -> Result<Guess, CliError> {
    let program = Program {
        argv: exec.iter().map(|word| word.as_bytes().to_vec()).collect(),
        env: std::env::vars_os()
            .map(|(name, value)| [name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat())
            .collect(),
        cwd: here.as_os_str().as_encoded_bytes().to_vec(),
        identity: None,
        umask: None,
        limits: Vec::new(),
    };
    let trial = Trial::start(&program)
        .map_err(|error| failure(FailureKind::Failed, format!("cannot try the program: {error}")))?;
    let guess = watch(&trial);
    let interrupted = trial.is_interrupted();
    if !trial.end(GRACE) {
        let message = "the program was tried, and processes of it do not end; see: ps";
        return Err(failure(FailureKind::Failed, message));
    }
    if interrupted {
        return Err(failure(FailureKind::Failed, "the trial was interrupted, and the program ended"));
    }
    Ok(guess)
}

fn watch(trial: &Trial) -> Guess {
    let begun = Instant::now();
    let mut seen = Guess::default();
    while begun.elapsed() < WATCHED_FOR && !trial.is_interrupted() {
        let found = trial.listeners();
        if let Some((first, others)) = found.split_first() {
            let address = Guess::reached(*first);
            seen.remarks.extend(
                others.iter().map(|other| format!("While it was tried, it also listened at {other}.")),
            );
            seen.address = Some(address);
            seen.from = format!("a trial: it listened at {first} after {} ms", begun.elapsed().as_millis());
            seen.http = PATHS.iter().find_map(|path| {
                let status = status(address, path)?;
                (200..300).contains(&status).then(|| ((*path).to_owned(), status))
            });
            return seen;
        }
        if let Some(exit) = trial.wait(PAUSE) {
            let how = match exit {
                Exit::Code(code) => format!("with exit code {code}"),
                Exit::Signal(signal) => format!("by signal {signal}"),
            };
            seen.remarks.push(format!("While it was tried, it ended {how}."));
            return seen;
        }
    }
    let seconds = WATCHED_FOR.as_secs();
    seen.remarks.push(format!("While it was tried, it listened at no TCP port within {seconds} s."));
    seen
}

/// The status that a GET of `path` is answered with.
fn status(address: SocketAddr, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    stream.set_write_timeout(Some(ANSWER_WITHIN)).ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: svcctl\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let (mut head, mut buffer) = (Vec::new(), [0; HEAD_BYTES]);
    while head.len() < HEAD_BYTES && !head.contains(&b'\n') {
        match stream.read(&mut buffer).ok()? {
            0 => break,
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_status_is_read_from_the_first_line() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for answer in ["HTTP/1.1 204 No Content\r\n\r\n", "-ERR unknown command\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert_eq!(status(address, "/health"), Some(204));
        assert_eq!(status(address, "/health"), None);
        server.join().unwrap();
    }
}
