//! Which of the three formats a text is in.

use std::fmt;
use std::path::Path;

/// A format of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentFormat {
    /// YAML 1.2.
    Yaml,
    /// JSON (RFC 8259).
    Json,
    /// TOML 1.1.
    Toml,
}

impl DocumentFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Yaml, Self::Json, Self::Toml];

    /// The format that a file's name says by its extension (`.yaml`, `.yml`, `.json`, `.toml`, in any case).
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// The format of a text that comes without a name, as from standard input: JSON where it begins as an object or a
    /// list of JSON does, YAML otherwise. TOML is never guessed: it must be said.
    pub fn detect(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
        // An unquoted key after the brace is YAML's.
        let is_json = match text.strip_prefix('{') {
            Some(rest) => rest.trim_start().starts_with(['"', '}']),
            None => text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{')),
        };
        if is_json { Self::Json } else { Self::Yaml }
    }

    /// The extension that files of this format have, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
        }
    }
}

impl fmt::Display for DocumentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Toml => "TOML",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_says_the_format() {
        let of = |path: &str| DocumentFormat::from_path(Path::new(path));
        assert_eq!(of("/etc/svcctl/services/web.yaml"), Some(DocumentFormat::Yaml));
        assert_eq!(of("web.YML"), Some(DocumentFormat::Yaml));
        assert_eq!(of("web.json"), Some(DocumentFormat::Json));
        assert_eq!(of("web.toml"), Some(DocumentFormat::Toml));
        assert_eq!([of("web"), of(".yaml"), of("web.yaml.bak"), of("-")], [None; 4]);
    }

    #[test]
    fn a_text_without_a_name_is_json_only_if_it_begins_so() {
        for text in ["{\"a\": 1}", "\u{feff} \n\t{\n\"a\"", "{}", "[{\"a\": 1}]"] {
            assert_eq!(DocumentFormat::detect(text), DocumentFormat::Json, "{text:?}");
        }
        for text in ["", "a: 1", "{a: 1}", "[a, b]", "# {\"a\"", "--- {}"] {
            assert_eq!(DocumentFormat::detect(text), DocumentFormat::Yaml, "{text:?}");
        }
    }
}
