//! Where logs and spools are, and how they are named.
//!
//! ```text
//! LOGS/NAME/current.ndjson             the records (segments get other names beside it)
//! LOGS/NAME/checkpoint                 how far the streams are recorded
//! SPOOLS/NAME#INDEX.GENERATION.out     what came from a stream and is being recorded (.err: stderr)
//! SPOOLS/boot                          the boot in which the spools were written
//! ```

use super::StreamId;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_keeper::protocol::Stream;

/// The file of the latest records, in a service's folder.
pub(crate) const CURRENT: &str = "current.ndjson";
const CHECKPOINT: &str = "checkpoint";
const BOOT: &str = "boot";

/// One stream of one process of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StreamKey {
    /// Which instance.
    pub(crate) index: u32,
    /// Which of its processes.
    pub(crate) generation: u64,
    /// Which of the two.
    pub(crate) stream: Stream,
}

impl StreamKey {
    /// The key of `id` within its service.
    pub(crate) fn of(id: &StreamId) -> Self {
        Self { index: id.slot.index, generation: id.generation.0, stream: id.stream }
    }

    /// The id again; `pid` is what the key does not hold.
    pub(crate) fn id(self, service: &ServiceName, pid: u32) -> StreamId {
        let slot = SlotKey { name: service.clone(), index: self.index };
        StreamId { slot, generation: Generation(self.generation), pid, stream: self.stream }
    }
}

/// The folders.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// LOGS.
    pub(crate) logs: PathBuf,
    /// SPOOLS.
    pub(crate) spools: PathBuf,
}

impl Paths {
    pub(crate) fn folder(&self, service: &ServiceName) -> PathBuf {
        self.logs.join(service.as_str())
    }

    pub(crate) fn log(&self, service: &ServiceName) -> PathBuf {
        self.folder(service).join(CURRENT)
    }

    pub(crate) fn checkpoint(&self, service: &ServiceName) -> PathBuf {
        self.folder(service).join(CHECKPOINT)
    }

    pub(crate) fn boot(&self) -> PathBuf {
        self.spools.join(BOOT)
    }

    pub(crate) fn spool(&self, service: &ServiceName, key: StreamKey) -> PathBuf {
        let StreamKey { index, generation, stream } = key;
        self.spools.join(format!("{service}#{index}.{generation}.{}", suffix(stream)))
    }
}

fn suffix(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "out",
        Stream::Stderr => "err",
    }
}

/// Whose spool a file is; `None` if it is none.
pub(crate) fn parse_spool(path: &Path) -> Option<(ServiceName, StreamKey)> {
    let (name, rest) = path.file_name()?.to_str()?.rsplit_once('#')?;
    let mut parts = rest.split('.');
    let index = parts.next()?.parse().ok()?;
    let generation = parts.next()?.parse().ok()?;
    let stream = match parts.next()? {
        "out" => Stream::Stdout,
        "err" => Stream::Stderr,
        _ => return None,
    };
    let key = StreamKey { index, generation, stream };
    parts.next().is_none().then_some((ServiceName::new(name).ok()?, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spools_name_tells_whose_it_is() {
        let paths = Paths { logs: "/l".into(), spools: "/s".into() };
        let service = ServiceName::new("a.b-c").expect("a name");
        let key = StreamKey { index: 3, generation: 17, stream: Stream::Stderr };
        let path = paths.spool(&service, key);
        assert_eq!(path, Path::new("/s/a.b-c#3.17.err"));
        assert_eq!(parse_spool(&path), Some((service, key)));
        for other in ["boot", "x#1.2", "x#1.2.log", "x#1.2.out.tmp", "#1.2.out", "x#a.2.out"] {
            assert_eq!(parse_spool(Path::new(other)), None, "{other}");
        }
    }
}
