//! Names of services in a column, each in a colour of its own, where records of several are shown.

use crate::output::Style;
use svcctl_core::ident::ServiceName;

/// The SGR codes that names are shown in, in turn.
const COLOURS: [&str; 6] = ["36", "33", "35", "32", "34", "31"];

/// How the names stand in the lines.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// Each with what stands in its place; empty for one service alone, whose lines stay as they are.
    names: Vec<(String, String)>,
}

impl Columns {
    /// The column of `names`.
    pub(super) fn of(names: &[ServiceName], style: Style) -> Self {
        if names.len() < 2 {
            return Self { names: Vec::new() };
        }
        let width = names.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
        let dressed = |(name, colour): (&ServiceName, &str)| {
            let name = name.as_str();
            (name.to_owned(), format!("{}{:gap$}", style.paint(colour, name), "", gap = width - name.len()))
        };
        Self { names: names.iter().zip(COLOURS.into_iter().cycle()).map(dressed).collect() }
    }

    /// Appends `line` (`TIME NAME STREAM | MESSAGE`) to `out`. One that has no name of ours stays as it is.
    pub(super) fn write(&self, line: &[u8], out: &mut Vec<u8>) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        if let (Some(time), Some(name), Some(rest)) = (words.next(), words.next(), words.next())
            && let Some((_, shown)) = self.names.iter().find(|(known, _)| known.as_bytes() == name)
        {
            for part in [time, b" ", shown.as_bytes(), b" ", rest] {
                out.extend_from_slice(part);
            }
        } else {
            out.extend_from_slice(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(names: &[&str], style: Style, line: &str) -> String {
        let names: Vec<ServiceName> = names.iter().map(|name| ServiceName::new(name).unwrap()).collect();
        let mut out = Vec::new();
        Columns::of(&names, style).write(line.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_of_several_stand_in_a_column_with_a_colour_each() {
        let line = "2026-11-23T05:13:57.123Z db stdout | a db\n";
        assert_eq!(written(&["db"], Style::Coloured, line), line);
        assert_eq!(
            written(&["api-2", "db"], Style::Plain, line),
            "2026-11-23T05:13:57.123Z db    stdout | a db\n"
        );
        assert_eq!(
            written(&["api-2", "db"], Style::Coloured, line),
            "2026-11-23T05:13:57.123Z \u{1b}[33mdb\u{1b}[0m    stdout | a db\n"
        );
        assert_eq!(written(&["api-2", "db"], Style::Plain, "no record\n"), "no record\n");
    }
}
