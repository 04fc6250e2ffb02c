//! JSON lines: one object for each row, with the columns as its keys.

use std::collections::HashSet;
use std::io::{BufWriter, Write};

use super::super::error::ReportError;
use super::cell::{Cell, Column, RowWriter};

/// Writes one object for each row.
pub(in crate::report) struct JsonRows<W: Write> {
    out: BufWriter<W>,
    /// The keys, in JSON.
    keys: Vec<String>,
    next: usize,
}

impl<W: Write> JsonRows<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            out: BufWriter::new(to),
            keys: Vec::new(),
            next: 0,
        }
    }

    pub(super) fn finish(self) -> Result<W, ReportError> {
        let out = self.out.into_inner();
        Ok(out.map_err(std::io::IntoInnerError::into_error)?)
    }
}

impl<W: Write> RowWriter for JsonRows<W> {
    fn header(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError> {
        let names = columns.iter().map(|column| column.name);
        let keys = distinct(names).into_iter().map(|key| json(&key));
        self.keys = keys.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<(), ReportError> {
        let before = if self.next == 0 { "{" } else { "," };
        let key = self.keys.get(self.next).map_or("\"\"", String::as_str);
        write!(self.out, "{before}{key}:")?;
        self.next += 1;
        match cell {
            Cell::None => write!(self.out, "null")?,
            Cell::Foreign(text) | Cell::Own(text) => self.out.write_all(json(text)?.as_bytes())?,
            Cell::Count(count) => write!(self.out, "{count}")?,
            Cell::Status(_, word) => write!(self.out, "\"{word}\"")?,
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ReportError> {
        let empty = if self.next == 0 { "{" } else { "" };
        self.next = 0;
        Ok(writeln!(self.out, "{empty}}}")?)
    }
}

fn json(text: &str) -> Result<String, ReportError> {
    serde_json::to_string(text).map_err(|error| ReportError::Out(error.into()))
}

/// The names; one that was there before gets a number, for a key stands once in an object.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let numbered = |name: &str, number: usize| match number {
        1 => name.to_owned(),
        more => format!("{name} ({more})"),
    };
    let mut keys = Vec::new();
    for name in names {
        let mut number = 1;
        while !taken.insert(numbered(name, number)) {
            number += 1;
        }
        keys.push(numbered(name, number));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_name_are_keys_of_their_own() {
        let names = ["phone", "phone", "phone (2)", "", "phone"];
        let keys = distinct(names.into_iter());
        assert_eq!(
            keys,
            ["phone", "phone (2)", "phone (2) (2)", "", "phone (3)"]
        );
    }
}
