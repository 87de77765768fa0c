//! `svcctl show`: specifications, as they were accepted, or as their files stand.

use crate::args::{DocumentName, ShowArgs};
use crate::context::{Context, block_on};
use crate::document::parse_name;
use crate::error::{CliError, failure, io_failure};
use crate::exit_code;
use crate::locate::{self, Located};
use crate::names;
use crate::output;
use serde_json::Value;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec;
use svckit::config::{DocumentFormat, render_as};
use svckit::control::types::FailureKind;

/// What stands between two documents of a YAML stream (YAML 1.2.2, 9.1.2).
const YAML_MARK: &str = "---\n";
/// The endings of files in services/.
const ENDINGS: [&str; 4] = ["yaml", "yml", "json", "toml"];

pub(super) fn run(context: &Context, args: &ShowArgs) -> Result<u8, CliError> {
    let typed = args.names.listed();
    let names = if args.names.all { all(context)? } else { names::resolve(context, &typed)? };
    let is_one = matches!(typed[..], [name] if !names::is_pattern(name));
    let mut found = Vec::new();
    for name in names {
        found.push((block_on(locate::service(context, &name))??, name));
    }
    let text = if args.file {
        let files = found.iter().map(|(located, name)| file(context, located, name));
        files.collect::<Result<Vec<_>, _>>()?.join(YAML_MARK)
    } else {
        let documents = found.iter().map(|(located, _)| document(located, args.all_keys));
        render(documents.collect::<Result<Vec<_>, _>>()?, args.output, is_one)?
    };
    output::page(&text)?;
    Ok(exit_code::DONE)
}

fn all(context: &Context) -> Result<Vec<ServiceName>, CliError> {
    block_on(locate::all(context))??.iter().map(|service| parse_name(&service.name)).collect()
}

/// The accepted specification, with its defaults if they are wanted.
fn document(located: &Located, all_keys: bool) -> Result<Value, CliError> {
    let service = &located.service;
    if !all_keys {
        return Ok(service.spec.clone());
    }
    let read = spec::decode(&service.spec).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let message = format!(
            "cannot read the specification of {}, which an engine of another version has: {}",
            service.name,
            told.join("; ")
        );
        failure(FailureKind::Failed, message)
    })?;
    Ok(read.to_full_document())
}

/// The documents as text. Several are a stream in YAML and a list in JSON; a file of TOML has only one.
fn render(documents: Vec<Value>, format: DocumentName, is_one: bool) -> Result<String, CliError> {
    let unprintable =
        |error: svckit::config::RenderError| failure(FailureKind::Failed, format!("cannot {error}"));
    let texts = |format| {
        documents.iter().map(|one| render_as(one, format)).collect::<Result<Vec<_>, _>>().map_err(unprintable)
    };
    match format {
        DocumentName::Yaml => Ok(texts(DocumentFormat::Yaml)?.join(YAML_MARK)),
        DocumentName::Toml if documents.len() > 1 => Err(failure(
            FailureKind::Usage,
            "a file of TOML holds one specification; name one service, or take --output yaml or json",
        )),
        DocumentName::Toml => Ok(texts(DocumentFormat::Toml)?.concat()),
        DocumentName::Json if is_one => Ok(texts(DocumentFormat::Json)?.concat()),
        DocumentName::Json => render_as(&Value::Array(documents), DocumentFormat::Json).map_err(unprintable),
    }
}

/// The text of the file in services/, as it stands.
pub(super) fn file(context: &Context, located: &Located, name: &ServiceName) -> Result<String, CliError> {
    let mut text = match &located.client {
        Some(client) => block_on(client.source(name))??.text,
        None => stored_file(context, name)?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn stored_file(context: &Context, name: &ServiceName) -> Result<String, CliError> {
    for ending in ENDINGS {
        let path = context.paths.services.join(format!("{name}.{ending}"));
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_failure("read", &path, &error)),
        }
    }
    let message = format!(
        "{name} has no file in {}; it is written again with the next change, and the accepted specification is shown by: svcctl show {name}",
        context.paths.services.display()
    );
    Err(failure(FailureKind::Failed, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn documents() -> Vec<Value> {
        vec![json!({"spec": 1, "name": "a", "exec": ["/bin/a"]}), json!({"spec": 1, "name": "b"})]
    }

    #[test]
    fn several_are_a_stream_in_yaml_and_a_list_in_json() {
        assert_eq!(
            render(documents(), DocumentName::Yaml, false).unwrap(),
            "spec: 1\nname: a\nexec:\n- /bin/a\n---\nspec: 1\nname: b\n"
        );
        let json = render(documents(), DocumentName::Json, false).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), Value::Array(documents()));
        let refused = render(documents(), DocumentName::Toml, false).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
    }

    #[test]
    fn one_is_itself_in_every_format() {
        let one = || documents()[..1].to_vec();
        let json = render(one(), DocumentName::Json, true).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), documents()[0]);
        assert_eq!(
            render(one(), DocumentName::Toml, true).unwrap(),
            "spec = 1\nname = \"a\"\nexec = [\"/bin/a\"]\n"
        );
    }
}
