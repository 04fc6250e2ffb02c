//! The sheets of a workbook: which of them hold a list, and which one is read.

use std::fmt;

use super::consent;

/// A sheet that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// Rows after its header.
    pub(super) rows: usize,
    /// Its phone columns; `None` if there is none.
    pub(super) phone: Option<String>,
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        write!(f, "\"{}\": {} {rows}, ", self.name, self.rows)?;
        match &self.phone {
            Some(phone) => write!(f, "phone: {phone}"),
            None => f.write_str("no phone column"),
        }
    }
}

/// The sheets of a workbook of which none was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheets {
    pub(super) file: String,
    pub(super) found: Vec<Sheet>,
    /// The name of the one that is read: the first with numbers.
    pub(super) read: String,
}

impl Sheets {
    /// The sheets that have numbers: where there are several, a person should say which one is meant.
    pub fn with_numbers(&self) -> impl Iterator<Item = &str> {
        let sheets = self.found.iter().filter(|sheet| sheet.phone.is_some());
        sheets.map(|sheet| sheet.name.as_str())
    }

    /// A sheet that is not read, with numbers of people who do not want to be messaged, as its name says.
    pub(super) fn refusing(&self) -> Option<&str> {
        let mut others = self.with_numbers().filter(|name| *name != self.read);
        others.find(|name| consent::names_refusing_sheet(name))
    }

    /// The sheets in words, one line for each.
    pub fn lines(&self) -> Vec<String> {
        self.found.iter().map(ToString::to_string).collect()
    }

    /// The workbook's name.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// Says which other sheets there are.
impl fmt::Display for Sheets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.found.iter().filter(|sheet| sheet.name != self.read);
        let others: Vec<String> = others.map(ToString::to_string).collect();
        let what = if others.len() == 1 {
            "another sheet"
        } else {
            "other sheets"
        };
        write!(
            f,
            "{}: there {} {what}, which --sheet names: {}",
            self.file,
            if others.len() == 1 { "is" } else { "are" },
            others.join("; ")
        )
    }
}
