//! svcctl with a daemon in a sandbox of its own, and its API as any client has it.

use super::fleet;
use super::guard::{Guarded, Times};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use svcctl_tests::{Programs, Sandbox, wait_until};

/// How long the daemon may take until it answers.
const SERVES_WITHIN: Duration = Duration::from_mins(1);

/// How long the services' first lines may take into the logs.
const LOGGED_WITHIN: Duration = Duration::from_mins(1);

/// How many connections install services at once.
const INSTALLERS: usize = 8;

/// A daemon that runs.
pub(super) struct Daemon {
    daemon: Option<Guarded>,
    /// Where it runs.
    pub(super) sandbox: Sandbox,
}

impl Daemon {
    /// Starts a daemon without services, and waits until it answers.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(programs: &Programs) -> Result<Self> {
        let mut this = Self { daemon: None, sandbox: Sandbox::of(programs) };
        this.start_daemon()?;
        wait_until(SERVES_WITHIN, "the daemon answers", || get(&this.socket(), "/v1/version").ok());
        Ok(this)
    }

    /// Starts the daemon; when that was, by the monotonic clock.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start_daemon(&mut self) -> Result<u64> {
        let command = self.sandbox.command(&["daemon"]);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        let daemon = Guarded::start(Times::Once, &words, self.sandbox.path())?;
        let began = daemon.began();
        self.daemon = Some(daemon);
        Ok(began)
    }

    /// Ends the daemon with its services, as a user does.
    pub(super) fn stop_daemon(&mut self) {
        self.sandbox.stop_daemon();
        self.daemon = None;
    }

    /// The socket of the API.
    pub(super) fn socket(&self) -> PathBuf {
        self.sandbox.root().join("run/engines/daemon.sock")
    }

    /// Installs services by the API, several at once: this is not what is measured.
    ///
    /// # Errors
    /// One is refused.
    pub(super) fn install(&self, names: &[String], exec: &[String]) -> Result<()> {
        let socket = self.socket();
        std::thread::scope(|scope| {
            let share = names.len().div_ceil(INSTALLERS).max(1);
            let installers = names.chunks(share).map(|names| scope.spawn(|| install(&socket, names, exec)));
            let installers: Vec<_> = installers.collect();
            installers.into_iter().try_for_each(|installer| match installer.join() {
                Ok(result) => result,
                Err(_) => bail!("an installer ended in a panic"),
            })
        })
    }

    /// Installs and starts services that write a line and stay, and waits until each is there and its line is in its
    /// log.
    ///
    /// # Errors
    /// One is refused.
    pub(super) fn start_fleet(&self) -> Result<()> {
        self.install(&fleet::names(), &fleet::says_hello(self.sandbox.fixture()))?;
        self.sandbox.svcctl(&["start", "--all"]).code(0);
        fleet::all_there(|| self.processes().0.len());
        wait_until(LOGGED_WITHIN, "every line is in its log", || {
            let logged = |name: &String| {
                let log = self.sandbox.root().join("logs").join(name).join("current.ndjson");
                std::fs::read_to_string(log).is_ok_and(|text| text.contains(fleet::LINE))
            };
            fleet::names().iter().all(logged).then_some(())
        });
        Ok(())
    }

    /// The processes of the services, and those of svcctl.
    pub(super) fn processes(&self) -> (Vec<u32>, Vec<u32>) {
        let daemon = self.daemon.as_ref();
        daemon.map(|daemon| daemon.processes(self.sandbox.fixture().program())).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop_daemon();
        }
    }
}

fn install(socket: &Path, names: &[String], exec: &[String]) -> Result<()> {
    for name in names {
        let document = json!({"spec": 1, "name": name, "exec": exec});
        request(socket, "PUT", &format!("/v1/services/{name}"), &document.to_string())
            .with_context(|| format!("failed to install {name}"))?;
    }
    Ok(())
}

/// Asks for `path`, over a connection of its own; the answer's body.
///
/// # Errors
/// See [`request`].
pub(super) fn get(socket: &Path, path: &str) -> Result<String> {
    request(socket, "GET", path, "")
}

/// One request over a connection of its own; the answer's body.
///
/// # Errors
/// Nobody answers, or not with success.
fn request(socket: &Path, method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket).context("failed to connect")?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: svcctl\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).context("failed to ask")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("failed to read an answer")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no whole answer")?;
    if !head.starts_with("HTTP/1.1 2") {
        bail!("{method} {path}: {answer}");
    }
    Ok(body.to_owned())
}
