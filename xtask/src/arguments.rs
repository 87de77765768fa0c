//! The arguments of a task: words and `--name value` options, each taken out once; what is left over is an error.

use anyhow::{Context, Result, bail};
use std::str::FromStr;

/// The arguments that no one has taken yet.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    /// Those of this process.
    pub(crate) fn from_env() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the first word that is not an option.
    pub(crate) fn next_word(&mut self) -> Option<String> {
        let first = self.0.first()?;
        let is_word = !first.starts_with('-') || first == "-h" || first == "--help";
        is_word.then(|| self.0.remove(0))
    }

    /// Takes the flag `name`; whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|argument| argument != name);
        self.0.len() < before
    }

    /// Takes `name VALUE` or `name=VALUE`, if it is there.
    ///
    /// # Errors
    /// The value is missing or cannot be read as `T`.
    pub(crate) fn option<T>(&mut self, name: &str) -> Result<Option<T>>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let is_it = |argument: &String| {
            argument.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        let Some(at) = self.0.iter().position(is_it) else { return Ok(None) };
        let argument = self.0.remove(at);
        let value = match argument.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None if at < self.0.len() => self.0.remove(at),
            None => bail!("{name} needs a value"),
        };
        let parsed = value.parse().with_context(|| format!("{name} cannot be {value:?}"))?;
        Ok(Some(parsed))
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// Something is left; it is named.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(left) => bail!("{left:?} is not understood here; `cargo xtask help` shows what is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn options_are_taken_in_both_forms() {
        let mut given = arguments(&["sim", "--seeds", "12", "--start=7", "--quick"]);
        assert_eq!(given.next_word().as_deref(), Some("sim"));
        assert_eq!(given.option::<u64>("--seeds").unwrap(), Some(12));
        assert_eq!(given.option::<u64>("--start").unwrap(), Some(7));
        assert_eq!(given.option::<u64>("--seed").unwrap(), None);
        assert!(given.flag("--quick"));
        given.finish().unwrap();
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(arguments(&["--sedes", "12"]).finish().unwrap_err().to_string().contains("--sedes"));
        assert!(arguments(&["--seeds"]).option::<u64>("--seeds").is_err());
        assert!(arguments(&["--seeds", "many"]).option::<u64>("--seeds").is_err());
    }
}
