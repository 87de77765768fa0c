//! The words that bash splits a line into, put together again.
//!
//! Bash breaks words at `=` and `:` also, and replaces only the part behind the last of them. So `--output=js` comes as
//! three words, and of `redis:ready` only `ready` is wanted back.

use std::ffi::{OsStr, OsString};

/// A line as svcctl has it, and what of its current word bash replaces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    all: Vec<OsString>,
    index: usize,
    /// What of the current word stands in the line already, before the part that is replaced.
    stays: String,
}

impl Words {
    /// From what bash gives; `index` is the place of the word being typed. None where that is beyond the line.
    pub(super) fn of_bash(typed: &[OsString], index: usize) -> Option<Self> {
        let mut words = Self { all: Vec::new(), index: 0, stays: String::new() };
        let mut joined = false;
        for (at, word) in typed.iter().enumerate().take(index + 1) {
            let text = word.to_string_lossy();
            let is_flag = words.all.last().is_some_and(|last| last.to_string_lossy().starts_with("--"));
            if text == "=" && is_flag {
                // The value of a flag may as well be the next word, which begins here if this is where it stands.
                joined = false;
                words.all.extend((at == index).then(OsString::new));
                continue;
            }
            let glue = (text == ":" && at > 1) || joined;
            if glue && let Some(last) = words.all.last_mut() {
                let before = last.to_string_lossy().into_owned();
                // After a colon the part behind it is replaced, and the colon itself is not.
                words.stays = if text == ":" { format!("{before}:") } else { before };
                last.push(word);
            } else {
                words.stays.clear();
                words.all.push(word.clone());
            }
            joined = text == ":" && glue;
        }
        words.index = words.all.len().checked_sub(1)?;
        (index < typed.len()).then_some(words)
    }

    /// All words up to the current one.
    pub(super) fn all(&self) -> &[OsString] {
        &self.all
    }

    /// The place of the current one.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The word that is being typed.
    pub(super) fn current(&self) -> &OsStr {
        self.all.get(self.index).map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// What bash is given of a candidate for the current word.
    pub(super) fn shorten(&self, candidate: &str) -> String {
        candidate.strip_prefix(&self.stays).unwrap_or(candidate).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &[&str]) -> (Vec<String>, String) {
        let typed: Vec<OsString> = line.iter().map(Into::into).collect();
        let words = Words::of_bash(&typed, typed.len() - 1).unwrap();
        let all = words.all().iter().map(|word| word.to_string_lossy().into_owned()).collect();
        (all, words.shorten("redis:ready"))
    }

    #[test]
    fn broken_words_are_put_together() {
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&["svcctl", "start", ""]).0, strings(&["svcctl", "start", ""]));
        let line = ["svcctl", "--root", "=", "/a", "logs", "--output", "=", "js"];
        assert_eq!(of(&line).0, strings(&["svcctl", "--root", "/a", "logs", "--output", "js"]));
        assert_eq!(of(&["svcctl", "logs", "--output", "="]).0, strings(&["svcctl", "logs", "--output", ""]));
        let (words, rest) = of(&["svcctl", "install", "a", "--depends-on", "redis", ":", "re"]);
        assert_eq!(words, strings(&["svcctl", "install", "a", "--depends-on", "redis:re"]));
        assert_eq!(rest, "ready");
        assert_eq!(of(&["svcctl", "install", "--depends-on", "re"]).1, "redis:ready");
    }
}
