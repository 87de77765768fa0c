//! The program under supervision: `fixture MODE ARGUMENTS` does what real programs do at their worst.
//!
//! Each function gives the command line of one mode; what the modes do stands in `src/bin/fixture.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The fixture in one sandbox. It is copied there, so that its processes are known by their program's path.
#[derive(Clone, Debug)]
pub struct Fixture {
    program: PathBuf,
}

impl Fixture {
    /// The fixture that lies at `program`.
    pub fn at(program: PathBuf) -> Self {
        Self { program }
    }

    /// Where it lies.
    pub fn program(&self) -> &Path {
        &self.program
    }

    fn command(&self, words: &[&str]) -> Vec<String> {
        let program = self.program.to_string_lossy().into_owned();
        std::iter::once(program).chain(words.iter().map(|word| (*word).to_owned())).collect()
    }

    /// Runs until it is ended.
    pub fn stay(&self) -> Vec<String> {
        self.command(&["stay"])
    }

    /// Ends at once with `code`.
    pub fn exit(&self, code: u8) -> Vec<String> {
        self.command(&["exit", &code.to_string()])
    }

    /// Enters itself into `runs`, writes `lines` lines `NUMBER.LINE` (the number of this run, from 0) and dies at
    /// once; from run number `stay_at` on it stays instead.
    pub fn last_words(&self, runs: &Path, lines: u32, stay_at: u32) -> Vec<String> {
        self.command(&["last-words", &runs.to_string_lossy(), &lines.to_string(), &stay_at.to_string()])
    }

    /// Writes lines `PID.NUMBER`, one each `pause_us` microseconds, and notes after each in `written/PID` how many
    /// have been.
    pub fn lines(&self, written: &Path, pause_us: u32) -> Vec<String> {
        self.command(&["lines", &written.to_string_lossy(), &pause_us.to_string()])
    }

    /// A tree of six processes: each begins a session of its own and ignores TERM; two end at once and leave their
    /// children to whoever takes orphans, four stay. Each enters its pid into `pids`.
    pub fn tree(&self, pids: &Path) -> Vec<String> {
        self.command(&["tree", &pids.to_string_lossy()])
    }

    /// Ignores TERM, and says `ready` once it does.
    pub fn ignore_term(&self) -> Vec<String> {
        self.command(&["ignore-term"])
    }

    /// Listens on `address` after `delay_ms`; a connection may say `crash` (it exits with 9) or `ping`.
    pub fn serve(&self, address: SocketAddr, delay_ms: u32) -> Vec<String> {
        self.command(&["serve", &address.to_string(), &delay_ms.to_string()])
    }

    /// Prints one line for each of its identity and environment, then stays.
    pub fn show(&self) -> Vec<String> {
        self.command(&["show"])
    }

    /// Writes bytes that are not UTF-8, then stays.
    pub fn invalid_bytes(&self) -> Vec<String> {
        self.command(&["invalid-bytes"])
    }

    /// Leaves a process in a session of its own that holds standard output, enters its pid into `pids`, writes a
    /// line and ends with code 0.
    pub fn hold_stdout(&self, pids: &Path) -> Vec<String> {
        self.command(&["hold-stdout", &pids.to_string_lossy()])
    }

    /// Appends the monotonic clock at its first instruction (nanoseconds) and its pid to `starts`, then stays.
    pub fn note_start(&self, starts: &Path) -> Vec<String> {
        self.command(&["note-start", &starts.to_string_lossy()])
    }
}
