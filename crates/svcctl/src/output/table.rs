//! Aligned columns.

/// The space between two columns.
const GAP: &str = "  ";

/// One cell: what is measured, and what is printed (which may carry colours).
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    plain: String,
    shown: String,
}

impl Cell {
    /// A cell whose text is printed in another dress of the same width.
    pub(crate) fn dressed(plain: &str, shown: String) -> Self {
        Self { plain: plain.to_owned(), shown }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        let text = text.into();
        Self { shown: text.clone(), plain: text }
    }
}

/// Lays out `rows` in columns as wide as their widest cell; the last column is not padded.
pub(crate) fn render<const N: usize>(rows: &[[Cell; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.plain.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            line.push_str(&cell.shown);
            if at + 1 < N {
                line.extend(std::iter::repeat_n(' ', width - cell.plain.chars().count()));
                line.push_str(GAP);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let rows: [[Cell; 3]; 3] = [
            ["NAME".into(), "STATE".into(), "WHY".into()],
            ["über".into(), Cell::dressed("UP", "\u{1b}[32mUP\u{1b}[0m".to_owned()), "".into()],
            ["a-long-name".into(), "DOWN".into(), "because".into()],
        ];
        assert_eq!(
            render(&rows),
            "NAME         STATE  WHY\nüber         \u{1b}[32mUP\u{1b}[0m\na-long-name  DOWN   because\n"
        );
    }
}
