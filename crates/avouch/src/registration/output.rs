//! Answers on the screen: aligned text, or JSON.

use std::fmt::Write;

use serde_json::Value;

/// A list in columns.
pub struct Table<const N: usize> {
    headings: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// One with these headings and no rows yet.
    pub fn new(headings: [&'static str; N]) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The text: headings and rows, each column as wide as its widest cell.
    pub fn text(&self) -> String {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| width(&row[column]));
            cells.fold(width(self.headings[column]), usize::max)
        });
        let mut text = line(self.headings, &widths);
        for row in &self.rows {
            text += &line(row.each_ref().map(String::as_str), &widths);
        }
        text
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn line<const N: usize>(cells: [&str; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(line, "{cell:<width$}  ");
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// One thing: a line for each of its fields.
pub fn fields(fields: &[(&str, String)]) -> String {
    let widest = fields.iter().map(|(name, _)| width(name)).max();
    let widest = widest.unwrap_or_default();
    let mut text = String::new();
    for (name, value) in fields {
        text += format!("{name:<widest$}  {value}").trim_end();
        text.push('\n');
    }
    text
}

/// Indented JSON.
pub fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A value, or a dash where there is none.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_headings() {
        let mut table = Table::new(["No.", "Name", "Above"]);
        table.row(["1".into(), "Señal".into(), or_dash::<i64>(None)]);
        table.row(["12".into(), "Ab".into(), or_dash(Some(1))]);
        assert_eq!(
            table.text(),
            "No.  Name   Above\n\
             1    Señal  –\n\
             12   Ab     1\n"
        );
    }

    #[test]
    fn fields_stand_below_each_other() {
        let text = fields(&[
            ("name", "A".into()),
            ("permissions", "B".into()),
            ("x", "".into()),
        ]);
        assert_eq!(text, "name         A\npermissions  B\nx\n");
    }
}
