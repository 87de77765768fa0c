//! Running other programs: shown before they run, their lines passed on as they come.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command line to be run in the repository.
pub(crate) struct Run(Command);

impl Run {
    /// `program`, in the directory `at`.
    pub(crate) fn new(program: &str, at: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(at);
        Self(command)
    }

    /// The cargo that runs this task, in the directory `at`.
    pub(crate) fn cargo(at: &Path) -> Self {
        Self::new(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), at)
    }

    /// Adds the words of `text`, which are separated by spaces.
    pub(crate) fn words(mut self, text: &str) -> Self {
        self.0.args(text.split_whitespace());
        self
    }

    /// Adds one argument.
    pub(crate) fn argument(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Sets a variable.
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end; its output goes where ours goes.
    ///
    /// # Errors
    /// It cannot be started, or does not end with success.
    pub(crate) fn run(mut self) -> Result<()> {
        let shown = self.show();
        let status = self.0.status().with_context(|| format!("failed to start {shown}"))?;
        if !status.success() {
            bail!("{shown}: {status}");
        }
        Ok(())
    }

    /// Runs it to its end, gives each line of its standard output to `line` and passes it on.
    ///
    /// # Errors
    /// It cannot be started or read from. Whether it ended with success is the value.
    pub(crate) fn lines(mut self, mut line: impl FnMut(&str)) -> Result<bool> {
        let shown = self.show();
        let mut child =
            self.0.stdout(Stdio::piped()).spawn().with_context(|| format!("failed to start {shown}"))?;
        let stdout = child.stdout.take().context("standard output is not piped")?;
        for text in BufReader::new(stdout).split(b'\n') {
            let text = text.with_context(|| format!("failed to read from {shown}"))?;
            let text = String::from_utf8_lossy(&text);
            println!("{text}");
            line(&text);
        }
        Ok(child.wait().with_context(|| format!("failed to wait for {shown}"))?.success())
    }

    /// Runs it to its end and collects what it writes; it is not shown.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn output(mut self) -> Result<Output> {
        let shown = self.text();
        self.0.output().with_context(|| format!("failed to start {shown}"))
    }

    fn show(&self) -> String {
        let text = self.text();
        println!("$ {text}");
        text
    }

    fn text(&self) -> String {
        let program = Path::new(self.0.get_program()).file_name().unwrap_or(self.0.get_program());
        let words = std::iter::once(program).chain(self.0.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }
}
