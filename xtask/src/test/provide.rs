//! What the tests need on the machine: looked for first, installed where it is missing, with a word about why.

use crate::command::Run;
use crate::repo::Repo;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};

/// The version of cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// What checks the API's document and what is printed for programs: a validator of `OpenAPI`, a generator of clients,
/// and a validator of JSON Schema that shares no code with ours.
const PYTHON_PACKAGES: [(&str, &str); 3] =
    [("openapi-spec-validator", "0.9.0"), ("openapi-python-client", "0.29.1"), ("jsonschema", "4.26.0")];

/// Debian's package of what makes a Python environment; it has no program by which it would be known.
const PYTHON_VENV: &str = "python3-venv";

/// A system package.
pub(crate) struct SystemPackage {
    /// Debian's name.
    pub(crate) name: &'static str,
    /// A program of it: where that is found, the package is taken as installed.
    pub(crate) program: &'static str,
    /// What it is needed for.
    pub(crate) why: &'static str,
}

const SYSTEM_PACKAGES: &[SystemPackage] = &[
    SystemPackage {
        name: "redis-server",
        program: "redis-server",
        why: "a real service that a test keeps alive",
    },
    SystemPackage { name: "nginx-light", program: "nginx", why: "a real service that depends on another" },
    SystemPackage { name: "zsh", program: "zsh", why: "a shell that completes svcctl's words" },
    SystemPackage { name: "fish", program: "fish", why: "another one" },
    SystemPackage { name: "groff-base", program: "groff", why: "the manual pages as people read them" },
    SystemPackage { name: "curl", program: "curl", why: "the API as the guide shows it" },
    SystemPackage { name: "python3", program: "python3", why: "validators of the API that others made" },
    SystemPackage { name: "bsdutils", program: "script", why: "a terminal for what only terminals show" },
    SystemPackage { name: "util-linux", program: "setpriv", why: "tests that run without root's rights" },
];

/// Installs the system packages of the tests that are missing.
///
/// # Errors
/// See [`install_missing`].
pub(super) fn packages(repo: &Repo) -> Result<()> {
    install_missing(repo, SYSTEM_PACKAGES)?;
    if makes_environments(repo) {
        return Ok(());
    }
    println!("Python's ensurepip is missing ({PYTHON_VENV}): an environment for validators of the API");
    install(repo, PYTHON_VENV)
}

fn makes_environments(repo: &Repo) -> bool {
    let ensurepip = Run::new("python3", &repo.root).words("-c").argument("import ensurepip, venv").output();
    ensurepip.is_ok_and(|output| output.status.success())
}

/// Installs those of `packages` that are missing.
///
/// # Errors
/// One is missing and cannot be installed; the command that would do it is named.
pub(crate) fn install_missing(repo: &Repo, packages: &[SystemPackage]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| find_program(package.program).is_none()).collect();
    for package in &missing {
        println!("{} is missing ({}): {}", package.program, package.name, package.why);
    }
    if missing.is_empty() {
        println!(
            "all there: {}",
            packages.iter().map(|package| package.program).collect::<Vec<_>>().join(", ")
        );
        return Ok(());
    }
    install(repo, &missing.iter().map(|package| package.name).collect::<Vec<_>>().join(" "))
}

/// Installs these packages, whose names are separated by spaces.
fn install(repo: &Repo, names: &str) -> Result<()> {
    if find_program("apt-get").is_none() || !is_root(repo)? {
        bail!("install these packages, then run this again: apt-get install {names}");
    }
    apt(repo).words("update --quiet").run()?;
    apt(repo).words("install --quiet --yes --no-install-recommends").words(names).run()
}

/// Adds the compiler's targets and cargo-deny, where they are missing.
///
/// # Errors
/// One cannot be had.
pub(super) fn toolchain(repo: &Repo) -> Result<()> {
    let installed = Run::new("rustup", &repo.root).words("target list --installed").output();
    let installed = installed.context("rustup is needed to add the targets of rust-toolchain.toml")?;
    let installed = String::from_utf8_lossy(&installed.stdout).into_owned();
    for target in wanted_targets(repo)? {
        if installed.lines().any(|line| line == target) {
            println!("{target} is there");
        } else {
            Run::new("rustup", &repo.root).words("target add").argument(&target).run()?;
        }
    }
    match cargo_deny(repo) {
        Ok(there) => println!("cargo-deny {CARGO_DENY} is there: {}", there.display()),
        Err(_) => install_cargo_deny(repo)?,
    }
    Ok(())
}

