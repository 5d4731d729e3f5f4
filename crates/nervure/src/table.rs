//! Tables for people.

use std::fmt::Write as _;

/// Columns as wide as they need to be: the first few are words, flush left, the rest numbers.
pub(crate) fn table(rows: &[Vec<String>], words: usize) -> String {
    if rows.len() < 2 {
        return String::new();
    }
    let columns = rows[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .map(|row| width(&row[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut table = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - width(cell));
            let _ = match column < words {
                true => write!(line, " {cell}{gap} "),
                false => write!(line, " {gap}{cell} "),
            };
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

/// Columns on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_flush_left_and_numbers_right() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let rows = [row(["name", "at", "dB"]), row(["ä", "12", "31.5"])];
        assert_eq!(table(&rows, 1), "  name  at    dB\n  ä     12  31.5\n");
        assert_eq!(table(&rows[..1], 1), "", "a head alone says nothing");
    }
}
