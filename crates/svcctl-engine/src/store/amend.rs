//! A specification's text with another `autostart`, its comments and its order kept.

use super::files::parse;
use svcctl_core::spec::ServiceSpec;
use svckit::config::{Document, DocumentFormat, Which};

/// The key that is replaced, or put behind the name.
const KEY: &str = "autostart";

/// `text` changed so that it means `spec`, where nothing but `autostart` differs; none where more does, or where the
/// text is written so that the change does not come out right.
pub(super) fn amended(text: &str, format: DocumentFormat, spec: &ServiceSpec) -> Option<String> {
    let (document, _) = parse(text, format).ok()?;
    let changed = if document.value.get(KEY).is_some() {
        let mut changed = text.to_owned();
        let place = document.place_of(KEY, Which::Value).bytes;
        text.get(place.clone())?;
        changed.replace_range(place, &spec.autostart.to_string());
        changed
    } else {
        inserted(text, &document, format, spec.autostart)?
    };
    let (_, meant) = parse(&changed, format).ok()?;
    (meant == *spec).then_some(changed)
}

/// The key in a line of its own behind the name's, with its indentation.
fn inserted(text: &str, document: &Document, format: DocumentFormat, value: bool) -> Option<String> {
    let name = document.place_of("name", Which::Value).bytes;
    let begin = text.get(..name.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(begin..)?;
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let rest = text.get(name.end..)?;
    let end_of_line = name.end + rest.find('\n').unwrap_or(rest.len());
    let (at, insertion) = match format {
        DocumentFormat::Yaml => (end_of_line, format!("\n{indent}{KEY}: {value}")),
        DocumentFormat::Toml => (end_of_line, format!("\n{indent}{KEY} = {value}")),
        DocumentFormat::Json if text[begin..name.start].contains('{') => {
            (name.end, format!(", \"{KEY}\": {value}"))
        }
        DocumentFormat::Json => (name.end, format!(",\n{indent}\"{KEY}\": {value}")),
    };
    let mut changed = text.to_owned();
    changed.insert_str(at, &insertion);
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, format: DocumentFormat, autostart: bool) -> Option<String> {
        let (_, spec) = parse(text, format).unwrap();
        amended(text, format, &ServiceSpec { autostart, ..spec })
    }

    #[test]
    fn only_the_one_word_changes() {
        let text = "# mine\nspec: 1\nname: web\nautostart: true # for now\nexec: [/bin/true]\n";
        assert_eq!(
            set(text, DocumentFormat::Yaml, false).unwrap(),
            text.replace("true # for now", "false # for now")
        );
    }

    #[test]
    fn a_key_that_is_not_there_comes_behind_the_name() {
        let yaml = "# mine\nspec: 1\nname: web # the name\nexec: [/bin/true]\n";
        assert_eq!(
            set(yaml, DocumentFormat::Yaml, false).unwrap(),
            "# mine\nspec: 1\nname: web # the name\nautostart: false\nexec: [/bin/true]\n"
        );
        let toml = "spec = 1\nname = \"web\"\nexec = [\"/bin/true\"] # it\n\n[env]\nA = \"1\"\n";
        assert_eq!(
            set(toml, DocumentFormat::Toml, false).unwrap(),
            toml.replace("\"web\"\n", "\"web\"\nautostart = false\n")
        );
        let json = "{\n  \"spec\": 1,\n  \"name\": \"web\",\n  \"exec\": [\"/bin/true\"]\n}\n";
        assert_eq!(
            set(json, DocumentFormat::Json, false).unwrap(),
            json.replace("\"web\",\n", "\"web\",\n  \"autostart\": false,\n")
        );
        let line = "{\"spec\": 1, \"name\": \"web\", \"exec\": [\"/bin/true\"]}";
        assert_eq!(
            set(line, DocumentFormat::Json, false).unwrap(),
            line.replace("\"web\"", "\"web\", \"autostart\": false")
        );
    }

    #[test]
    fn what_would_mean_something_else_is_not_touched() {
        let flow = "{spec: 1, name: web, exec: [/bin/true]}\n";
        assert_eq!(set(flow, DocumentFormat::Yaml, false), None);
        let text = "spec: 1\nname: web\nexec: [/bin/true]\n";
        let (_, spec) = parse(text, DocumentFormat::Yaml).unwrap();
        let other = ServiceSpec { autostart: false, exec: Vec::new(), ..spec };
        assert_eq!(amended(text, DocumentFormat::Yaml, &other), None);
    }
}
