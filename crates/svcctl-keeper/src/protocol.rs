//! What engine and keeper say to each other: one message a packet of a `SOCK_SEQPACKET` Unix socket pair, a version
//! byte and postcard, descriptors beside it by `SCM_RIGHTS`. See `docs/PROTOCOL.md`.
//!
//! Rules: the first request is [`Request::Hello`]; a packet has at most [`PACKET_MAX_BYTES`] and
//! [`DESCRIPTORS_MAX`] descriptors (larger images go into a memfd); requests are idempotent, so that an engine
//! which does not know whether its predecessor's request arrived repeats it; an exit is told again until acknowledged.

use serde::{Deserialize, Serialize};

/// The version of this protocol; both sides must have the same (a keeper of another version is replaced by re-exec).
pub const VERSION: u8 = 2;
/// The longest packet.
pub const PACKET_MAX_BYTES: usize = 64 * 1024;
/// The most descriptors with one packet.
pub const DESCRIPTORS_MAX: usize = 253;
/// The most bytes of state that the keeper keeps for a slot.
pub const STATE_MAX_BYTES: usize = 256;
/// The most bytes of a slot's key.
pub const KEY_MAX_BYTES: usize = 96;

/// The most bytes of a message in a notice; what is longer is cut.
pub const MESSAGE_MAX_BYTES: usize = 4096;
/// The most pids in a notice; what is more is left out.
pub const STUCK_PIDS_MAX: usize = 1000;

/// Which place a process fills: `name#index`. The keeper takes it as an opaque text, usable as a file name.
pub type SlotKey = String;

/// From the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The engine has begun. Answered by [`Notice::Welcome`], a [`Notice::Held`] for each slot, [`Notice::HeldEnd`].
    /// From its receipt on the keeper splices no stream.
    Hello,
    /// The engine serves (its API listens): what waits for the daemon's start may be told so.
    Serving,
    /// The engine cannot begin, and a restart would not help: tell what waits for the daemon's start, and end.
    Unable {
        /// The sentence for the person, with the remedy.
        message: String,
        /// The exit code.
        exit_code: u8,
    },
    /// Make a process. With the same slot and generation again: the first answer again, no second process.
    Spawn {
        /// Where.
        slot: SlotKey,
        /// Its number there; greater than every one before.
        generation: u64,
        /// From what; in a memfd (the packet's one descriptor) where it would not fit the packet.
        image: ImageSource,
        /// To be kept.
        state: Vec<u8>,
    },
    /// A signal to the main process. With `kill_by` it is part of a stop: when the main process ends and others of its
    /// tree live on, these get the signal too, once.
    Signal {
        /// To whom.
        slot: SlotKey,
        /// The process's number; nothing happens if it is another by now.
        generation: u64,
        /// The signal's number.
        signal: i32,
        /// To be kept.
        state: Vec<u8>,
        /// When the keeper kills the tree by itself (nanoseconds of `CLOCK_MONOTONIC`).
        kill_by: Option<u64>,
    },
    /// SIGKILL to every process of the tree, until none is left or until [`STUCK_AFTER_MS`].
    KillTree {
        /// Whose.
        slot: SlotKey,
        /// The process's number.
        generation: u64,
        /// To be kept.
        state: Vec<u8>,
    },
    /// Keep this for the slot (which is made, if it is not there).
    Remember {
        /// Where.
        slot: SlotKey,
        /// What.
        state: Vec<u8>,
    },
    /// The spool of a stream (the packet's one descriptor): where the keeper splices to when no engine does.
    Spool {
        /// Whose.
        slot: SlotKey,
        /// The process's number.
        generation: u64,
        /// Which stream.
        stream: Stream,
    },
    /// The stream has been read to its end: the keeper's duplicate is closed.
    StreamDone {
        /// Whose.
        slot: SlotKey,
        /// The process's number.
        generation: u64,
        /// Which stream.
        stream: Stream,
    },
    /// The exit and the empty tree have been taken into account: they are not told again. (The leader has been reaped
    /// before, as soon as its tree was empty.)
    Acknowledge {
        /// Whose.
        slot: SlotKey,
        /// The process's number.
        generation: u64,
    },
    /// The slot is empty and is forgotten; its streams go on being held until `StreamDone`.
    Release {
        /// Which.
        slot: SlotKey,
    },
    /// All is stopped (or, with `keep`, left running): the keeper ends after this, or waits for a next engine.
    Goodbye {
        /// The daemon's exit code.
        exit_code: u8,
        /// Whether the services stay, with the keeper, until an engine is asked for again (SIGUSR1).
        keep: bool,
    },
}

/// How long the keeper goes on killing a tree before it says which pids are stuck (it goes on after that).
pub const STUCK_AFTER_MS: u64 = 2_000;

