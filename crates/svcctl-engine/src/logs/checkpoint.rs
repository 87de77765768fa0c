//! The checkpoint of a service's log: how far each stream is recorded, and what is being recorded now.
//!
//! Two slots in one file are written in turn, each with a number that rises, a checksum (CRC-32) and the whole state.
//! It is never synced: it has to survive the engine, not the machine. If the engine is killed while it writes one
//! slot, the other still holds, and is right, because nothing is appended to the log before its slot is written.

use super::files::{Files, read_full_at};
use super::paths::StreamKey;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;

/// Where the second slot begins; the file is sparse. Room for about 100,000 streams.
const SLOT_BYTES: u64 = 1024 * 1024;
/// Magic, version, then checksum and length of what follows.
const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 8] = *b"svlogcp1";

/// The state that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Rises with every write.
    pub(crate) sequence: u64,
    /// In which boot of the machine it was written.
    pub(crate) boot: String,
    /// The batch that is appended to the log after this was written; `None` after a settlement.
    pub(crate) intent: Option<Intent>,
    /// How far each stream was recorded before that batch.
    pub(crate) streams: Vec<(StreamKey, u64)>,
}

/// Records that are about to be appended. All are from one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// From which.
    pub(crate) key: StreamKey,
    /// Where their source begins in the spool.
    pub(crate) from: u64,
    /// Where it ends.
    pub(crate) to: u64,
    /// Where they begin in the log.
    pub(crate) position: u64,
    /// How many they are.
    pub(crate) records: u64,
}

/// What a checkpoint file held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing: it is new, or was emptied by a power loss.
    Nothing,
    /// This state.
    State(State),
    /// Bytes that are no checkpoint.
    Damage,
}

/// An open checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    file: File,
    buffer: Vec<u8>,
}

impl Checkpoint {
    /// Takes the open file, and reads what it holds.
    pub(crate) fn open(file: File) -> io::Result<(Self, Found)> {
        let mut buffer = Vec::new();
        let first = read_slot(&file, 0, &mut buffer)?;
        let second = read_slot(&file, SLOT_BYTES, &mut buffer)?;
        let newest = match (first, second) {
            (Slot::State(first), Slot::State(second)) => {
                Found::State(if first.sequence > second.sequence { first } else { second })
            }
            (Slot::State(state), _) | (_, Slot::State(state)) => Found::State(state),
            // Both slots are written before the first batch, so a torn one beside an empty one was being made.
            (Slot::Empty, _) | (_, Slot::Empty) => Found::Nothing,
            (Slot::Damage, Slot::Damage) => Found::Damage,
        };
        Ok((Self { file, buffer }, newest))
    }

    /// Writes `state` into the slot that its number says.
    pub(crate) fn write(&mut self, files: &Files, state: &State) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.resize(HEADER_BYTES, 0);
        let buffer =
            postcard::to_extend(state, std::mem::take(&mut self.buffer)).map_err(io::Error::other)?;
        self.buffer = buffer;
        let payload = &self.buffer[HEADER_BYTES..];
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        if self.buffer.len() as u64 > SLOT_BYTES {
            return Err(io::Error::other("too many streams for one checkpoint"));
        }
        let checksum = crc32fast::hash(payload);
        self.buffer[..8].copy_from_slice(&MAGIC);
        self.buffer[8..12].copy_from_slice(&checksum.to_le_bytes());
        self.buffer[12..16].copy_from_slice(&length.to_le_bytes());
        files.write_at(&self.file, &self.buffer, (state.sequence % 2) * SLOT_BYTES)
    }
}

enum Slot {
    Empty,
    State(State),
    Damage,
}

fn read_slot(file: &File, offset: u64, buffer: &mut Vec<u8>) -> io::Result<Slot> {
    let mut header = [0; HEADER_BYTES];
    let count = read_full_at(file, &mut header, offset)?;
    if header[..count].iter().all(|&byte| byte == 0) {
        return Ok(Slot::Empty);
    }
    let [magic @ .., _, _, _, _, _, _, _, _] = header;
    let checksum = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    let length = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
    if magic != MAGIC || u64::from(length) > SLOT_BYTES {
        return Ok(Slot::Damage);
    }
    buffer.clear();
    buffer.resize(length as usize, 0);
    let count = read_full_at(file, buffer, offset + HEADER_BYTES as u64)?;
    if count < buffer.len() || crc32fast::hash(buffer) != checksum {
        return Ok(Slot::Damage);
    }
    Ok(postcard::from_bytes(buffer).map_or(Slot::Damage, Slot::State))
}

#[cfg(test)]
mod tests {
    use super::*;
    use svcctl_keeper::protocol::Stream;
    use svcctl_os::stream::write_at;

    fn state(sequence: u64) -> State {
        let key = StreamKey { index: 1, generation: sequence, stream: Stream::Stdout };
        let intent = Intent { key, from: 10, to: 20, position: 30, records: 2 };
        State { sequence, boot: "b".into(), intent: Some(intent), streams: vec![(key, 10)] }
    }

    fn written(sequences: &[u64]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("checkpoint");
        let (mut checkpoint, found) = open(&path);
        assert_eq!(found, Found::Nothing);
        for &sequence in sequences {
            checkpoint.write(&Files::default(), &state(sequence)).expect("write");
        }
        (folder, path)
    }

    fn open(path: &std::path::Path) -> (Checkpoint, Found) {
        let file = svcctl_os::stream::open_private(path).expect("open");
        Checkpoint::open(file).expect("checkpoint")
    }

    #[test]
    fn the_newest_state_is_found() {
        let (_folder, path) = written(&[0, 1, 2]);
        assert_eq!(open(&path).1, Found::State(state(2)));
    }

    #[test]
    fn a_torn_slot_leaves_the_other() {
        let (_folder, path) = written(&[0, 1, 2]);
        let file = svcctl_os::stream::open_private(&path).expect("open");
        write_at(&file, b"torn", 20).expect("write");
        assert_eq!(open(&path).1, Found::State(state(1)));
    }

    #[test]
    fn damage_of_both_is_told_from_nothing() {
        let (_folder, path) = written(&[0, 1]);
        let file = svcctl_os::stream::open_private(&path).expect("open");
        write_at(&file, b"x", 0).expect("write");
        write_at(&file, b"x", SLOT_BYTES + 9).expect("write");
        assert_eq!(open(&path).1, Found::Damage);
        file.set_len(0).expect("truncate");
        assert_eq!(open(&path).1, Found::Nothing);
        file.set_len(2 * SLOT_BYTES).expect("extend");
        assert_eq!(open(&path).1, Found::Nothing, "zeros, as a power loss leaves them");
    }
}
