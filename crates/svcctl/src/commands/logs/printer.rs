//! Records to standard output.

use crate::args::LogFormat;
use crate::error::CliError;
use crate::output;
use svcctl_engine::logs::render::Renderer;

/// From how many bytes on the buffer is written out.
const BUFFER_BYTES: usize = 64 * 1024;

/// Prints records in one format.
pub(super) struct Printer {
    format: LogFormat,
    renderer: Renderer,
    buffer: Vec<u8>,
}

impl Printer {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, renderer: Renderer::default(), buffer: Vec::new() }
    }

    /// Takes one record (JSON, without its newline).
    pub(super) fn push(&mut self, record: &str) -> Result<(), CliError> {
        match self.format {
            LogFormat::Text => self.renderer.text(record.as_bytes(), &mut self.buffer),
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
        output::print_bytes(&self.buffer)?;
        self.buffer.clear();
        Ok(())
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
