//! Reading events: what is there, and each as it comes.
//!
//! A file is known by its first line, of which a [`Cursor`] has the checksum: so a place in it is found again when the
//! file has been put aside, and by another engine.

use super::EventsError;
use super::file::previous;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use svckit::control::types::Event;
use tokio::sync::watch;

/// The most events that a follower reads at once.
const CHUNK_MAX: usize = 1024;

/// A place behind an event. Its text is for clients to give back, not to look into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Of which file: the checksum of its first line; 0 where there was no event yet.
    file: u32,
    /// The byte in it.
    offset: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.file, self.offset)
    }
}

/// A text is no cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in the events; take one that came with an event")]
pub(crate) struct CursorError(String);

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parse = || {
            let (file, offset) = text.split_once('-')?;
            Some(Self { file: u32::from_str_radix(file, 16).ok()?, offset: offset.parse().ok()? })
        };
        parse().ok_or_else(|| CursorError(text.to_owned()))
    }
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// The last so many of what is asked for; all when absent.
    pub(crate) lines: Option<usize>,
    /// Only those since this time.
    pub(crate) since: Option<jiff::Timestamp>,
    /// Only those of this service.
    pub(crate) service: Option<String>,
    /// Only those behind this place. One that is not there any more begins with the oldest event there is.
    pub(crate) after: Option<Cursor>,
}

impl Query {
    fn wants(&self, event: &Event) -> bool {
        let service = self.service.is_none() || self.service == event.service;
        let since = self
            .since
            .is_none_or(|since| event.time.parse::<jiff::Timestamp>().is_ok_and(|time| time >= since));
        service && since
    }
}

/// What [`Events::read`](super::Events::read) gives, from the files.
pub(crate) fn window(path: &Path, query: &Query) -> Result<(Vec<(Cursor, Event)>, Cursor), EventsError> {
    let mut reader = Reader::new(path, query.after);
    let mut found = VecDeque::new();
    while let Some((cursor, event)) = reader.next()? {
        if query.wants(&event) {
            found.push_back((cursor, event));
            if query.lines.is_some_and(|lines| found.len() > lines) {
                found.pop_front();
            }
        }
    }
    Ok((found.into(), reader.at))
}

/// Goes through the files from a place on.
struct Reader {
    path: PathBuf,
    at: Cursor,
    open: Option<BufReader<File>>,
}

impl Reader {
    fn new(path: &Path, after: Option<Cursor>) -> Self {
        Self { path: path.to_owned(), at: after.unwrap_or_default(), open: None }
    }

    /// The next event and the place behind it; `None` at the end of what there is. Lines that are no events are skipped.
    fn next(&mut self) -> Result<Option<(Cursor, Event)>, EventsError> {
        loop {
            let Some(file) = &mut self.open else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let mut line = Vec::new();
            let read = file.read_until(b'\n', &mut line).map_err(failed(&self.path))?;
            if line.last() != Some(&b'\n') {
                // The end, or a line that is being written, which is read again when it is whole.
                self.open = None;
                if read > 0 || !self.moved_on()? {
                    return Ok(None);
                }
                continue;
            }
            self.at.offset += u64::try_from(read).unwrap_or(0);
            if let Ok(event) = serde_json::from_slice(&line) {
                return Ok(Some((self.at, event)));
            }
        }
    }

    /// Opens the file that the place is in, or the oldest one there is if it is in none. Gives whether there is more.
    fn open_next(&mut self) -> Result<bool, EventsError> {
        let (older, newer) = (previous(&self.path), self.path.clone());
        let mut oldest = None;
        for path in [older, newer] {
            let Some((mark, file)) = marked(&path)? else { continue };
            if mark == self.at.file {
                return self.take(file, self.at, &path);
            }
            oldest = oldest.or(Some((mark, file, path)));
        }
        match oldest {
            None => Ok(false),
            Some((mark, file, path)) => self.take(file, Cursor { file: mark, offset: 0 }, &path),
        }
    }

    fn take(&mut self, file: File, at: Cursor, path: &Path) -> Result<bool, EventsError> {
        let mut file = BufReader::new(file);
        // A place behind the end of the file is of a file that was cut.
        let length = file.get_ref().metadata().map_err(failed(path))?.len();
        let at = if at.offset > length { Cursor { offset: 0, ..at } } else { at };
        file.seek(SeekFrom::Start(at.offset)).map_err(failed(path))?;
        let more = at.offset < length || self.is_previous(at)?;
        self.at = at;
        self.open = Some(file);
        Ok(more)
    }

    /// Whether the place is in the file that was put aside.
    fn is_previous(&self, at: Cursor) -> Result<bool, EventsError> {
        Ok(marked(&previous(&self.path))?.is_some_and(|(mark, _)| mark == at.file))
    }

    /// At the end of a file: goes to the one after it, if there is one.
    fn moved_on(&mut self) -> Result<bool, EventsError> {
        let Some((mark, file)) = marked(&self.path)? else { return Ok(false) };
        if mark == self.at.file {
            return Ok(false);
        }
        if self.is_previous(self.at)? {
            self.at = Cursor { file: mark, offset: 0 };
            self.open = Some(BufReader::new(file));
        }
        Ok(true)
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> EventsError + '_ {
    move |source| EventsError::File { path: path.to_owned(), source }
}

/// A file of events and what it is known by; `None` where there is none, or nothing in it.
fn marked(path: &Path) -> Result<Option<(u32, File)>, EventsError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).map_err(failed(path))?;
    if line.last() != Some(&b'\n') {
        return Ok(None);
    }
    // 0 is kept for the place before all events.
    let mark = crc32fast::hash(&line).max(1);
    let mut file = reader.into_inner();
    file.rewind().map_err(failed(path))?;
    Ok(Some((mark, file)))
}

/// Gives events as they come.
#[derive(Debug)]
pub(crate) struct Follower {
    ready: VecDeque<(Cursor, Event)>,
    at: Cursor,
    query: Query,
    place: Option<(PathBuf, watch::Receiver<u64>)>,
}

impl Follower {
    pub(super) fn new(
        first: Vec<(Cursor, Event)>,
        at: Cursor,
        query: Query,
        place: Option<(PathBuf, watch::Receiver<u64>)>,
    ) -> Self {
        Self { ready: first.into(), at, query, place }
    }

    /// The next event, and the place behind it; waits for it. `None` when no more will come.
    ///
    /// # Errors
    /// [`EventsError`].
    pub(crate) async fn next(&mut self) -> Result<Option<(Cursor, Event)>, EventsError> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Ok(Some(found));
            }
            let Some((path, grown)) = &mut self.place else { return Ok(None) };
            // What is written from here on is told, also if it is read now already.
            grown.mark_unchanged();
            let (path, at, query) = (path.clone(), self.at, self.query.clone());
            let read = tokio::task::spawn_blocking(move || chunk(&path, at, &query)).await;
            let (found, at) = read.map_err(|_| EventsError::Ending)??;
            let moved = at != self.at;
            self.at = at;
            self.ready.extend(found);
            if !moved && grown.changed().await.is_err() {
                return Ok(None);
            }
        }
    }
}

type Chunk = (Vec<(Cursor, Event)>, Cursor);

fn chunk(path: &Path, at: Cursor, query: &Query) -> Result<Chunk, EventsError> {
    let mut reader = Reader::new(path, Some(at));
    let mut found = Vec::new();
    while found.len() < CHUNK_MAX
        && let Some((cursor, event)) = reader.next()?
    {
        if query.wants(&event) {
            found.push((cursor, event));
        }
    }
    Ok((found, reader.at))
}
