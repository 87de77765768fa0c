//! The redb file: tables of services (what they are, what is wanted of them, that they are held, their runs) and one of
//! facts about the store itself.
//!
//! What changes more often than a specification stands in a table of its own, so that a start or a stop writes a few
//! bytes. Tables that came later are made with their first row; a store without them is as good as one with empty ones.

use super::StoreError;
use redb::backends::FileBackend;
use redb::{Builder, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs;
use std::path::{Path, PathBuf};
use svcctl_core::ident::ServiceName;
use svcctl_core::spec::{self, ServiceSpec};
use svcctl_core::supervisor::action::Persist;
use svcctl_core::supervisor::event::{Hold, JobRecord};
use svcctl_core::supervisor::state::Desired;

/// Name → [`Row`] as JSON, but for what is wanted.
const SERVICES: TableDefinition<&str, &[u8]> = TableDefinition::new("services");
/// Name → 1 for up, 0 for down.
const DESIRED: TableDefinition<&str, u8> = TableDefinition::new("desired");
/// Name → [`Hold`] as JSON, for those that are held.
const HOLDS: TableDefinition<&str, &[u8]> = TableDefinition::new("holds");
/// Name → [`JobRecord`] as JSON, for those that have runs.
const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");
/// Facts about the store.
const META: TableDefinition<&str, &str> = TableDefinition::new("meta");

/// The format of these tables.
const FORMAT: u32 = 1;
/// The page cache of redb; its default of a GiB is for other uses.
const CACHE_BYTES: usize = 256 * 1024;

/// One accepted specification.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) revision: u64,
    document: serde_json::Value,
    #[serde(skip)]
    up: bool,
    #[serde(skip)]
    pub(super) held: Option<Hold>,
    #[serde(skip)]
    pub(super) job: Option<JobRecord>,
}

impl Row {
    pub(super) fn decode(&self) -> Result<(ServiceSpec, Desired), String> {
        let spec = spec::decode(&self.document).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            problems.join("; ")
        })?;
        Ok((spec, if self.up { Desired::Up } else { Desired::Down }))
    }
}

