//! Numbers that must not be messaged, in a column of their own beside the people of a list.

use super::RowJudge;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Record;
use crate::domain::text::trimmed;
use crate::intake::consent::Refusal;
use crate::intake::rows::Fields;

impl RowJudge<'_> {
    /// The numbers of such columns in a row, and what is said of them.
    pub(super) fn refused_aside(&self, fields: &Fields<'_>) -> Option<(Vec<PhoneNumber>, Refusal)> {
        let columns = &self.mapping.refused_numbers;
        let phone = self.mapping.phone.first().filter(|_| !columns.is_empty())?;
        let record = self.record(fields);
        // The country of the row is that of its person.
        let nowhere: Record = Record::default();
        let (mut found, mut says) = (Vec::new(), None);
        for it in columns {
            let cell = trimmed(record.get(it.column.index).unwrap_or(""));
            let before = found.len();
            for of in [&record, &nowhere] {
                self.read_parts(phone, of, cell, &mut found);
            }
            if found.len() > before {
                let shown: String = cell.chars().take(40).collect();
                says.get_or_insert_with(|| format!("\"{}\" says \"{shown}\"", it.column.name));
            }
        }
        let numbers = found.into_iter().map(|it| it.parsed.phone).collect();
        says.map(|says| (numbers, Refusal::no(says)))
    }

    /// Whether a cell is a number of such a column: it says nothing of the person in its row.
    pub(super) fn is_number_aside(&self, index: usize, cell: &str) -> bool {
        let mut columns = self.mapping.refused_numbers.iter();
        columns.any(|it| it.is_of_others && it.column.index == index)
            && !cell.contains(char::is_alphabetic)
            && cell.bytes().filter(u8::is_ascii_digit).count() >= 6
    }
}
