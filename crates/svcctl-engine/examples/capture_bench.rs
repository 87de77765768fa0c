//! Measures the capture: how fast lines of 100 bytes go from a pipe into the log, as ECS records.
//!
//! `capture_bench [MEGABYTES [write|line]]`: `write` (the default) writes 64 KiB at a time, `line` one line a write.
//! Prints one JSON object: `megabytes`, `seconds`, `megabytes_per_second`. Fails if a line is not recorded once.
#![forbid(unsafe_code)]

use std::io::{BufRead as _, Write as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_engine::logs::{self, LogsConfig, StreamId};
use svcctl_keeper::protocol::Stream;
use svcctl_os::stream::Descriptor;

const LINE_BYTES: usize = 100;
const BLOCK_BYTES: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let megabytes: usize = arguments.next().map_or(Ok(256), |text| text.parse())?;
    let by_line = arguments.next().as_deref() == Some("line");
    let folder = tempfile::tempdir()?;
    let (done, finished) = mpsc::channel();
    let config = LogsConfig {
        logs: folder.path().join("logs"),
        spools: folder.path().join("spool"),
        boot_id: "bench".into(),
        echo: None,
        on_spool: Box::new(|_, _| {}),
        on_stream_done: Box::new(move |_| done.send(()).expect("the bench waits for it")),
    };
    let (handle, joiner) = logs::start(config)?;
    let (read, write) = std::io::pipe()?;
    let slot = SlotKey { name: ServiceName::new("bench")?, index: 0 };
    let id = StreamId { slot, generation: Generation(1), pid: 1, stream: Stream::Stdout };
    let total = megabytes * 1_000_000 / LINE_BYTES;
    let begin = Instant::now();
    handle.attach(id, Descriptor::from(read));
    produce(write, total, by_line)?;
    finished.recv()?;
    let seconds = begin.elapsed().as_secs_f64();
    handle.finish(Instant::now() + Duration::from_secs(10));
    joiner.join()?;
    let log = std::fs::File::open(folder.path().join("logs/bench/current.ndjson"))?;
    let recorded = std::io::BufReader::new(log).split(b'\n').count();
    if recorded != total {
        return Err(format!("{recorded} records of {total} lines").into());
    }
    let rate = f64::from(u32::try_from(megabytes)?) / seconds;
    println!("{{\"megabytes\":{megabytes},\"seconds\":{seconds:.3},\"megabytes_per_second\":{rate:.1}}}");
    Ok(())
}

/// Writes `lines` lines.
fn produce(mut write: std::io::PipeWriter, lines: usize, by_line: bool) -> std::io::Result<()> {
    let mut line = vec![b'x'; LINE_BYTES];
    line[LINE_BYTES - 1] = b'\n';
    if by_line {
        for _ in 0..lines {
            write.write_all(&line)?;
        }
        return Ok(());
    }
    let block = line.repeat(BLOCK_BYTES.div_ceil(LINE_BYTES));
    let mut left = lines * LINE_BYTES;
    while left > 0 {
        let count = left.min(block.len());
        write.write_all(&block[..count])?;
        left -= count;
    }
    Ok(())
}