/// The open file.
pub(super) struct Database {
    inner: redb::Database,
    path: PathBuf,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens or makes the file. A damaged one is set aside beside it, and the sentence that says so is given.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<String>), StoreError> {
        match Self::try_open(path) {
            Ok(database) => Ok((database, None)),
            Err(OpenError::Damaged(why)) => {
                let aside = set_aside(path)?;
                let told = format!(
                    "the state in {} was damaged ({why}) and now stands in {}",
                    path.display(),
                    aside.display()
                );
                match Self::try_open(path) {
                    Ok(database) => Ok((database, Some(told))),
                    Err(error) => Err(error.into_store_error(path)),
                }
            }
            Err(error) => Err(error.into_store_error(path)),
        }
    }

    fn try_open(path: &Path) -> Result<Self, OpenError> {
        // Specifications may hold secrets.
        let backend = svcctl_os::files::open_private(path)
            .map_err(|error| redb::DatabaseError::from(redb::StorageError::Io(error)))
            .and_then(FileBackend::new)
            .map_err(OpenError::of)?;
        let mut builder = Builder::new();
        let inner =
            builder.set_cache_size(CACHE_BYTES).create_with_backend(backend).map_err(OpenError::of)?;
        let database = Self { inner, path: path.to_owned() };
        database.check_format()?;
        Ok(database)
    }

    /// Makes the tables where there are none, and refuses those of a later svcctl. A store that is as it should be is
    /// only read, so that a full disk is no obstacle to a start.
    fn check_format(&self) -> Result<(), OpenError> {
        let damaged = |error: redb::Error| OpenError::Damaged(error.to_string());
        let found = match self.format() {
            Ok(Some(text)) => text,
            Ok(None) => return self.make_tables().map_err(|error| OpenError::Other(error.to_string())),
            Err(error) => return Err(damaged(error)),
        };
        match found.parse::<u32>() {
            Ok(format) if format <= FORMAT => Ok(()),
            Ok(format) => Err(OpenError::Newer(format)),
            Err(error) => Err(OpenError::Damaged(format!("its format: {error}"))),
        }
    }

    fn format(&self) -> Result<Option<String>, redb::Error> {
        let read = self.inner.begin_read()?;
        match read.open_table(META) {
            Ok(meta) => Ok(meta.get("format")?.map(|text| text.value().to_owned())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn make_tables(&self) -> Result<(), redb::Error> {
        let write = self.inner.begin_write()?;
        write.open_table(META)?.insert("format", FORMAT.to_string().as_str())?;
        write.open_table(SERVICES)?;
        write.open_table(DESIRED)?;
        write.commit()?;
        Ok(())
    }

    fn error(&self, error: impl Into<redb::Error>) -> StoreError {
        StoreError::Database { path: self.path.clone(), message: error.into().to_string() }
    }

    /// The boot during which the store was last opened for good.
    pub(super) fn boot_id(&self) -> Result<Option<String>, StoreError> {
        let read = self.inner.begin_read().map_err(|error| self.error(error))?;
        let meta = read.open_table(META).map_err(|error| self.error(error))?;
        let value = meta.get("boot_id").map_err(|error| self.error(error))?;
        Ok(value.map(|text| text.value().to_owned()))
    }

    /// Notes the running boot, and what it begins with.
    pub(super) fn begin_boot<'a>(
        &self,
        boot_id: &str,
        desired: impl Iterator<Item = (&'a ServiceName, Desired)>,
    ) -> Result<(), StoreError> {
        let write = self.inner.begin_write().map_err(|error| self.error(error))?;
        {
            let mut meta = write.open_table(META).map_err(|error| self.error(error))?;
            meta.insert("boot_id", boot_id).map_err(|error| self.error(error))?;
            let mut table = write.open_table(DESIRED).map_err(|error| self.error(error))?;
            for (name, desired) in desired {
                table.insert(name.as_str(), number(desired)).map_err(|error| self.error(error))?;
            }
        }
        write.commit().map_err(|error| self.error(error))
    }

    /// Every row, ordered by name.
    pub(super) fn rows(&self) -> Result<Vec<(String, Row)>, StoreError> {
        let read = self.inner.begin_read().map_err(|error| self.error(error))?;
        let services = read.open_table(SERVICES).map_err(|error| self.error(error))?;
        let desired = read.open_table(DESIRED).map_err(|error| self.error(error))?;
        let holds = self.optional(read.open_table(HOLDS))?;
        let jobs = self.optional(read.open_table(JOBS))?;
        let mut rows = Vec::new();
        for entry in services.iter().map_err(|error| self.error(error))? {
            let (name, bytes) = entry.map_err(|error| self.error(error))?;
            let up = desired
                .get(name.value())
                .map_err(|error| self.error(error))?
                .is_some_and(|up| up.value() == 1);
            // A row that is no JSON is kept as one that no specification comes out of, and so is reported.
            let mut row: Row = serde_json::from_slice(bytes.value()).unwrap_or_else(|_| Row {
                revision: 0,
                document: serde_json::Value::Null,
                up,
                held: None,
                job: None,
            });
            row.up = up;
            row.held = self.look_up(holds.as_ref(), name.value())?;
            row.job = self.look_up(jobs.as_ref(), name.value())?;
            rows.push((name.value().to_owned(), row));
        }
        Ok(rows)
    }

    /// A table that may not have been made yet.
    fn optional<T>(&self, opened: Result<T, redb::TableError>) -> Result<Option<T>, StoreError> {
        match opened {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(self.error(error)),
        }
    }

    /// A row that cannot be read is as good as none: what it says is a convenience, not a promise to run.
    fn look_up<T: DeserializeOwned>(
        &self,
        table: Option<&redb::ReadOnlyTable<&'static str, &'static [u8]>>,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let Some(table) = table else { return Ok(None) };
        let found = table.get(name).map_err(|error| self.error(error))?;
        Ok(found.and_then(|bytes| serde_json::from_slice(bytes.value()).ok()))
    }

    /// Writes the batch in one durable commit.
    pub(super) fn commit(&self, batch: &[Persist]) -> Result<(), StoreError> {
        let write = self.inner.begin_write().map_err(|error| self.error(error))?;
        {
            let mut tables = Tables {
                services: write.open_table(SERVICES).map_err(|error| self.error(error))?,
                wanted: write.open_table(DESIRED).map_err(|error| self.error(error))?,
                holds: write.open_table(HOLDS).map_err(|error| self.error(error))?,
                jobs: write.open_table(JOBS).map_err(|error| self.error(error))?,
            };
            for persist in batch {
                tables.apply(persist).map_err(|error| self.error(error))?;
            }
        }
        write.commit().map_err(|error| self.error(error))
    }
}

type Bytes<'a> = redb::Table<'a, &'static str, &'static [u8]>;

struct Tables<'a> {
    services: Bytes<'a>,
    wanted: redb::Table<'a, &'static str, u8>,
    holds: Bytes<'a>,
    jobs: Bytes<'a>,
}

impl Tables<'_> {
    fn apply(&mut self, persist: &Persist) -> Result<(), redb::StorageError> {
        match persist {
            Persist::Service { spec, source: _, revision, desired } => {
                let row = Row {
                    revision: *revision,
                    document: spec.to_document(),
                    up: false,
                    held: None,
                    job: None,
                };
                self.services.insert(spec.name.as_str(), json(&row).as_slice())?;
                self.wanted.insert(spec.name.as_str(), number(*desired))?;
            }
            Persist::Desired(name, desired) => {
                self.wanted.insert(name.as_str(), number(*desired))?;
            }
            Persist::Hold(name, Some(hold)) => {
                self.holds.insert(name.as_str(), json(hold).as_slice())?;
            }
            Persist::Hold(name, None) => {
                self.holds.remove(name.as_str())?;
            }
            Persist::Job(name, record) => {
                self.jobs.insert(name.as_str(), json(record).as_slice())?;
            }
            Persist::Forget(name) => {
                self.services.remove(name.as_str())?;
                self.wanted.remove(name.as_str())?;
                self.holds.remove(name.as_str())?;
                self.jobs.remove(name.as_str())?;
            }
        }
        Ok(())
    }
}

