//! Records to standard output.

use super::columns::Columns;
use crate::args::LogFormat;
use crate::error::{CliError, failure};
use crate::output::pager::Pager;
use svcctl_engine::logs::render::Renderer;
use svckit::control::types::FailureKind;

/// From how many bytes on the buffer is written out.
const BUFFER_BYTES: usize = 64 * 1024;

/// Prints records in one format.
pub(super) struct Printer {
    format: LogFormat,
    columns: Columns,
    renderer: Renderer,
    /// One line as the renderer has it.
    line: Vec<u8>,
    buffer: Vec<u8>,
    to: Pager,
}

impl Printer {
    pub(super) fn new(format: LogFormat, columns: Columns, to: Pager) -> Self {
        Self { format, columns, renderer: Renderer::default(), line: Vec::new(), buffer: Vec::new(), to }
    }

    /// Takes one record (JSON, without its newline).
    pub(super) fn push(&mut self, record: &str) -> Result<(), CliError> {
        match self.format {
            LogFormat::Text => {
                self.line.clear();
                self.renderer.text(record.as_bytes(), &mut self.line);
                self.columns.write(&self.line, &mut self.buffer);
            }
            LogFormat::Yaml => self.buffer.extend_from_slice(yaml(record)?.as_bytes()),
            LogFormat::Raw if is_ours(record) => {}
            LogFormat::Raw => self.renderer.raw(record.as_bytes(), &mut self.buffer),
            LogFormat::Json => {
                self.buffer.extend_from_slice(record.as_bytes());
                self.buffer.push(b'\n');
            }
        }
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes out what is there.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        self.to.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Says that this is all.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        self.flush()?;
        self.to.finish()
    }
}

/// A record as a document of a YAML stream; one that is no JSON is a text.
fn yaml(record: &str) -> Result<String, CliError> {
    let tree = serde_json::from_str(record).unwrap_or_else(|_| serde_json::Value::from(record));
    match svckit::config::render(&tree) {
        Ok(text) => Ok(format!("---\n{text}")),
        Err(error) => Err(failure(FailureKind::Failed, format!("cannot {error}"))),
    }
}

/// Whether svcctl said it, and not the program.
fn is_ours(record: &str) -> bool {
    // The words are looked for first, since every other record has none of them.
    let says = |tree: serde_json::Value| {
        tree.get("event.dataset").and_then(|set| set.as_str().map(|set| set == "svcctl"))
    };
    record.contains("\"event.dataset\":\"svcctl\"")
        && serde_json::from_str(record).ok().and_then(says).unwrap_or(false)
}

/// Records as lines of text.
pub(super) fn as_lines(records: &[String]) -> Vec<String> {
    let (mut renderer, mut bytes) = (Renderer::default(), Vec::new());
    for record in records {
        renderer.text(record.as_bytes(), &mut bytes);
    }
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_output_is_the_programs_alone() {
        assert!(is_ours(r#"{"message":"started","event.dataset":"svcctl"}"#));
        assert!(!is_ours(r#"{"message":"started","event.dataset":"stdout"}"#));
        assert!(!is_ours(r#"{"message":"\"event.dataset\":\"svcctl\"","event.dataset":"stdout"}"#));
        assert!(!is_ours(r#"{"labels":{"event.dataset":"svcctl"},"event.dataset":"stdout"}"#));
    }
}
