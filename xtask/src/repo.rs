//! This repository: where it is, which packages and files it has.

use crate::command::Run;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The repository that this program was built in.
pub(crate) struct Repo {
    /// Its root.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// Its packages.
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its directory, relative to the root.
    pub(crate) directory: PathBuf,
    /// The packages of this workspace that it depends on, in any way.
    pub(crate) uses: Vec<String>,
}

impl Package {
    /// Whether it is part of the product (in `crates/`), not a tool or a test.
    pub(crate) fn is_product(&self) -> bool {
        self.directory.starts_with("crates")
    }
}

impl Repo {
    /// Asks cargo.
    ///
    /// # Errors
    /// `cargo metadata` cannot be run or its answer read.
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Run::cargo(here).words("metadata --format-version 1 --no-deps").output()?;
        ensure!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("failed to read cargo metadata")?;
        let root = PathBuf::from(text(&metadata["workspace_root"])?);
        let packages = list(&metadata["packages"])?;
        let names: Vec<_> = packages.iter().map(|package| text(&package["name"])).collect::<Result<_>>()?;
        let packages =
            packages.iter().map(|package| read_package(package, &root, &names)).collect::<Result<_>>()?;
        Ok(Self { target: PathBuf::from(text(&metadata["target_directory"])?), root, packages })
    }

    /// Every file that git knows or would take, relative to the root, in order.
    ///
    /// # Errors
    /// `git ls-files` cannot be run.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let output =
            Run::new("git", &self.root).words("ls-files -z --cached --others --exclude-standard").output()?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
        let listed = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
        let mut files: Vec<_> = listed.split_terminator('\0').map(PathBuf::from).collect();
        files.sort();
        files.dedup();
        files.retain(|file| self.root.join(file).is_file());
        Ok(files)
    }

    /// The target triple of the static binary that is released for this machine's processor.
    pub(crate) fn static_triple() -> String {
        format!("{}-unknown-linux-musl", std::env::consts::ARCH)
    }
}

fn read_package(package: &Value, root: &Path, names: &[&str]) -> Result<Package> {
    let manifest = Path::new(text(&package["manifest_path"])?);
    let directory = manifest.parent().and_then(|parent| parent.strip_prefix(root).ok());
    let uses = list(&package["dependencies"])?.iter().map(|dependency| text(&dependency["name"]));
    let uses = uses.filter(|name| name.as_ref().map_or(true, |name| names.contains(name)));
    Ok(Package {
        name: text(&package["name"])?.to_owned(),
        directory: directory.context("a package lies outside the repository")?.to_owned(),
        uses: uses.map(|name| name.map(str::to_owned)).collect::<Result<_>>()?,
    })
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("cargo metadata lacks a text")
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().context("cargo metadata lacks a list")
}
