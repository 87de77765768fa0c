//! Logs: from a program's pipe through the spool into records.
//!
//! One thread ([`start`]) owns all of it. Each process has two streams; what comes out of one is spliced into its
//! spool, made into records ([`mod@record`]) and appended to `LOGS/NAME/current.ndjson`, the log of the service with
//! all its instances and streams. A kill of the engine at any instruction loses no line and doubles none: see the
//! journal. [`read`] gives records back, to the API and, without a daemon, to the command line; [`render`] turns them
//! into text or into the bytes that the program wrote.
//!
//! Rotation, compression, an index by time, patterns and other formats are deliberately absent.

mod capture;
mod checkpoint;
mod echo;
mod expect;
mod files;
mod forget;
mod handle;
mod journal;
mod paths;
pub mod read;
mod record;
pub mod render;
mod thread;
mod watch;

pub use echo::Echo;
pub(crate) use expect::{Seen, Sight};
pub(crate) use files::reason;
pub(crate) use forget::forget_files;
pub use handle::{LogsHandle, NOTES_MAX};
pub use thread::{Joiner, LogsError};

use std::fs::File;
use std::path::PathBuf;
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_keeper::protocol::Stream;

/// One output stream of one process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The process's slot.
    pub slot: SlotKey,
    /// The process's number there.
    pub generation: Generation,
    /// The process's id, for the records.
    pub pid: u32,
    /// Which of its streams.
    pub stream: Stream,
}

/// A record of svcctl's own in a service's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whose log.
    pub service: ServiceName,
    /// Which instance it is about.
    pub index: u32,
    /// Which process it is about.
    pub pid: Option<u32>,
    /// How grave it is.
    pub level: Level,
    /// What happened, as a sentence fragment.
    pub message: String,
    /// Labels of the record; names must differ.
    pub fields: Vec<(String, String)>,
}

/// How grave a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Not as it should be, but taken care of.
    Warn,
    /// Something is lost, or somebody must act.
    Error,
}

impl Level {
    /// The word in `log.level`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Is told of a spool: whose it is, and the file.
pub type OnSpool = Box<dyn Fn(&StreamId, &File) + Send>;
/// Is told of a stream that is done.
pub type OnStreamDone = Box<dyn Fn(&StreamId) + Send>;

/// What the logs thread is started with. The callbacks run on that thread and must not block.
pub struct LogsConfig {
    /// The folder of logs; each service has one in it.
    pub logs: PathBuf,
    /// The folder of spools (`state/spool`), for this thread alone.
    pub spools: PathBuf,
    /// Which boot of the machine this is: spools of another boot are deleted.
    pub boot_id: String,
    /// Show lines as they come.
    pub echo: Option<Echo>,
    /// A stream has a spool now: the keeper splices into it when there is no engine.
    pub on_spool: OnSpool,
    /// A stream is at its end and recorded: the keeper can close its duplicate of the pipe.
    pub on_stream_done: OnStreamDone,
}

/// Why the logs thread could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No poller.
    #[error("start the logs thread: cannot wait for pipes: {0}")]
    Poller(#[source] std::io::Error),
    /// No thread.
    #[error("start the logs thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The folder of spools.
    #[error("start the logs thread: cannot use the folder of spools {}: {source}", path.display())]
    Spools {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Starts the logs thread.
///
/// # Errors
/// [`StartError`] says what is missing. On systems without splice it is always `Poller` with `Unsupported`.
pub fn start(config: LogsConfig) -> Result<(LogsHandle, Joiner), StartError> {
    thread::start(config)
}
