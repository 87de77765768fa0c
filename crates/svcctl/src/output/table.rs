//! Aligned columns, which on a terminal never go on in a second line.

/// The space between two columns.
const GAP: &str = "  ";
/// What stands for what does not fit.
const MORE: char = '…';
/// The last column keeps so many characters as long as the first one is longer than [`NAME_MIN`].
const SENTENCE_MIN: usize = 24;
/// The first column keeps so many characters as long as the last one has more than [`WIDTH_MIN`].
const NAME_MIN: usize = 16;
/// However narrow the terminal is, a column keeps so many characters.
const WIDTH_MIN: usize = 8;

/// One cell: its text, and the colour it is shown in (an SGR code; none where there are no colours).
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    colour: Option<&'static str>,
}

impl Cell {
    /// A cell whose text is shown in a colour, if there is one.
    pub(crate) fn dressed(text: &str, colour: Option<&'static str>) -> Self {
        Self { text: text.to_owned(), colour }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn push_to(&self, line: &mut String, width: usize) {
        let shown = shortened(&self.text, width);
        match self.colour {
            Some(code) if !shown.is_empty() => {
                line.push_str("\u{1b}[");
                line.push_str(code);
                line.push('m');
                line.push_str(&shown);
                line.push_str("\u{1b}[0m");
            }
            Some(_) | None => line.push_str(&shown),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), colour: None }
    }
}

/// `text`, not longer than `width` characters.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain((width > 0).then_some(MORE)).collect()
}

/// Lays out `rows` in columns as wide as their widest cell; the last column is not padded. Where `room` says how many
/// characters a line has, the last column is shortened first, then the first one (the name), then the others.
pub(crate) fn render<const N: usize>(rows: &[[Cell; N]], room: Option<usize>) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if let Some(room) = room {
        fit(&mut widths, room);
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            cell.push_to(&mut line, width);
            if at + 1 < N {
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
                line.push_str(GAP);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    match room {
        // Even the narrowest columns may not fit: no line goes on in the next.
        Some(room) if widths.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1) > room => {
            cut_lines(&text, room)
        }
        Some(_) | None => text,
    }
}

fn fit<const N: usize>(widths: &mut [usize; N], room: usize) {
    let gaps = GAP.len() * N.saturating_sub(1);
    let last = || N.checked_sub(1).into_iter();
    // A sentence and a name first keep enough to be known by.
    let gently = last().map(|at| (at, SENTENCE_MIN)).chain([(0, NAME_MIN)].into_iter().filter(|_| N > 1));
    let order = last().chain(0..N.saturating_sub(1)).map(|at| (at, WIDTH_MIN));
    for (at, least) in gently.chain(order) {
        let total = widths.iter().sum::<usize>() + gaps;
        let over = total.saturating_sub(room);
        if over == 0 {
            return;
        }
        widths[at] = widths[at].saturating_sub(over).max(least.min(widths[at]));
    }
}

/// Every line, cut to `room` visible characters; escape sequences are kept whole.
pub(crate) fn cut_lines(text: &str, room: usize) -> String {
    let mut cut = String::with_capacity(text.len());
    for line in text.lines() {
        cut.push_str(&cut_line(line, room));
        cut.push('\n');
    }
    cut
}

fn cut_line(line: &str, room: usize) -> String {
    let visible = visible_width(line);
    if visible <= room {
        return line.to_owned();
    }
    let (mut out, mut seen, mut in_sequence) = (String::new(), 0, false);
    for character in line.chars() {
        if in_sequence || character == '\u{1b}' {
            in_sequence = character != 'm';
            out.push(character);
        } else {
            seen += 1;
            if seen < room {
                out.push(character);
            } else if seen == room {
                out.push(MORE);
            }
        }
    }
    out
}

fn visible_width(line: &str) -> usize {
    let mut in_sequence = false;
    let is_seen = |character: char| {
        if in_sequence || character == '\u{1b}' {
            in_sequence = character != 'm';
            return false;
        }
        true
    };
    let mut is_seen = is_seen;
    line.chars().filter(|character| is_seen(*character)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [[Cell; 3]; 3] {
        [
            ["NAME".into(), "STATE".into(), "WHY".into()],
            ["über".into(), Cell::dressed("UP", Some("32")), "".into()],
            ["a-long-name".into(), "DOWN".into(), "because of the weather".into()],
        ]
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        assert_eq!(
            render(&rows(), None),
            "NAME         STATE  WHY\nüber         \u{1b}[32mUP\u{1b}[0m\na-long-name  DOWN   because of the weather\n"
        );
    }

    #[test]
    fn what_does_not_fit_is_shortened_from_the_last_column_on() {
        assert_eq!(
            render(&rows(), Some(34)),
            "NAME         STATE  WHY\nüber         \u{1b}[32mUP\u{1b}[0m\na-long-name  DOWN   because of th…\n"
        );
        assert_eq!(
            render(&rows(), Some(26)),
            "NAME       STATE  WHY\nüber       \u{1b}[32mUP\u{1b}[0m\na-long-n…  DOWN   because…\n"
        );
        for room in 1..60 {
            let text = render(&rows(), Some(room));
            assert!(text.lines().all(|line| visible_width(line) <= room), "{room}:\n{text}");
        }
    }

    #[test]
    fn a_long_name_gives_way_to_the_sentence() {
        let row: [Cell; 2] = ["a-service-with-a-long-name".into(), "waits for db, which is not ready".into()];
        assert_eq!(
            render(std::slice::from_ref(&row), Some(46)),
            "a-service-with-a-lo…  waits for db, which is …\n"
        );
        assert_eq!(render(&[row], Some(34)), "a-service-with-…  waits for db, w…\n");
    }

    #[test]
    fn a_cut_line_keeps_its_colours_whole() {
        assert_eq!(cut_lines("\u{1b}[32mgreen\u{1b}[0m tail\n", 4), "\u{1b}[32mgre…\u{1b}[0m\n");
        assert_eq!(cut_lines("short\n", 10), "short\n");
    }
}