/// Where a spawn image is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageSource {
    /// In the packet.
    Here(Image),
    /// Encoded by postcard, in the memfd that comes with the packet.
    Memfd,
}

/// All that a process is made from. Texts are bytes without NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Program (absolute, or a name looked up in the `PATH` of `env`) and arguments.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment, each `NAME=value`.
    pub env: Vec<Vec<u8>>,
    /// Working directory.
    pub cwd: Vec<u8>,
    /// Whom to run as; the keeper's own when absent. Applied by the exec helper, as what follows.
    pub identity: Option<Identity>,
    /// The mask of permission bits of new files; the keeper's own when absent.
    pub umask: Option<u32>,
    /// Limits of the process, soft and hard alike; the keeper's own for every other resource.
    pub limits: Vec<Limit>,
}

/// A limit of a process (POSIX `setrlimit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// How much; as much as there is when absent.
    pub at: Option<u64>,
}

/// What can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    /// Open files.
    OpenFiles,
    /// Processes of the user.
    Processes,
    /// Bytes of a core file.
    Core,
    /// Bytes of a file that is written.
    FileSize,
    /// Bytes of the stack.
    Stack,
    /// Bytes of locked memory.
    LockedMemory,
    /// Bytes of address space.
    AddressSpace,
}

/// Whom to run as; names or numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user; the keeper's own when absent.
    pub user: Option<String>,
    /// The primary group; the user's own when absent.
    pub group: Option<String>,
    /// The supplementary groups; the user's own when absent.
    pub groups: Option<Vec<String>>,
}

/// One of a process's output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// From the keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The keeper greets the engine.
    Welcome {
        /// How many engines it has started, this one included.
        engine_number: u64,
        /// Engines died in quick succession: adopt and supervise, replay nothing, refuse changes.
        recovery: bool,
        /// The daemon is ending: stop everything, then `Goodbye`.
        shutdown: bool,
        /// The keeper's pid (the daemon's, for people).
        pid: u32,
    },
    /// A slot that the keeper holds. Descriptors: the streams of `streams`, in that order (read ends).
    Held(Held),
    /// A stream that is still open, of a process whose slot has gone on or was released (one descriptor).
    HeldStream {
        /// Whose.
        slot: SlotKey,
        /// The process's number.
        generation: u64,
        /// The process's id.
        pid: u32,
        /// Which.
        stream: Stream,
    },
    /// That was all; exits that are not acknowledged follow.
    HeldEnd,
    /// The process exists and its exec succeeded. Descriptors: stdout, stderr (read ends).
    Spawned {
        /// Where.
        slot: SlotKey,
        /// Its number.
        generation: u64,
        /// Its id.
        pid: u32,
        /// When it was spawned (nanoseconds of `CLOCK_MONOTONIC`).
        at: u64,
    },
    /// There is no process.
    SpawnFailed {
        /// Where.
        slot: SlotKey,
        /// Its number.
        generation: u64,
        /// A sentence fragment, `/opt/web: no such file`, of at most [`MESSAGE_MAX_BYTES`].
        message: String,
    },
    /// The main process ended; told again until acknowledged.
    Exited {
        /// Where.
        slot: SlotKey,
        /// Its number.
        generation: u64,
        /// How.
        status: Status,
        /// Whether no process of its tree is left (else `TreeEmpty` follows, once there is none).
        tree_empty: bool,
    },
    /// No process of the tree is left; told again until acknowledged.
    TreeEmpty {
        /// Where.
        slot: SlotKey,
        /// Its number.
        generation: u64,
    },
    /// These are left after [`STUCK_AFTER_MS`] of killing.
    TreeStuck {
        /// Where.
        slot: SlotKey,
        /// Its number.
        generation: u64,
        /// Who; at most [`STUCK_PIDS_MAX`].
        pids: Vec<u32>,
    },
    /// The daemon is to end (SIGTERM or SIGINT to the keeper): stop everything, then `Goodbye`.
    Shutdown,
}

/// A slot that the keeper holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which.
    pub slot: SlotKey,
    /// What the last engine noted.
    pub state: Vec<u8>,
    /// The process that is (or was, until acknowledged) in it.
    pub process: Option<HeldProcess>,
    /// The streams whose read ends come with the packet.
    pub streams: Vec<Stream>,
}

/// A process in a held slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldProcess {
    /// Its number.
    pub generation: u64,
    /// Its id; 0 while it is being spawned (`Spawned` or `SpawnFailed` follows).
    pub pid: u32,
    /// When it was spawned (nanoseconds of `CLOCK_MONOTONIC`).
    pub at: u64,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// By exit, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody saw it.
    Unknown,
}
