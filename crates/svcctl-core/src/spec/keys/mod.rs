//! Every key of a specification, once: what it is, what it means, what it is when it is left out.
//!
//! From this table come the keys that [`super::decode()`] knows, the JSON Schema ([`schema()`]) and the reference
//! ([`reference()`]). A value's finer rules (that a path is absolute, that a cron expression can come) are decoded, not
//! described: the schema refuses nothing that is sound, and not everything that is not.

mod activation;
mod process;
mod rules;
mod schema;

pub(super) use activation::{HOOK, HOOKS, RELOAD, SCHEDULE, TRIGGER};
pub(super) use process::{ENV_FILE, LIMITS, ROOT};
pub(super) use rules::{
    BACKOFF, BARE_CONDITION, CONDITION, HEALTH, HTTP, LIMIT, PROBE, READY, RESTART, START, STEP, STOP,
};
pub use schema::schema;

/// One key of a mapping.
#[derive(Debug)]
pub(super) struct Key {
    name: &'static str,
    shape: Shape,
    description: &'static str,
    /// A value, as JSON.
    example: &'static str,
    /// What it is when it is left out, as JSON; none if that is nothing, or depends.
    default: Option<&'static str>,
    /// What it is when it is left out, where that is not one value.
    default_note: Option<&'static str>,
    required: bool,
}

impl Key {
    const fn new(name: &'static str, shape: Shape, description: &'static str, example: &'static str) -> Self {
        Self { name, shape, description, example, default: None, default_note: None, required: false }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    const fn default_note(mut self, note: &'static str) -> Self {
        self.default_note = Some(note);
        self
    }
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Version,
    Name,
    Text,
    /// A text with placeholders.
    Template,
    Path,
    Bool,
    True,
    Integer(i64, i64),
    Number(u32, u32),
    Duration,
    Count,
    Size,
    Words,
    Identity,
    Identities,
    Umask,
    Env,
    EnvFiles,
    InheritEnv,
    DependsOn,
    Choice(&'static [&'static str]),
    /// One of these words, or a list of them.
    Choices(&'static [&'static str]),
    Codes,
    Signal,
    Url,
    Http,
    Status,
    Regex,
    Cron,
    Timezone,
    Pattern,
    Patterns,
    Hook,
    Hooks,
    Mapping(&'static [Key]),
    Mappings(&'static [Key]),
}

impl Shape {
    /// What a reader is told.
    fn words(self) -> String {
        match self {
            Self::Version => "the number 1".to_owned(),
            Self::Name | Self::Text | Self::Timezone => "text".to_owned(),
            Self::Template => "text with placeholders".to_owned(),
            Self::Path => "absolute path with placeholders".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::True => "true".to_owned(),
            Self::Integer(low, high) => format!("whole number from {low} to {high}"),
            Self::Number(low, high) => format!("number from {low} to {high}"),
            Self::Duration => "duration such as 30s, 1m30s or 500ms".to_owned(),
            Self::Count => "whole number, or unlimited".to_owned(),
            Self::Size => "size such as 64MiB, or unlimited".to_owned(),
            Self::Words => "list of words with placeholders, or a text that is split into words".to_owned(),
            Self::Identity => "name or number".to_owned(),
            Self::Identities => "list of names or numbers".to_owned(),
            Self::Umask => "octal number in quotes".to_owned(),
            Self::Env => "mapping from names to texts with placeholders".to_owned(),
            Self::EnvFiles => "path, or a list of paths or of mappings".to_owned(),
            Self::InheritEnv => "list of names, or all".to_owned(),
            Self::DependsOn => "mapping from services to ready, started or completed".to_owned(),
            Self::Choice(words) => words.join(" | "),
            Self::Choices(words) => format!("list of {}", words.join(", ")),
            Self::Codes => "list of exit codes".to_owned(),
            Self::Signal => super::signal::SIGNALS.map(super::model::Signal::name).join(" | "),
            Self::Url => "URL with placeholders".to_owned(),
            Self::Http => "URL with placeholders, or a mapping".to_owned(),
            Self::Status => "status code, or a list of them".to_owned(),
            Self::Regex => "regular expression".to_owned(),
            Self::Cron => "cron expression".to_owned(),
            Self::Pattern => "absolute path or pattern".to_owned(),
            Self::Patterns => "absolute path or pattern, or a list of them".to_owned(),
            Self::Hook => "command, or a mapping".to_owned(),
            Self::Hooks => "command, a mapping, or a list of them".to_owned(),
            Self::Mapping(_) => "mapping".to_owned(),
            Self::Mappings(_) => "list of mappings".to_owned(),
        }
    }

    /// The keys below, and what stands between them and this one in a path.
    fn below(self) -> Option<(&'static str, &'static [Key])> {
        match self {
            Self::Mapping(keys) => Some(("", keys)),
            Self::Mappings(keys) => Some(("[]", keys)),
            Self::EnvFiles => Some(("[]", ENV_FILE)),
            Self::Http => Some(("", HTTP)),
            Self::Hook => Some(("", HOOK)),
            Self::Hooks => Some(("[]", HOOK)),
            Self::Version
            | Self::Name
            | Self::Text
            | Self::Template
            | Self::Path
            | Self::Bool
            | Self::True
            | Self::Integer(..)
            | Self::Number(..)
            | Self::Duration
            | Self::Count
            | Self::Size
            | Self::Words
            | Self::Identity
            | Self::Identities
            | Self::Umask
            | Self::Env
            | Self::InheritEnv
            | Self::DependsOn
            | Self::Choice(_)
            | Self::Choices(_)
            | Self::Codes
            | Self::Signal
            | Self::Url
            | Self::Status
            | Self::Regex
            | Self::Cron
            | Self::Timezone
            | Self::Pattern
            | Self::Patterns => None,
        }
    }
}

/// The names of the keys of a mapping.
pub(super) fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

/// What there is to say about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// Where it stands: `restart.backoff.initial`, `start.when[].tcp`.
    pub path: String,
    /// What its value looks like, in words.
    pub kind: String,
    /// What it is when it is left out: a value as JSON, or a few words; none if that is nothing.
    pub default: Option<String>,
    /// Whether it must be there (in its mapping).
    pub required: bool,
    /// What it means, in one or two sentences.
    pub description: &'static str,
    /// A value, as JSON.
    pub example: &'static str,
}

/// Every key, each mapping before what is in it, in the order in which people write them.
pub fn reference() -> Vec<KeyDoc> {
    fn walk(at: &str, keys: &[Key], docs: &mut Vec<KeyDoc>) {
        for key in keys {
            let path = if at.is_empty() { key.name.to_owned() } else { format!("{at}.{}", key.name) };
            docs.push(KeyDoc {
                path: path.clone(),
                kind: key.shape.words(),
                default: key.default.or(key.default_note).map(ToOwned::to_owned),
                required: key.required,
                description: key.description,
                example: key.example,
            });
            if let Some((between, below)) = key.shape.below() {
                walk(&format!("{path}{between}"), below, docs);
            }
        }
    }
    let mut docs = Vec::new();
    walk("", ROOT, &mut docs);
    docs
}

#[cfg(test)]
mod tests;
