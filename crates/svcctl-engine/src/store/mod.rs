//! What must outlive engine, daemon and machine: accepted specifications and what is wanted of each service.
//!
//! One redb file holds both, with immediate durability. Each accepted specification also stands as a file in
//! `services/`, written before the commit. The file is for people and the store is what counts: an edit by hand is
//! shown as pending (`crate::pending`). What is known of runs is written behind: nothing waits for it. Damage is repaired from what is sound (the files), and reported, never a refusal to start.

mod amend;
mod aside;
mod database;
pub(crate) mod files;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use thread::StoreThread;

use database::Database;
use std::path::PathBuf;
use std::sync::Arc;
use svcctl_core::supervisor::action::Persist;
use svcctl_core::supervisor::event::Restored;
use svcctl_core::supervisor::state::Desired;
use svcctl_os::paths::Paths;

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// A file or directory.
    #[error("use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database.
    #[error("use the state in {path}: {message}")]
    Database {
        /// Which file.
        path: PathBuf,
        /// What redb said.
        message: String,
    },
    /// The database was written by a later svcctl.
    #[error(
        "use the state in {path}: it has format {found}, and this svcctl knows up to {known}; use the newer svcctl"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
}

/// What the store gives at a start.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Every service.
    pub(crate) services: Vec<Restored>,
    /// What was damaged and how it was repaired, a sentence each.
    pub(crate) repairs: Vec<String>,
}

/// The open store. One process at a time (the scope's lock sees to it).
#[derive(Debug)]
pub(crate) struct Store {
    database: Option<Database>,
    services_dir: PathBuf,
}

impl Store {
    /// Opens the store under `paths`, making it if there is none.
    ///
    /// # Errors
    /// [`StoreError`]; damage is no error, it is repaired and told by [`Store::load`].
    pub(crate) fn open(paths: &Paths) -> Result<(Self, Vec<String>), StoreError> {
        let services_dir = paths.services.clone();
        let path = paths.store();
        let (database, damage) = Database::open(&path)?;
        let mut store = Self { database: Some(database), services_dir };
        let mut repairs = Vec::new();
        if let Some(damage) = damage {
            repairs.push(damage);
            store.import_files(&mut repairs)?;
        }
        Ok((store, repairs))
    }

    /// A store that forgets all, for the one service of `svcctl run`.
    pub(crate) fn ephemeral() -> Self {
        Self { database: None, services_dir: PathBuf::new() }
    }

    /// Every service, with what is wanted of it: as noted last, or as `autostart` says if the machine was booted
    /// since (`boot_id` is the running boot's).
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn load(&mut self, boot_id: &str) -> Result<Loaded, StoreError> {
        let Some(database) = &self.database else { return Ok(Loaded::default()) };
        let mut loaded = Loaded::default();
        let booted = database.boot_id()?.as_deref() != Some(boot_id);
        for (name, row) in database.rows()? {
            match row.decode() {
                Ok((spec, mut desired)) => {
                    if booted {
                        desired = if spec.autostart { Desired::Up } else { Desired::Down };
                    }
                    let (revision, held, job) = (row.revision, row.held, row.job);
                    loaded.services.push(Restored { spec: Arc::new(spec), revision, desired, held, job });
                }
                Err(why) => loaded.repairs.push(format!(
                    "the stored specification of {name} cannot be read ({why}); it is left out; install it again"
                )),
            }
        }
        if booted {
            let desired = loaded.services.iter().map(|service| (&service.spec.name, service.desired));
            database.begin_boot(boot_id, desired)?;
        }
        Ok(loaded)
    }

    /// Makes all of `batch` durable, in one commit.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch is promised.
    pub(crate) fn write(&mut self, batch: &[Persist]) -> Result<(), StoreError> {
        let Some(database) = &self.database else { return Ok(()) };
        if batch.iter().any(|persist| matches!(persist, Persist::Service { .. })) {
            let decoded = |(_, row): (String, database::Row)| {
                let (spec, _) = row.decode().ok()?;
                Some((spec.name.clone(), Arc::new(spec)))
            };
            let mut rows = database.rows()?;
            rows.retain(|(name, _)| batch.iter().any(|persist| persist.name().as_str() == name));
            let accepted = rows.into_iter().filter_map(decoded).collect();
            files::write_all(&self.services_dir, batch, accepted)?;
        }
        database.commit(batch)?;
        files::remove_all(&self.services_dir, batch)
    }

    /// Takes the specifications that stand as files, after the database was lost.
    fn import_files(&mut self, repairs: &mut Vec<String>) -> Result<(), StoreError> {
        for file in files::read_all(&self.services_dir)? {
            let path = file.path.display();
            match file.spec {
                Ok(spec) => {
                    repairs.push(format!("{} was taken from {path}", spec.name));
                    let desired = if spec.autostart { Desired::Up } else { Desired::Down };
                    self.write(&[Persist::Service { spec, source: None, revision: 1, desired }])?;
                }
                Err(problems) => {
                    let why: Vec<String> = problems.iter().map(files::told).collect();
                    repairs.push(format!("{path} was left out: {}", why.join("; ")));
                }
            }
        }
        Ok(())
    }
}
