//! Tables for people: a head and columns without borders, so that `awk` and
//! `grep` can read them too.

use super::{bytes, output};
use comfy_table::{CellAlignment, ContentArrangement, presets};
use std::io;

/// A table; numbers are aligned right.
pub(super) struct Table {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// A column that is always text.
    words: Option<usize>,
}

impl Table {
    pub fn new(head: &'static [&'static str]) -> Table {
        Table {
            head,
            rows: Vec::new(),
            words: None,
        }
    }

    /// Aligns column `index` left, even if it has only numbers.
    pub fn words(mut self, index: usize) -> Table {
        self.words = Some(index);
        self
    }

    /// Adds a row with as many cells as the head. Cells are escaped to one line
    /// that does not control the terminal.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| bytes::line(&cell));
        self.rows.push(cells.collect());
    }

    pub fn print(&self) -> io::Result<()> {
        output::line(self.text())
    }

    /// The table as text, without a final newline.
    pub fn text(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.head.to_vec());
        table.add_rows(&self.rows);
        let last = self.head.len().saturating_sub(1);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { 2 }));
            if self.is_numbers(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        // Each line is trimmed: trim_fmt would leave spaces after the last word
        // of a row.
        let lines = table.lines().map(|line| line.trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    }

    fn is_numbers(&self, column: usize) -> bool {
        let is_number = |cell: &String| cell == "-" || cell.parse::<i64>().is_ok();
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        self.words != Some(column) && cells.all(is_number)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_cell_does_not_control_a_terminal() {
        let mut table = Table::new(&["GROUP"]);
        table.row(["a\u{1b}[2Jb\nc\u{202e}".into()]);
        assert_eq!(table.text(), "GROUP\na\\u{1b}[2Jb\\nc\\u{202e}");
    }

    #[test]
    fn names_are_aligned_left_and_numbers_right() {
        let mut table = Table::new(&["TOPIC", "END", "NOTE"]).words(2);
        table.row(["orders".into(), "12".into(), "1000".into()]);
        table.row(["x".into(), "-".into(), String::new()]);
        table.row(["y".into(), "100000".into(), "2".into()]);
        let expected = "\
TOPIC      END  NOTE
orders      12  1000
x            -
y       100000  2";
        assert_eq!(table.text(), expected);
    }
}