/// A tree of JSON values with text keys always has a text.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn number(desired: Desired) -> u8 {
    match desired {
        Desired::Up => 1,
        Desired::Down => 0,
    }
}

/// Why the file did not open.
enum OpenError {
    Damaged(String),
    Newer(u32),
    Other(String),
}

impl OpenError {
    /// A file that the system refuses (rights, a full disk, another process) is not damaged; anything that redb
    /// itself does not understand is.
    fn of(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::Storage(redb::StorageError::Io(ref source))
                if source.kind() != std::io::ErrorKind::InvalidData
                    && source.kind() != std::io::ErrorKind::UnexpectedEof =>
            {
                Self::Other(error.to_string())
            }
            redb::DatabaseError::DatabaseAlreadyOpen => Self::Other(error.to_string()),
            other => Self::Damaged(other.to_string()),
        }
    }

    fn into_store_error(self, path: &Path) -> StoreError {
        match self {
            Self::Newer(found) => StoreError::Newer { path: path.to_owned(), found, known: FORMAT },
            Self::Damaged(message) | Self::Other(message) => {
                StoreError::Database { path: path.to_owned(), message }
            }
        }
    }
}

/// The most damaged files that are kept aside.
const ASIDE_MAX: u32 = 100;

fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let aside = (1..=ASIDE_MAX)
        .map(|number| path.with_extension(format!("redb.damaged-{number}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| path.with_extension("redb.damaged"));
    fs::rename(path, &aside).map_err(|source| StoreError::File { path: path.to_owned(), source })?;
    Ok(aside)
}
