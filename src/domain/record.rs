//! The fields of one row of a contacts file, and the row's place.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A row number as a spreadsheet shows it: the header is row 1, the first contact row 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowNumber(NonZeroU32);

impl RowNumber {
    /// The row of the header line.
    pub(crate) const HEADER: Self = Self(NonZeroU32::MIN);

    /// `None` for 0: spreadsheets count from 1.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number itself, from 1.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a row came from: an input file of the batch, and the row in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Index of the file in the batch, from 0 in the order of the command line.
    pub file: u16,
    /// Row in that file, as a spreadsheet numbers it.
    pub row: RowNumber,
}

/// The row of a batch whose place a mended row takes, as a rejects file names it: `spring:1:7` is row 7 of the first
/// file of batch `spring`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mends {
    /// The batch.
    pub batch: String,
    /// The row in it.
    pub position: Position,
}

impl fmt::Display for Mends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = u32::from(self.position.file) + 1;
        write!(f, "{}:{file}:{}", self.batch, self.position.row)
    }
}

/// A text that names no row of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no row of a batch")]
pub struct MendsError(String);

impl FromStr for Mends {
    type Err = MendsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MendsError(text.to_owned());
        // The name of a batch may have colons.
        let mut parts = text.trim().rsplitn(3, ':');
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
        let (row, file) = (number(), number());
        let file = file.and_then(|file| u16::try_from(file.checked_sub(1)?).ok());
        let batch = parts.next().filter(|batch| !batch.is_empty());
        match (batch, file, row.and_then(RowNumber::new)) {
            (Some(batch), Some(file), Some(row)) => Ok(Self {
                batch: batch.to_owned(),
                position: Position { file, row },
            }),
            (_, _, _) => Err(wrong()),
        }
    }
}

/// The fields of one row, in the order of the header.
///
/// One allocation for the text and one for the bounds, whatever the number of columns: a list of
/// millions of rows passes through this type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Record {
    text: String,
    ends: Vec<u32>,
}

impl Record {
    /// Appends a field.
    pub(crate) fn push(&mut self, field: &str) {
        self.text.push_str(field);
        // A single row of 4 GiB is refused by the reader long before it comes here.
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// The field at `index`; `None` past the end of the row.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        self.text.get(start..end)
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter_map(|index| self.get(index))
    }

    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Record {
    fn from_iter<I: IntoIterator<Item = S>>(fields: I) -> Self {
        let mut record = Self::default();
        for field in fields {
            record.push(field.as_ref());
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_that_is_mended_is_named_by_batch_file_and_row() {
        let position = Position {
            file: 1,
            row: RowNumber::new(7).unwrap(),
        };
        for batch in ["spring", "a:b:3"] {
            let mends = Mends {
                batch: batch.to_owned(),
                position,
            };
            assert_eq!(mends.to_string(), format!("{batch}:2:7"));
            assert_eq!(mends.to_string().parse(), Ok(mends));
        }
        for text in [
            "",
            "7",
            "1:7",
            ":1:7",
            "spring:0:7",
            "spring:1:0",
            "spring:1:x",
        ] {
            assert!(text.parse::<Mends>().is_err(), "{text}");
        }
    }
}