/// Where cargo-deny of the wanted version is.
///
/// # Errors
/// It is nowhere; the step that installs it is named.
pub(super) fn cargo_deny(repo: &Repo) -> Result<PathBuf> {
    let places = [Some(tools(repo).join("bin/cargo-deny")), find_program("cargo-deny")];
    let wanted = format!("cargo-deny {CARGO_DENY}");
    let found = places.into_iter().flatten().find(|place| {
        let version = Run::new(&place.to_string_lossy(), &repo.root).words("--version").output();
        version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).trim() == wanted)
    });
    found.with_context(|| format!("{wanted} is not there; `cargo xtask test --only toolchain` installs it"))
}

/// Built without optimization and without its network parts: what is checked needs neither, and it takes a minute
/// rather than several.
fn install_cargo_deny(repo: &Repo) -> Result<()> {
    println!("cargo-deny {CARGO_DENY} is missing: it checks the licences of dependencies (about a minute)");
    let install =
        Run::cargo(&repo.root).words("install --quiet --locked --debug --no-default-features --root");
    let install = install.argument(tools(repo)).argument(format!("cargo-deny@{CARGO_DENY}"));
    install.variable("CARGO_TARGET_DIR", tools(repo).join("build")).run()?;
    std::fs::remove_dir_all(tools(repo).join("build")).context("failed to remove the build of cargo-deny")
}

/// Makes a Python environment with the validators, where it is missing or has others.
///
/// # Errors
/// It cannot be made: Python has no `venv`, or the packages cannot be had.
pub(super) fn python(repo: &Repo) -> Result<()> {
    if let Ok(there) = python_program(repo) {
        println!("{} are there: {}", pinned().join(", "), there.display());
        return Ok(());
    }
    ensure!(
        makes_environments(repo),
        "python3 cannot make an environment here; install its venv, then run this again: apt-get install {PYTHON_VENV}"
    );
    let place = tools(repo).join("python");
    Run::new("python3", &repo.root).words("-m venv --clear").argument(&place).run()?;
    let pip = Run::new(&place.join("bin/python").to_string_lossy(), &repo.root);
    let pip = pip.words("-m pip install --quiet --disable-pip-version-check --no-input");
    pip.words(&pinned().join(" ")).run().context("the validators of the API cannot be installed")
}

/// The Python that has the wanted validators.
///
/// # Errors
/// It is not there; the step that makes it is named.
pub(super) fn python_program(repo: &Repo) -> Result<PathBuf> {
    let program = tools(repo).join("python/bin/python");
    let ask = "import sys, importlib.metadata as m; [print(f'{n}=={m.version(n)}') for n in sys.argv[1:]]";
    let names = PYTHON_PACKAGES.map(|(name, _)| name).join(" ");
    let has =
        Run::new(&program.to_string_lossy(), &repo.root).words("-c").argument(ask).words(&names).output();
    let right = has.is_ok_and(|has| String::from_utf8_lossy(&has.stdout).lines().eq(pinned()));
    ensure!(right, "the validators of the API are not there; `cargo xtask test --only python` installs them");
    Ok(program)
}

/// The validators as pip names them.
fn pinned() -> Vec<String> {
    PYTHON_PACKAGES.iter().map(|(name, version)| format!("{name}=={version}")).collect()
}

/// Where tools of the tests are installed: not among the user's own.
fn tools(repo: &Repo) -> PathBuf {
    repo.target.join("tools")
}

fn wanted_targets(repo: &Repo) -> Result<Vec<String>> {
    let path = repo.root.join("rust-toolchain.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let list =
        text.split_once("targets = [").and_then(|(_, rest)| rest.split_once(']')).map(|(list, _)| list);
    let list = list.context("rust-toolchain.toml has no list of targets")?;
    let targets: Vec<_> = list.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect();
    ensure!(!targets.is_empty(), "rust-toolchain.toml has an empty list of targets");
    Ok(targets)
}

fn apt(repo: &Repo) -> Run {
    Run::new("apt-get", &repo.root).variable("DEBIAN_FRONTEND", "noninteractive")
}

fn is_root(repo: &Repo) -> Result<bool> {
    let id = Run::new("id", &repo.root).words("-u").output()?;
    Ok(String::from_utf8_lossy(&id.stdout).trim() == "0")
}

/// Where `program` lies in `PATH`, or in the directories of system programs, which a plain user's `PATH` may lack.
pub(crate) fn find_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|place| place.join(program))
        .find(|place: &PathBuf| is_file(place))
}

fn is_file(place: &Path) -> bool {
    place.metadata().is_ok_and(|metadata| metadata.is_file())
}
